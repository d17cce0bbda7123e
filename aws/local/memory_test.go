package local_test

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"portcullis/aws/local"
)

var usedMemory = regexp.MustCompile(`\tMax Memory Used: (\d+) MB`)

// TestMemoryLimit: a function that occupies more than its MemorySize is killed, itself or by a child, at work or in its
// init, and the REPORT line says what it used. Source: Lambda Developer Guide, "Troubleshoot invocation issues in Lambda".
func TestMemoryLimit(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory is limited on Linux")
	}
	w := start(t, local.Options{})
	c := lambda.NewFromConfig(w.admin())
	const killed = "Runtime exited with error: signal: killed"
	for _, tt := range []struct {
		name, event string
		size        int32
		init        map[string]string
		kind, text  string // of the error; "" for none
		most, least int    // Max Memory Used in MB
	}{
		{"little", `{"do":"memory","ms":10}`, 128, nil, "", "", 100, 10},
		{"much, and much is allowed", `{"do":"memory","ms":160}`, 256, nil, "", "", 256, 160},
		{"too much", `{"do":"memory","ms":160,"text":"stay"}`, 128, nil, "Runtime.ExitError", killed, 128, 128},
		{"too much in a child", `{"do":"memory","ms":160,"text":"child"}`, 128, nil, "Runtime.ExitError", killed, 128, 128},
		{"too much in init", `{}`, 128, map[string]string{"FN_INIT": "memory", "FN_MEGABYTES": "160"}, "Runtime.ExitError", killed, 128, 128},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := "fn-" + strings.NewReplacer(" ", "-", ",", "").Replace(tt.name)
			w.function(name, func(in *lambda.CreateFunctionInput) {
				in.MemorySize = aws.Int32(tt.size)
				env(tt.init)(in)
			})
			out, err := c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte(tt.event), LogType: types.LogTypeTail})
			if err != nil {
				t.Fatal(err)
			}
			var e struct{ ErrorType, ErrorMessage string }
			if err := json.Unmarshal(out.Payload, &e); err != nil {
				t.Fatal(err)
			}
			if tt.kind != e.ErrorType || !strings.HasSuffix(e.ErrorMessage, tt.text) || (tt.kind == "") != (out.FunctionError == nil) || tt.kind != "" && !strings.HasPrefix(e.ErrorMessage, "RequestId: ") {
				t.Errorf("answered %s %s", aws.ToString(out.FunctionError), out.Payload)
			}
			log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
			if err != nil {
				t.Fatal(err)
			}
			m := usedMemory.FindStringSubmatch(string(log))
			if m == nil {
				t.Fatalf("the REPORT line does not say what was used: %s", log)
			}
			if mb, _ := strconv.Atoi(m[1]); mb < tt.least || mb > tt.most || !strings.Contains(string(log), "\tMemory Size: "+strconv.Itoa(int(tt.size))+" MB") {
				t.Errorf("%d MB used, want %d to %d: %s", mb, tt.least, tt.most, log)
			}
			if tt.kind != "" && (!strings.Contains(string(log), killed) || !strings.Contains(string(log), "Status: error\tError Type: Runtime.ExitError")) {
				t.Errorf("the log does not say how it ended: %s", log)
			}
			if tt.init == nil {
				if again := w.invoke(name, `{"do":"echo"}`); again.FunctionError != nil {
					t.Errorf("the invocation after it fails too: %s", again.Payload)
				}
			}
		})
	}
}

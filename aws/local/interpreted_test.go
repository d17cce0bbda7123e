package local_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"portcullis/aws/local"
)

// The authorizers of docs/reference/local-aws.md, as plain Python and Node.js zips.
func TestInterpretedAuthorizers(t *testing.T) {
	t.Parallel()
	w := start(t, local.Options{})
	for _, c := range []struct {
		program, source, name, handler string
		runtime                        types.Runtime
	}{
		{"python3", "testdata/python/lambda_function.py", "lambda_function.py", "lambda_function.lambda_handler", types.RuntimePython313},
		{"node", "testdata/node/index.mjs", "index.mjs", "index.handler", types.RuntimeNodejs22x},
	} {
		t.Run(c.program, func(t *testing.T) {
			if _, err := exec.LookPath(c.program); err != nil {
				t.Skip(c.program + " is not installed")
			}
			w := &world{t, w.s, w.url}
			source, err := os.ReadFile(c.source)
			if err != nil {
				t.Fatal(err)
			}
			page, err := os.ReadFile("../../docs/reference/local-aws.md")
			if err != nil || !strings.Contains(string(page), string(source)) {
				t.Errorf("docs/reference/local-aws.md does not show %s as it is (%v)", c.source, err)
			}
			w.function(c.program, func(in *lambda.CreateFunctionInput) {
				in.Runtime, in.Handler = c.runtime, aws.String(c.handler)
				in.Code = &types.FunctionCode{ZipFile: zipOf(t, file{c.name, 0o644, source})}
			})
			for authorization, want := range map[string]string{`{"Authorization":"Bearer good"}`: `"Allow"`, `{"Authorization":"Bearer bad"}`: `"Deny"`, `{}`: `"Unauthorized"`} {
				out := w.invoke(c.program, `{"type":"REQUEST","methodArn":"arn:aws:execute-api:eu-west-1:111122223333:abc/dev/GET/pets","headers":`+authorization+`}`)
				if !strings.Contains(string(out.Payload), want) || (out.FunctionError != nil) != (want == `"Unauthorized"`) {
					t.Errorf("%s: %s %s", authorization, aws.ToString(out.FunctionError), out.Payload)
				}
			}
			if a, b := environmentsOf(w, c.program), 1; a != b {
				t.Errorf("%d environments, want %d", a, b)
			}
			w.function(c.program+"-missing", func(in *lambda.CreateFunctionInput) {
				in.Runtime, in.Handler = c.runtime, aws.String("nothing.handler")
				in.Code = &types.FunctionCode{ZipFile: zipOf(t, file{c.name, 0o644, source})}
			})
			var e struct{ ErrorType string }
			out := w.invoke(c.program+"-missing", `{}`)
			if err := json.Unmarshal(out.Payload, &e); err != nil || e.ErrorType != "Runtime.ImportModuleError" {
				t.Errorf("a handler that is not there: %s", out.Payload)
			}
		})
	}
}

func environmentsOf(w *world, name string) int {
	n := 0
	for _, e := range environments(w) {
		if strings.HasSuffix(e.Function, ":"+name) {
			n++
		}
	}
	return n
}

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/aws/aws-lambda-go/lambda" // what testdata/empty is built with

	"portcullis/edge/waist"
)

// BenchmarkFigures prints what design and README promise: cold start, warm latency, memory and size, next to an empty
// function of aws-lambda-go in the same run, taking turns. Run it with -benchtime 1x.
func BenchmarkFigures(b *testing.B) {
	dir := b.TempDir()
	build := func(name, pkg string) string {
		out := filepath.Join(dir, name)
		cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%s: %s", pkg, text)
		}
		return out
	}
	ours, empty := build("ours", "."), build("empty", "./testdata/empty")
	for _, name := range []string{"visual", "rego50", "apis10000"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() { // what is measured below are medians of their own; Loop would drop metrics reported before it
			}
			plane := benchPlane(b, name)
			env := []string{"ACP_CLIENT_ID=gw", "ACP_CLIENT_SECRET=" + secretText, "ACP_ISSUER_URL=" + plane.URL + "/default/system", "LOGGING_LEVEL=warn",
				"HTTP_CLIENT_ROOT_CA=" + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: plane.Certificate().Raw}))}
			const rounds, warm = 7, 200
			events := []string{benchEvent(plane.token(b, 0))}
			var next, first, repeated, fresh [2][]float64
			rss := 0
			for round := range rounds {
				for which, bin := range []string{empty, ours} {
					list := append([]string(nil), events...)
					for i := 1; i < warm; i++ {
						list = append(list, events[0])
					}
					if round == 0 {
						for i := 1; i <= warm; i++ {
							list = append(list, benchEvent(plane.token(b, i)))
						}
					}
					m := runOnce(b, bin, env, list)
					next[which] = append(next[which], m.toNext)
					first[which] = append(first[which], m.toAnswer)
					repeated[which] = append(repeated[which], m.each[1:warm]...)
					fresh[which] = append(fresh[which], m.each[warm:]...)
					if which == 1 {
						rss = max(rss, m.rss)
					}
				}
			}
			b.ReportMetric(median(next[0]), "empty-next-ms")
			b.ReportMetric(median(next[1]), "next-ms")
			b.ReportMetric(median(first[0]), "empty-first-ms")
			b.ReportMetric(median(first[1]), "first-ms")
			b.ReportMetric(median(first[1])/median(first[0]), "first-ratio")
			b.ReportMetric(slices.Min(first[1])/slices.Min(first[0]), "first-ratio-of-best")
			b.ReportMetric(1000*(median(repeated[1])-median(repeated[0])), "repeated-added-us")
			b.ReportMetric(1000*(median(fresh[1])-median(fresh[0])), "new-added-us")
			b.ReportMetric(bareCheck(b), "bare-es256-us") // what of new-added-us is the signature itself
			b.ReportMetric(float64(rss), "rss-MB")
			b.ReportMetric(0, "ns/op")
		})
	}
	if z, err := buildZip(); err == nil {
		info, _ := os.Stat(ours)
		b.Logf("zip %.1f MB, binary %.1f MB, %s/%s", float64(len(z))/1e6, float64(info.Size())/1e6, runtime.GOOS, runtime.GOARCH)
	}
}

// bareCheck is the median time of one ES256 verification and nothing else, in µs, on the machine as it is now.
func bareCheck(b *testing.B) float64 {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256([]byte("header.payload"))
	sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	each := make([]float64, 200)
	for i := range each {
		at := time.Now()
		if !ecdsa.VerifyASN1(&key.PublicKey, sum[:], sig) {
			b.Fatal("the signature does not verify")
		}
		each[i] = 1000 * ms(time.Since(at))
	}
	return median(each)
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	sort.Float64s(v)
	return v[len(v)/2]
}

type planeTLS struct {
	*httptest.Server
	inner *controlPlane
}

func (p planeTLS) token(b *testing.B, i int) string {
	return p.inner.sign(b, p.URL, "joe"+strconv.Itoa(i))
}

// benchPlane serves one of the configurations over TLS.
func benchPlane(b *testing.B, name string) planeTLS {
	inner := newControlPlane(b)
	s := httptest.NewTLSServer(inner.Config.Handler)
	b.Cleanup(s.Close)
	c := &inner.cfg
	c.IssuerURL = s.URL + "/default/demo"
	c.Services = []waist.ConnectedService{{ID: "s1", Name: "PetStore", APIGroupID: "abc123-dev", Audience: "pets", APIGroupMetadata: waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: "abc123", Stage: "dev"}}}}
	c.Policies = []waist.Policy{{ID: "p0", Language: "cloudentity", Type: "api", Validators: []waist.Validator{{Name: "identity-context", Conf: json.RawMessage(`{"fields":[{"field":"iss","comparator":"equals","value":"` + c.IssuerURL + `"}]}`)}}}}
	apis := 10
	switch name {
	case "rego50":
		for i := range 50 {
			c.Policies = append(c.Policies, waist.Policy{ID: fmt.Sprint("r", i), Language: "rego", Type: "api", Definition: fmt.Sprintf("package acp.authz\n\ndefault allow = false\n\nallow {\n  startswith(input.authn_ctx.sub, \"joe\")\n  input.request.path != \"/x%d\"\n}\n", i)})
		}
	case "apis10000":
		apis = 10000
	}
	for i := range apis {
		c.APIs = append(c.APIs, waist.API{ID: fmt.Sprint("a", i), ServiceID: "s1", Method: "GET", Path: fmt.Sprintf("/v1/things%d/{id}", i), PolicyID: "p0"})
	}
	if name == "rego50" {
		c.APIs[0].PolicyID = "r7"
	}
	return planeTLS{s, inner}
}

func benchEvent(token string) string {
	b, _ := json.Marshal(map[string]any{"type": "REQUEST", "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/GET/v1/things0/7", "resource": "/v1/things0/{id}", "path": "/v1/things0/7", "httpMethod": "GET",
		"headers":           map[string]string{"Authorization": "Bearer " + token, "Host": "abc123.execute-api.eu-west-1.amazonaws.com", "User-Agent": "curl/8", "X-Forwarded-For": "203.0.113.9"},
		"multiValueHeaders": map[string][]string{"Authorization": {"Bearer " + token}, "Host": {"abc123.execute-api.eu-west-1.amazonaws.com"}, "User-Agent": {"curl/8"}, "X-Forwarded-For": {"203.0.113.9"}},
		"pathParameters":    map[string]string{"id": "7"}, "requestContext": map[string]any{"resourcePath": "/v1/things0/{id}", "httpMethod": "GET", "apiId": "abc123", "stage": "dev", "requestId": "r", "accountId": "123456789012",
			"identity": map[string]any{"sourceIp": "203.0.113.9", "userAgent": "curl/8"}}})
	return string(b)
}

type measure struct {
	toNext, toAnswer float64 // ms since the process was started
	each             []float64
	rss              int // MB
}

// runOnce starts a bootstrap against a Runtime API of our own and hands it the events one by one.
func runOnce(b *testing.B, bin string, env, events []string) measure {
	b.Helper()
	var m measure
	type reply struct{ at time.Time }
	asked := make(chan struct{}, 1)
	give := make(chan string)
	answered := make(chan reply, 1)
	invoke := make(chan struct{}, len(events)+1)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2020-01-01/extension/register", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Lambda-Extension-Identifier", "x") })
	mux.HandleFunc("GET /2020-01-01/extension/event/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-invoke:
			fmt.Fprintf(w, `{"eventType":"INVOKE","deadlineMs":%d}`, time.Now().Add(10*time.Second).UnixMilli())
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		select {
		case e := <-give:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "r1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(10*time.Second).UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", functionARN)
			_, _ = io.WriteString(w, e)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/r1/response", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		at := time.Now()
		if strings.HasSuffix(bin, "ours") && !strings.Contains(string(body), `"Allow"`) {
			b.Errorf("answer: %s", body)
		}
		w.WriteHeader(202)
		answered <- reply{at}
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	cmd := exec.Command(bin)
	cmd.Env = append(env, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(s.URL, "http://"), "AWS_REGION="+region)
	cmd.Stderr = os.Stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	<-asked
	m.toNext = ms(time.Since(start))
	for i, e := range events {
		invoke <- struct{}{}
		at := time.Now()
		give <- e
		r := <-answered
		if i == 0 {
			m.toAnswer = ms(r.at.Sub(start))
		}
		m.each = append(m.each, ms(r.at.Sub(at)))
	}
	if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)); err == nil {
		for _, line := range strings.Split(string(status), "\n") {
			if f := strings.Fields(line); len(f) == 3 && f[0] == "VmRSS:" {
				kb, _ := strconv.Atoi(f[1])
				m.rss = kb / 1024
			}
		}
	}
	return m
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

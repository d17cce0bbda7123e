package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/aws/aws-lambda-go/lambda" // what testdata/empty is built with
	jose "github.com/go-jose/go-jose/v4"

	"portcullis/edge/waist"
)

// BenchmarkFigures prints what design and README promise: cold start, warm latency, memory and size, next to an empty
// function of aws-lambda-go in the same run, taking turns. docs/reference/figures.md says what each figure is for. Run it
// with -benchtime 1x.
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
	programs := [2]string{build("empty", "./testdata/empty"), build("ours", ".")}
	for _, name := range []string{"visual", "visual-rsa-certificate", "rego50", "apis10000"} {
		b.Run("cold/"+name, func(b *testing.B) { coldFigures(b, programs, newBenchPlane(b, name)) })
	}
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.EdDSA} {
		b.Run("warm/"+string(alg), func(b *testing.B) { warmFigures(b, programs, newBenchPlane(b, "visual"), alg) })
	}
	b.Run("large", func(b *testing.B) { largeFigures(b, programs[1], newBenchPlane(b, "large")) })
	b.Run("size", func(b *testing.B) {
		for b.Loop() { // what is measured are medians of their own; Loop would drop metrics reported before it
		}
		z, err := buildZip()
		if err != nil {
			b.Fatal(err)
		}
		info, err := os.Stat(programs[1])
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(z))/1e6, "zip-MB")
		b.ReportMetric(float64(info.Size())/1e6, "binary-MB")
		b.ReportMetric(0, "ns/op")
	})
}

// coldFigures: from the start of the process to its first question for an event, and to its first answer.
func coldFigures(b *testing.B, programs [2]string, plane *benchPlane) {
	for b.Loop() {
	}
	const rounds = 31
	event := plane.event(0, plane.token(b, jose.ES256, 0))
	var next, first [2][]float64
	rss := 0
	for range rounds {
		for which, program := range programs {
			m := runOnce(b, program, plane.env(), []string{event})
			next[which] = append(next[which], m.toNext)
			first[which] = append(first[which], m.toAnswer)
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
	b.ReportMetric(float64(rss), "rss-MB")
	b.ReportMetric(0, "ns/op")
}

// warmFigures: what a decision adds to an empty function, with a token that was seen before and with new ones, and how
// much of the latter is the signature.
func warmFigures(b *testing.B, programs [2]string, plane *benchPlane, alg jose.SignatureAlgorithm) {
	for b.Loop() {
	}
	const rounds, warm = 5, 200
	repeatedEvent := plane.event(0, plane.token(b, alg, 0))
	var list []string
	for range warm {
		list = append(list, repeatedEvent)
	}
	for i := range warm {
		list = append(list, plane.event(0, plane.token(b, alg, 1+i)))
	}
	var repeated, fresh [2][]float64
	var bare []float64
	rss := 0
	for range rounds {
		for which, program := range programs {
			m := runOnce(b, program, plane.env(), list)
			repeated[which] = append(repeated[which], m.each[10:warm]...)
			fresh[which] = append(fresh[which], m.each[warm:]...)
			if which == 1 {
				rss = max(rss, m.rss)
			}
		}
		bare = append(bare, plane.bareChecks(b, alg)...)
	}
	was, is := median(repeated[1])-median(repeated[0]), median(fresh[1])-median(fresh[0])
	b.ReportMetric(1000*was, "repeated-added-us")
	b.ReportMetric(1000*is, "new-added-us")
	b.ReportMetric(1000*median(bare), "bare-check-us")
	b.ReportMetric((is-was)/median(bare), "new-over-repeated-in-bare-checks")
	b.ReportMetric(1000*median(repeated[1]), "repeated-us")
	b.ReportMetric(1000*median(repeated[0]), "empty-us")
	b.ReportMetric(float64(rss), "rss-MB")
	b.ReportMetric(0, "ns/op")
}

// largeFigures: 10,000 APIs and 1,000 Rego policies, until the first answer, and when every policy has been used.
func largeFigures(b *testing.B, program string, plane *benchPlane) {
	for b.Loop() {
	}
	tok := plane.token(b, jose.ES256, 0)
	list := []string{}
	for i := range 1000 {
		list = append(list, plane.event(i, tok))
	}
	var first, all []float64
	rssFirst, rssAll := 0, 0
	for range 3 {
		m := runOnce(b, program, plane.env(), list[:1])
		first, rssFirst = append(first, m.toAnswer), max(rssFirst, m.rss)
		m = runOnce(b, program, plane.env(), list)
		all, rssAll = append(all, slices.Max(m.each[1:])), max(rssAll, m.rss)
	}
	b.ReportMetric(median(first)/1000, "ready-s")
	b.ReportMetric(float64(rssFirst), "rss-ready-MB")
	b.ReportMetric(median(all), "slowest-first-use-ms") // of a policy
	b.ReportMetric(float64(rssAll), "rss-all-used-MB")
	b.ReportMetric(0, "ns/op")
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	sort.Float64s(v)
	return v[len(v)/2]
}

// benchPlane is a control plane over TLS, with a key for each kind of token.
type benchPlane struct {
	*httptest.Server
	keys map[jose.SignatureAlgorithm]jose.JSONWebKey
}

// newBenchPlane serves one of the configurations. The certificate is ECDSA P-256, as certificate authorities issue by
// default; the signature of an RSA one costs the server, not the authorizer, most of a millisecond.
func newBenchPlane(b *testing.B, name string) *benchPlane {
	inner := newControlPlane(b)
	p := &benchPlane{keys: map[jose.SignatureAlgorithm]jose.JSONWebKey{jose.ES256: {Key: inner.key, KeyID: "k1"}}}
	p.Server = httptest.NewUnstartedServer(inner.Config.Handler)
	if name != "visual-rsa-certificate" {
		p.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(b)}}
	}
	p.StartTLS()
	b.Cleanup(p.Close)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	p.keys[jose.RS256], p.keys[jose.EdDSA] = jose.JSONWebKey{Key: rsaKey, KeyID: "k2"}, jose.JSONWebKey{Key: edKey, KeyID: "k3"}
	c := &inner.cfg
	var public jose.JSONWebKeySet
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.EdDSA} {
		k := p.keys[alg]
		public.Keys = append(public.Keys, k.Public())
	}
	if c.JWKS, err = json.Marshal(public); err != nil {
		b.Fatal(err)
	}
	c.IssuerURL = p.URL + "/default/demo"
	c.Services = []waist.ConnectedService{{ID: "s1", Name: "PetStore", APIGroupID: "abc123-dev", Audience: "pets", APIGroupMetadata: waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: "abc123", Stage: "dev"}}}}
	c.Policies = []waist.Policy{{ID: "p0", Language: "cloudentity", Type: "api", Validators: []waist.Validator{{Name: "identity-context", Conf: json.RawMessage(`{"fields":[{"field":"iss","comparator":"equals","value":"` + c.IssuerURL + `"}]}`)}}}}
	apis, regos := 10, 0
	switch name {
	case "rego50":
		regos = 50
	case "apis10000":
		apis = 10_000
	case "large":
		apis, regos = 10_000, 1000
	}
	for i := range regos {
		c.Policies = append(c.Policies, waist.Policy{ID: fmt.Sprint("r", i), Language: "rego", Type: "api", Definition: fmt.Sprintf("package acp.authz\n\ndefault allow = false\n\nallow {\n  startswith(input.authn_ctx.sub, \"joe\")\n  input.request.path != \"/x%d\"\n}\n", i)})
	}
	for i := range apis {
		a := waist.API{ID: fmt.Sprint("a", i), ServiceID: "s1", Method: "GET", Path: fmt.Sprintf("/v1/things%d/{id}", i), PolicyID: "p0"}
		if regos > 0 {
			a.PolicyID = fmt.Sprint("r", i%regos)
		}
		c.APIs = append(c.APIs, a)
	}
	return p
}

// certificate is self-signed, for 127.0.0.1.
func certificate(b *testing.B) tls.Certificate {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		b.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (p *benchPlane) env() []string {
	return []string{"ACP_CLIENT_ID=gw", "ACP_CLIENT_SECRET=" + secretText, "ACP_ISSUER_URL=" + p.URL + "/default/system", "LOGGING_LEVEL=warn",
		"HTTP_CLIENT_ROOT_CA=" + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw}))}
}

func (p *benchPlane) token(b *testing.B, alg jose.SignatureAlgorithm, i int) string {
	b.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: p.keys[alg]}, nil)
	if err != nil {
		b.Fatal(err)
	}
	claims, _ := json.Marshal(map[string]any{"iss": p.URL + "/default/demo", "sub": fmt.Sprint("joe", i), "aud": "pets", "exp": time.Now().Add(time.Hour).Unix()})
	jws, err := s.Sign(claims)
	if err != nil {
		b.Fatal(err)
	}
	out, err := jws.CompactSerialize()
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// bareChecks times verifications of one signature and nothing else, in ms: each after a pause, as requests are.
func (p *benchPlane) bareChecks(b *testing.B, alg jose.SignatureAlgorithm) []float64 {
	b.Helper()
	message, sig := []byte("header.payload"), []byte(nil)
	sum := sha256.Sum256(message)
	var err error
	var check func() bool
	switch key := p.keys[alg].Key.(type) {
	case *ecdsa.PrivateKey:
		sig, err = ecdsa.SignASN1(rand.Reader, key, sum[:])
		check = func() bool { return ecdsa.VerifyASN1(&key.PublicKey, sum[:], sig) }
	case *rsa.PrivateKey:
		sig, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		check = func() bool { return rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], sig) == nil }
	case ed25519.PrivateKey:
		sig = ed25519.Sign(key, message)
		check = func() bool { return ed25519.Verify(key.Public().(ed25519.PublicKey), message, sig) }
	}
	if err != nil {
		b.Fatal(err)
	}
	each := make([]float64, 200)
	for i := range each {
		time.Sleep(300 * time.Microsecond)
		at := time.Now()
		if !check() {
			b.Fatal("the signature does not verify")
		}
		each[i] = ms(time.Since(at))
	}
	return each
}

// event is a call of the i-th API.
func (p *benchPlane) event(i int, token string) string {
	path, template := fmt.Sprintf("/v1/things%d/7", i), fmt.Sprintf("/v1/things%d/{id}", i)
	b, _ := json.Marshal(map[string]any{"type": "REQUEST", "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/GET" + path, "resource": template, "path": path, "httpMethod": "GET",
		"headers":           map[string]string{"Authorization": "Bearer " + token, "Host": "abc123.execute-api.eu-west-1.amazonaws.com", "User-Agent": "curl/8", "X-Forwarded-For": "203.0.113.9"},
		"multiValueHeaders": map[string][]string{"Authorization": {"Bearer " + token}, "Host": {"abc123.execute-api.eu-west-1.amazonaws.com"}, "User-Agent": {"curl/8"}, "X-Forwarded-For": {"203.0.113.9"}},
		"pathParameters":    map[string]string{"id": "7"}, "requestContext": map[string]any{"resourcePath": template, "httpMethod": "GET", "apiId": "abc123", "stage": "dev", "requestId": "r", "accountId": "123456789012",
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
	invoke := make(chan struct{}, 1)
	var registered atomic.Bool
	free := make(chan struct{}, 1) // the extension asks for its next event
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2020-01-01/extension/register", func(w http.ResponseWriter, _ *http.Request) {
		registered.Store(true)
		w.Header().Set("Lambda-Extension-Identifier", "x")
	})
	mux.HandleFunc("GET /2020-01-01/extension/event/next", func(w http.ResponseWriter, r *http.Request) {
		free <- struct{}{}
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
		if registered.Load() { // an environment gets no event before its extension is done with the one before
			<-free
			invoke <- struct{}{}
		}
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

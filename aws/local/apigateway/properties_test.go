package apigateway

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis/aws/local/wire"
)

// TestWildcardIsTheRegularExpression: * is .*, ? is one character, everything else itself.
func TestWildcardIsTheRegularExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]string{"a", "b", "/", ":", "*", "?", ".", "+"})
		p := strings.Join(rapid.SliceOfN(alphabet, 0, 10).Draw(t, "pattern"), "")
		s := strings.Join(rapid.SliceOfN(alphabet, 0, 12).Draw(t, "text"), "")
		expr := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(p))
		if want := regexp.MustCompile("^(?:" + expr + ")$").MatchString(s); wildcard(p, s) != want {
			t.Fatalf("wildcard(%q, %q) is %v", p, s, !want)
		}
	})
}

// TestRouterAgreesWithPlainSearch: the tree finds what a search of all templates by the documented precedence finds.
func TestRouterAgreesWithPlainSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDefinition()
		d.Resources["root"] = &resource{ID: "root", Path: "/"}
		s := New(Options{MaxResources: 1000})
		parents := []*resource{d.Resources["root"]}
		for range rapid.IntRange(0, 12).Draw(t, "resources") {
			parent := rapid.SampledFrom(parents).Draw(t, "parent")
			part := rapid.SampledFrom([]string{"a", "b", "{x}", "{x+}"}).Draw(t, "part")
			r, err := s.addResource(d, parent, part)
			if err != nil {
				continue // a sibling forbids it, as on AWS
			}
			parents = append(parents, r)
		}
		for _, r := range parents {
			for _, verb := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"GET", "POST", "ANY"}), rapid.ID).Draw(t, "verbs") {
				if r.Methods == nil {
					r.Methods = map[string]*method{}
				}
				r.Methods[verb] = &method{HTTPMethod: verb}
			}
		}
		path := "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 4).Draw(t, "path"), "/")
		verb := rapid.SampledFrom([]string{"GET", "POST", "PUT"}).Draw(t, "verb")
		want := search(d, path, verb)
		got, ok := newRouter(d).find(path, verb)
		if ok != (want != nil) || ok && got.resource != want {
			t.Fatalf("%s %s: found %v %v, want %v", verb, path, ok, got.resource, want)
		}
	})
}

// search ranks all resources that fit the path and serve the verb: segment by segment a literal before a variable before
// the greedy one.
func search(d *definition, path, verb string) *resource {
	segs := strings.Split(strings.Trim(path, "/"), "/")
	if path == "/" {
		segs = nil
	}
	var best *resource
	bestRank := ""
	for _, r := range d.Resources {
		if r.Methods[verb] == nil && r.Methods["ANY"] == nil {
			continue
		}
		parts := strings.Split(strings.Trim(r.Path, "/"), "/")
		if r.Path == "/" {
			parts = nil
		}
		rank, fits := "", true
		for i, p := range parts {
			switch {
			case i >= len(segs):
				fits = false
			case isGreedy(p):
				rank += "2"
			case strings.HasPrefix(p, "{"):
				rank += "1"
			default:
				rank += "0"
				fits = fits && p == segs[i]
			}
		}
		if len(parts) < len(segs) && (len(parts) == 0 || !isGreedy(parts[len(parts)-1])) {
			fits = false
		}
		if fits && (best == nil || rank < bestRank) {
			best, bestRank = r, rank
		}
	}
	return best
}

// TestTemplatesNeverPanic: whatever is in a template, rendering ends with text or an error.
func TestTemplatesNeverPanic(t *testing.T) {
	x := &exchange{svc: New(Options{}), ctx: httptest.NewRequest("GET", "/", nil), header: http.Header{}, query: url.Values{}, match: match{params: map[string]string{}, resource: &resource{}, method: &method{}}, def: newDefinition(), stage: &stage{}}
	pieces := []string{"$a", "$input", ".json('$.a')", ".path('$')", ".params()", "#set($a = ", "#if(", "#foreach($i in ", ")", "#else", "#end", "'x'", "\"$a\"", "[1,2]", "{'k':1}", " + ", "==", "!", ".get(0)", ".size()", "[0]", "${", "}", "$", "#", "\\", "1", "text", "$context.identity.x", "$util.parseJson('[1]')", "\n"}
	rapid.Check(t, func(t *rapid.T) {
		template := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 20).Draw(t, "template"), "")
		_, _ = x.render(template, `{"a":[1,{"b":null}]}`, nil)
	})
}

// TestPolicyThatIsNotUnderstoodAllowsNothing: a document of random pieces never allows without an Allow for the ARN.
func TestPolicyThatIsNotUnderstoodAllowsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		effect := rapid.SampledFrom([]string{"Allow", "Deny", "allow", "", "Maybe"}).Draw(t, "effect")
		resources := rapid.SliceOf(rapid.SampledFrom([]string{"arn:x/dev/GET/a", "*", "arn:y/*", ""})).Draw(t, "resources")
		doc, _ := json.Marshal(map[string]any{"Statement": []any{map[string]any{"Effect": effect, "Action": "execute-api:Invoke", "Resource": resources}}})
		p, err := parsePolicy(doc)
		if err != nil {
			return
		}
		v, err := p.evaluate("arn:x/dev/GET/a", facts{}, nil)
		should := effect == "Allow" && (slices.Contains(resources, "*") || slices.Contains(resources, "arn:x/dev/GET/a"))
		if (v == allowed && err == nil) != should {
			t.Fatalf("%s says %v %v", doc, v, err)
		}
	})
}

// TestClientCertificate: with mutual TLS the certificate is in the event.
// Source: Developer Guide, "Input to an API Gateway Lambda authorizer", identity.clientCert.
func TestClientCertificate(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: []byte("der"), Subject: pkix.Name{CommonName: "client"}, Issuer: pkix.Name{CommonName: "ca"},
		SerialNumber: big.NewInt(17), NotBefore: time.Date(2019, 5, 28, 12, 30, 2, 0, time.UTC), NotAfter: time.Date(2021, 8, 5, 9, 36, 4, 0, time.UTC)}}}
	x := &exchange{svc: New(Options{}), ctx: r, header: http.Header{}, match: match{resource: &resource{}, method: &method{}}, def: newDefinition(), stage: &stage{}}
	got := x.requestContext()["identity"].(map[string]any)["clientCert"].(map[string]any)
	want := map[string]any{"clientCertPem": "-----BEGIN CERTIFICATE-----\nZGVy\n-----END CERTIFICATE-----\n", "subjectDN": "CN=client", "issuerDN": "CN=ca", "serialNumber": "17",
		"validity": map[string]any{"notBefore": "May 28 12:30:02 2019 GMT", "notAfter": "Aug  5 09:36:04 2021 GMT"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAuthCacheIsBounded(t *testing.T) {
	now := time.Unix(0, 0)
	c := newCache[cacheKey, *authAnswer](func() time.Time { return now }, maxCachedAnswers)
	a := &authAnswer{}
	for i := range maxCachedAnswers + 100 {
		c.put(cacheKey{identity: newID(12)}, a, time.Duration(i+1)*time.Second)
	}
	if len(c.entries) > maxCachedAnswers {
		t.Errorf("%d entries", len(c.entries))
	}
	now = now.Add(time.Hour * 1000)
	c.put(cacheKey{identity: "last"}, a, time.Second)
	if len(c.entries) != 1 {
		t.Errorf("expired answers stay: %d", len(c.entries))
	}
}

// TestConcurrentEditsAndTraffic: run with -race. Requests see whole deployments only.
func TestConcurrentEditsAndTraffic(t *testing.T) {
	s := New(Options{})
	control := func(verb, path, body string) map[string]any {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(verb, path, nil)
		r.Header.Set("Accept", "application/json")
		s.ServeAWS(w, &wire.Call{Region: "eu-west-1", Account: "111122223333", Request: r, Body: []byte(body), Authorize: func(*wire.Call, string, string, map[string][]string) error { return nil }})
		var m map[string]any
		if w.Body.Len() > 0 && json.Unmarshal(w.Body.Bytes(), &m) != nil || w.Code >= 300 {
			t.Errorf("%s %s: %d %s", verb, path, w.Code, w.Body)
		}
		return m
	}
	doc := `{"swagger":"2.0","info":{"title":"T"},"paths":{"/a":{"get":{"responses":{"200":{"description":"ok"}},"x-amazon-apigateway-integration":{"type":"mock","requestTemplates":{"application/json":"{statusCode: 200}"},"responses":{"default":{"statusCode":"200","responseTemplates":{"application/json":"$stageVariables.v"}}}}}}}}`
	id := control("POST", "/restapis?mode=import", doc)["id"].(string)
	control("POST", "/restapis/"+id+"/deployments", `{"stageName":"dev","variables":{"v":"0"}}`)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				w := httptest.NewRecorder()
				s.ServeExecute(w, httptest.NewRequest("GET", "/_aws/execute-api/"+id+"/dev/a", nil))
				if w.Code != 200 {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			}
		})
	}
	for _, v := range []string{"1", "2", "3", "4", "5"} {
		wg.Go(func() {
			control("PATCH", "/restapis/"+id+"/stages/dev", `{"patchOperations":[{"op":"replace","path":"/variables/v","value":"`+v+`"}]}`)
			control("PUT", "/restapis/"+id+"?mode=merge", doc)
			control("POST", "/restapis/"+id+"/deployments", `{"stageName":"dev"}`)
			control("GET", "/restapis/"+id+"/resources?embed=methods", "")
		})
	}
	wg.Wait()
}

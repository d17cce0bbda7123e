package authorizer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestDecisionTable is the decision table of the design on the whole path: event in, answer out.
func TestDecisionTable(t *testing.T) {
	b := newBench(t, nil)
	bearer := func(edit func(map[string]any)) string { return "Bearer " + b.sign(edit) }
	joe := bearer(nil)
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	forged := "Bearer " + signWith(t, other, "k1", map[string]any{"iss": b.issuer(), "sub": "joe", "aud": audience, "exp": b.clock.Now().Add(time.Hour).Unix()})
	b.active["opaque-token-1"] = map[string]any{"active": true, "iss": b.issuer(), "sub": "joe", "aud": []string{audience}, "exp": b.clock.Now().Add(time.Hour).Unix(), "scope": "a b"}

	cases := []struct {
		name  string
		c     call
		allow bool
		want  string
	}{
		{"no policy, no token", get("/open"), true, ReasonOpen},
		{"no policy, bad token", get("/open", "Bearer invalid_token"), true, ReasonOpen},
		{"no policy, good token", get("/open", joe), true, ReasonOpen},
		{"policy met", get("/pets", joe), true, ReasonAllowed},
		{"policy not met", get("/pets", bearer(func(c map[string]any) { c["sub"] = "jane" })), false, "policy_denied"},
		{"policy needs identity, no token", get("/pets"), false, "policy_denied"},
		{"policy allows anonymous, no token", get("/pets/{petId}"), true, ReasonAllowed},
		{"policy allows, the guide's invalid token", get("/pets/{petId}", "Bearer invalid_token"), false, "token_inactive"},
		{"policy allows, expired", get("/pets/{petId}", bearer(func(c map[string]any) { c["exp"] = b.clock.Now().Add(-2 * time.Minute).Unix() })), false, "token_expired"},
		{"policy allows, not yet valid", get("/pets/{petId}", bearer(func(c map[string]any) { c["nbf"] = b.clock.Now().Add(2 * time.Minute).Unix() })), false, "token_not_yet_valid"},
		{"policy allows, other audience", get("/pets/{petId}", bearer(func(c map[string]any) { c["aud"] = "other" })), false, "token_wrong_audience"},
		{"policy allows, other issuer", get("/pets/{petId}", bearer(func(c map[string]any) { c["iss"] = "https://evil.example.com" })), false, "token_wrong_issuer"},
		{"policy allows, forged", get("/pets/{petId}", forged), false, "token_bad_signature"},
		{"policy allows, Basic", get("/pets/{petId}", "Basic am9lOmpvZQ=="), false, "token_scheme_refused"},
		{"policy allows, two tokens", get("/pets/{petId}", joe, forged), false, "token_ambiguous"},
		{"the same token twice", get("/pets/{petId}", joe, joe), true, ReasonAllowed},
		{"opaque token", get("/pets", "Bearer opaque-token-1"), true, ReasonAllowed},
		{"specific verb beats ANY", get("/pets/{petId}", joe), true, ReasonAllowed},
		{"ANY for the other verbs", call{method: "DELETE", template: "/pets/{petId}", authorization: []string{joe}}, false, "policy_denied"},
		{"unknown verb", call{method: "POST", template: "/pets"}, false, ReasonUnknownAPI},
		{"unknown template", get("/nowhere", joe), false, ReasonUnknownAPI},
		{"policy false", get("/block", joe), false, "policy_denied"},
		{"policy id without policy", get("/lost", joe), false, "policy_unknown"},
		{"policy does not compile", get("/broken", joe), false, "policy_invalid"},
		{"rego allows", get("/rego", joe), true, ReasonAllowed},
		{"rego denies", get("/rego"), false, "policy_denied"},
		{"other stage", call{method: "GET", template: "/open", edit: func(e map[string]any) {
			e["methodArn"] = "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/open"
			e["requestContext"].(map[string]any)["stage"] = "prod"
		}}, false, ReasonUnbound},
		{"other api", call{method: "GET", template: "/open", edit: func(e map[string]any) {
			e["methodArn"] = "arn:aws:execute-api:eu-west-1:123456789012:zzz999/dev/GET/open"
			e["requestContext"].(map[string]any)["apiId"] = "zzz999"
		}}, false, ReasonUnbound},
		{"event contradicts itself: api", call{method: "GET", template: "/open", edit: func(e map[string]any) {
			e["methodArn"] = "arn:aws:execute-api:eu-west-1:123456789012:zzz999/dev/GET/open"
		}}, false, ReasonEventMalformed},
		{"event contradicts itself: verb", call{method: "GET", template: "/open", edit: func(e map[string]any) { e["httpMethod"] = "DELETE" }}, false, ReasonEventMalformed},
		{"event contradicts itself: resource", call{method: "GET", template: "/open", edit: func(e map[string]any) { e["resource"] = "/block" }}, false, ReasonEventMalformed},
		{"no requestContext", call{method: "GET", template: "/open", edit: func(e map[string]any) { delete(e, "requestContext") }}, false, ReasonEventMalformed},
		{"no methodArn", call{method: "GET", template: "/open", edit: func(e map[string]any) { delete(e, "methodArn") }}, false, ReasonEventMalformed},
		{"header in lower case", call{method: "GET", template: "/pets", edit: func(e map[string]any) {
			e["headers"], e["multiValueHeaders"] = map[string]any{"authorization": joe}, nil
		}}, true, ReasonAllowed},
		{"two spellings of the header, two tokens", call{method: "GET", template: "/pets", edit: func(e map[string]any) {
			e["headers"], e["multiValueHeaders"] = map[string]any{"authorization": joe, "Authorization": forged}, nil
		}}, false, "token_ambiguous"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := b.ask(c.c.event())
			if got.Allow != c.allow || got.Reason != c.want {
				t.Errorf("allow=%v reason=%s, want %v %s", got.Allow, got.Reason, c.allow, c.want)
			}
		})
	}
}

func TestUnknownAllowed(t *testing.T) {
	b := newBench(t, func(o *Options) { o.AllowUnknown = true })
	if got := b.ask(get("/nowhere").event()); !got.Allow || got.Reason != ReasonUnknownAllowed {
		t.Errorf("unknown: %+v", got)
	}
	if got := b.ask(get("/block").event()); got.Allow {
		t.Errorf("a known API that denies was allowed: %+v", got)
	}
	malformed := call{method: "GET", template: "/open", edit: func(e map[string]any) { delete(e, "requestContext") }}
	if got := b.ask(malformed.event()); got.Allow {
		t.Errorf("a malformed event was allowed: %+v", got)
	}
}

// TestOtherEvents covers the shapes besides the REST REQUEST event.
func TestOtherEvents(t *testing.T) {
	b := newBench(t, nil)
	joe := "Bearer " + b.sign(nil)
	tokenEvent := func(verb, path, auth string) []byte {
		e, _ := json.Marshal(map[string]any{"type": "TOKEN", "authorizationToken": auth, "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/" + verb + path})
		return e
	}
	http2 := func(routeKey, method, path string) []byte {
		e, _ := json.Marshal(map[string]any{"version": "2.0", "type": "REQUEST", "routeArn": "arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/" + method + path,
			"routeKey": routeKey, "rawPath": path, "headers": map[string]any{"authorization": joe},
			"requestContext": map[string]any{"apiId": "abc123", "stage": "dev", "http": map[string]any{"method": method, "path": path, "sourceIp": "203.0.113.9"}}})
		return e
	}
	http1 := func() []byte {
		c := get("/pets", joe)
		c.edit = func(e map[string]any) { e["version"], e["identitySource"] = "1.0", joe }
		return c.event()
	}
	socket := func(eventType string) []byte {
		e, _ := json.Marshal(map[string]any{"type": "REQUEST", "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/$connect", "headers": map[string]any{"Authorization": joe},
			"requestContext": map[string]any{"apiId": "abc123", "stage": "dev", "routeKey": "$connect", "eventType": eventType, "connectionId": "c"}})
		return e
	}
	cases := []struct {
		name    string
		payload []byte
		allow   bool
		reason  string
	}{
		{"TOKEN literal", tokenEvent("GET", "/pets", joe), true, ReasonAllowed},
		{"TOKEN literal, trailing slash", tokenEvent("GET", "/pets/", joe), true, ReasonAllowed},
		{"TOKEN literal, no token", tokenEvent("GET", "/pets", ""), false, "policy_denied"},
		{"TOKEN parameter", tokenEvent("GET", "/pets/42", joe), true, ReasonAllowed},
		{"TOKEN parameter with colons", tokenEvent("GET", "/pets/urn:a:b:c", joe), true, ReasonAllowed},
		{"TOKEN ANY", tokenEvent("DELETE", "/pets/42", joe), false, "policy_denied"},
		{"TOKEN greedy", tokenEvent("PUT", "/files/a/b/c", joe), true, ReasonAllowed},
		{"TOKEN unknown", tokenEvent("GET", "/elsewhere", joe), false, ReasonUnknownAPI},
		{"TOKEN encoded slash reads two ways", tokenEvent("GET", "/pets%2F42", joe), false, ReasonPathAmbiguous},
		{"TOKEN dots", tokenEvent("GET", "/files/../block", joe), false, ReasonPathAmbiguous},
		{"TOKEN encoded dots", tokenEvent("GET", "/files/%2e%2e/x", joe), false, ReasonPathAmbiguous},
		{"TOKEN doubled slash reads two ways", tokenEvent("GET", "/pets//42", joe), false, ReasonPathAmbiguous},
		{"TOKEN bad escape", tokenEvent("GET", "/files/%zz", joe), false, ReasonPathAmbiguous},
		{"HTTP API 1.0", http1(), true, ReasonAllowed},
		{"HTTP API 2.0", http2("GET /pets", "GET", "/pets"), true, ReasonAllowed},
		{"HTTP API 2.0 ANY route", http2("ANY /pets/{petId}", "DELETE", "/pets/1"), false, "policy_denied"},
		{"HTTP API 2.0 default route", http2("$default", "GET", "/whatever"), true, ReasonAllowed},
		{"WebSocket connect", socket("CONNECT"), true, ReasonAllowed},
		{"WebSocket message is no authorizer event", socket("MESSAGE"), false, ReasonEventMalformed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := b.ask(c.payload)
			if got.Allow != c.allow || got.Reason != c.reason {
				t.Errorf("allow=%v reason=%s, want %v %s", got.Allow, got.Reason, c.allow, c.reason)
			}
		})
	}
	t.Run("HTTP API 2.0 simple", func(t *testing.T) {
		b.a.o.SimpleResponses = true
		defer func() { b.a.o.SimpleResponses = false }()
		for path, want := range map[string]bool{"/pets": true, "/block": false} {
			var r map[string]any
			_ = json.Unmarshal(b.a.Handle(t.Context(), http2("GET "+path, "GET", path)), &r)
			if r["isAuthorized"] != want {
				t.Errorf("%s: %v", path, r)
			}
		}
	})
	for _, junk := range []string{``, `null`, `[]`, `"x"`, `{}`, `{"type":"REQUEST"}`, `{"type":"OTHER"}`, `{"type":1}`, `{"type":"REQUEST","headers":[]}`, `{"type":"TOKEN"}`, `{"type":"TOKEN","methodArn":"arn:aws:execute-api:::x"}`, strings.Repeat("[", 100000)} {
		if got := b.ask([]byte(junk)); got.Allow {
			t.Errorf("%.40s was allowed", junk)
		}
	}
}

// TestResource holds the resource to its promises: the exact ARN where it is harmless, never a wildcard of the caller's.
func TestResource(t *testing.T) {
	b := newBench(t, nil)
	base := "arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/GET"
	cases := []struct{ path, want string }{
		{"/pets/42", base + "/pets/42"},
		{"/pets/a:b;c=1", base + "/pets/a:b;c=1"},
		{"/pets/*", base + "/pets/*"},
		{"/pets/a*", base + "/pets/*"},
		{"/pets/a?b", base + "/pets/*"},
		{"/pets/${aws:username}", base + "/pets/*"},
		{"/pets/a\nb", base + "/pets/*"},
		{"/pets/" + strings.Repeat("x", 600), base + "/pets/*"},
	}
	for _, c := range cases {
		got := b.ask(call{method: "GET", template: "/pets/{petId}", path: c.path}.event())
		if !got.Allow || got.Resource != c.want {
			t.Errorf("%.40q: allow=%v %q", c.path, got.Allow, got.Resource)
		}
	}
	// The root, and an ARN in which even the fixed parts are odd.
	odd := call{method: "GET", template: "/open", edit: func(e map[string]any) {
		e["methodArn"] = "arn:aws:execute-api:*:123456789012:abc123/dev/GET/open"
	}}
	if got := b.ask(odd.event()); got.Allow || got.Resource != "*" {
		t.Errorf("odd ARN: %+v", got)
	}
}

func TestContext(t *testing.T) {
	b := newBench(t, func(o *Options) { o.InjectContext = true })
	joe := "Bearer " + b.sign(nil)
	got := b.ask(get("/rego", joe).event())
	if got.Principal != "joe" || got.Context["sub"] != "joe" || got.Context["client_id"] != "client-1" || got.Context["scope"] != "pets.read users.joe" {
		t.Errorf("context: %v", got.Context)
	}
	raw, err := base64.RawURLEncoding.DecodeString(got.Context["authn_ctx"].(string))
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil || claims["address"].(map[string]any)["city"] != "Łódź" {
		t.Errorf("authn_ctx: %s (%v)", raw, err)
	}
	if got.Context["output_role"] != "keeper" || got.Context["output_permissions"] != `{"read":[1,2]}` {
		t.Errorf("outputs: %v", got.Context)
	}
	if got.Context["revision"] != float64(1) || len(got.Context["decision_id"].(string)) != 22 {
		t.Errorf("always: %v", got.Context)
	}
	// An open API still yields context for a token that verifies, and none for one that does not.
	if got := b.ask(get("/open", joe).event()); got.Context["sub"] != "joe" {
		t.Errorf("open API: %v", got.Context)
	}
	if got := b.ask(get("/open", "Bearer invalid_token").event()); got.Principal != "anonymous" || got.Context["sub"] != nil {
		t.Errorf("open API, bad token: %+v", got)
	}
	machine := "Bearer " + b.sign(func(c map[string]any) { delete(c, "sub") })
	if got := b.ask(get("/open", machine).event()); got.Principal != "client-1" {
		t.Errorf("principal of a client: %+v", got)
	}
	big := "Bearer " + b.sign(func(c map[string]any) { c["groups"] = strings.Repeat("g", 9000) })
	if got := b.ask(get("/open", big).event()); !got.Allow || got.Context["sub"] != "joe" {
		t.Errorf("big token: %+v", got)
	}
	if got := newBench(t, nil).ask(get("/open").event()); len(got.Context) != 2 {
		t.Errorf("without INJECT_CONTEXT: %v", got.Context)
	}
}

// TestCertificateBound checks RFC 8705 and the guide's policy on request.mtls.
func TestCertificateBound(t *testing.T) {
	b := newBench(t, nil)
	certPEM, thumb := certificate(t)
	_, otherThumb := certificate(t)
	with := func(pem any, template, tok string) outcome {
		c := get(template, "Bearer "+tok)
		c.edit = func(e map[string]any) {
			if pem != nil {
				e["requestContext"].(map[string]any)["identity"].(map[string]any)["clientCert"] = map[string]any{"clientCertPem": pem}
			}
		}
		return b.ask(c.event())
	}
	boundTo := func(t string) string {
		return b.sign(func(c map[string]any) { c["cnf"] = map[string]any{"x5t#S256": t} })
	}
	cases := []struct {
		name, template, token string
		pem                   any
		allow                 bool
		reason                string
	}{
		{"right certificate", "/mtls", boundTo(thumb), certPEM, true, ReasonAllowed},
		{"other certificate", "/mtls", boundTo(otherThumb), certPEM, false, "token_binding_mismatch"},
		{"no certificate", "/mtls", boundTo(thumb), nil, false, "token_binding_mismatch"},
		{"no certificate, policy true", "/pets/{petId}", boundTo(thumb), nil, false, "token_binding_mismatch"},
		{"unbound token, policy asks", "/mtls", b.sign(nil), certPEM, false, "policy_denied"},
		{"DPoP-bound token", "/pets/{petId}", b.sign(func(c map[string]any) { c["cnf"] = map[string]any{"jkt": "x"} }), certPEM, false, "token_binding_unsupported"},
		{"cnf of another type", "/pets/{petId}", b.sign(func(c map[string]any) { c["cnf"] = "x" }), certPEM, false, "token_binding_unsupported"},
		{"garbage certificate", "/mtls", boundTo(thumb), "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----", false, "token_binding_mismatch"},
	}
	for _, c := range cases {
		if got := with(c.pem, c.template, c.token); got.Allow != c.allow || got.Reason != c.reason {
			t.Errorf("%s: allow=%v reason=%s", c.name, got.Allow, got.Reason)
		}
	}
}

func certificate(t *testing.T) (pemText, thumb string) {
	t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}}, &x509.Certificate{}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pemText = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return pemText, thumbprint(pemText)
}

// TestAudienceOfForeignControlPlane: an ACP that does not spell out the audience gets the computed one.
func TestAudienceOfForeignControlPlane(t *testing.T) {
	b := newBench(t, nil)
	b.cfg.Services[0].Audience = ""
	want := "spiffe://" + strings.TrimPrefix(b.server.URL, "http://") + "/default/demo/s1"
	tok := "Bearer " + b.sign(func(c map[string]any) { c["aud"] = []string{want} })
	if got := b.ask(get("/pets", tok).event()); !got.Allow {
		t.Errorf("computed audience: %+v", got)
	}
	if got := b.ask(get("/pets", "Bearer "+b.sign(nil)).event()); got.Reason != "token_wrong_audience" {
		t.Errorf("another audience: %+v", got)
	}
}

func TestControlPlaneNeverReached(t *testing.T) {
	b := newBench(t, nil)
	b.breakPolls(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	if got := b.ask(get("/open").event()); got.Allow || got.Reason != ReasonNoConfig {
		t.Errorf("%+v", got)
	}
	polls, _ := b.counts()
	b.ask(get("/open").event())
	if again, _ := b.counts(); again != polls {
		t.Errorf("polled again within a second: %d after %d", again, polls)
	}
	b.breakPolls(nil)
	b.clock.Add(2 * time.Second)
	if got := b.ask(get("/open").event()); !got.Allow {
		t.Errorf("after the outage: %+v", got)
	}
}

package api

import "testing"

// What an admin trusts is in the next poll of the workspace's authorizer, and nobody else may say so.
func TestTrustedIssuers(t *testing.T) {
	w := newWorld(t)
	_, authorizer := w.gateway()
	const path = "/servers/default/trusted-issuers"
	var got, cfg obj
	first := w.call("GET", path, nil, 200, &got)
	if l, ok := got["trusted_issuers"].([]any); !ok || len(l) != 0 {
		t.Errorf("at first: %v", got)
	}
	before := w.callAs(authorizer, "GET", configurationPath, nil, 200, nil)
	issuer := obj{"issuer_url": "https://login.example.com", "jwks_url": "https://login.example.com/keys", "audiences": []string{"https://api.example.com"}}
	w.call("PUT", path, obj{"trusted_issuers": []obj{issuer}}, 200, &got)
	after := w.callAs(authorizer, "GET", configurationPath, nil, 200, &cfg)
	l, _ := cfg["trusted_issuers"].([]any)
	if len(l) != 1 || l[0].(obj)["issuer_url"] != "https://login.example.com" || before.Get("ETag") == after.Get("ETag") {
		t.Errorf("the authorizer gets %v (%s, %s)", cfg["trusted_issuers"], before.Get("ETag"), after.Get("ETag"))
	}
	w.call("PUT", path, obj{"trusted_issuers": []obj{}}, 412, nil, "If-Match", first.Get("ETag"))
	w.call("PUT", path, obj{"trusted_issuers": []obj{{"issuer_url": "http://login.example.com", "jwks_url": ""}}}, 422, nil)
	w.call("PUT", path, obj{"trusted_issuers": []obj{{"issuer_url": w.server.URL + "/default/default", "jwks_url": ""}}}, 422, nil)
	w.call("PUT", path, obj{"issuers": []obj{}}, 422, nil)
	w.call("PUT", "/servers/admin/trusted-issuers", obj{"trusted_issuers": []obj{issuer}}, 400, nil)
	w.call("GET", "/servers/nowhere/trusted-issuers", nil, 404, nil)
	w.call("PUT", "/servers/nowhere/trusted-issuers", obj{"trusted_issuers": []obj{}}, 404, nil)
	w.call("PUT", path, obj{"trusted_issuers": []obj{}}, 200, nil)
	cfg = nil
	if w.callAs(authorizer, "GET", configurationPath, nil, 200, &cfg); cfg["trusted_issuers"] != nil {
		t.Errorf("still trusted: %v", cfg["trusted_issuers"])
	}
}

package api

import (
	"context"
	"net/url"
	"testing"

	"portcullis/control"
)

// TestExchangeOverHTTP: the switch on the gateway, the scope, the form, and both kinds of answer that need no provider.
func TestExchangeOverHTTP(t *testing.T) {
	w := newWorld(t)
	g, before := w.gateway()
	const path = "/api/system/default/gateways/exchange"
	form := func(pairs ...string) string {
		v := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			v.Add(pairs[i], pairs[i+1])
		}
		return v.Encode()
	}
	urlencoded := []string{"Content-Type", "application/x-www-form-urlencoded"}
	w.callAs(before, "POST", path, form("subject_token", "x"), 403, nil, urlencoded...)

	root := control.Actor{Kind: control.OperatorActor, ID: "operator", TenantID: "default", Role: control.Admin}
	if _, err := w.admin.CreateIDP(context.Background(), root, control.IDP{ID: "okta", TenantID: "default", WorkspaceID: "default", Name: "Okta", Method: control.MethodOIDC,
		OIDC: &control.OIDCSettings{IssuerURL: "https://okta.example.com", ClientID: "c", AuthMethod: control.AuthNone, Scopes: []string{"openid"}, Algorithms: []string{"ES256"}}}, ""); err != nil {
		t.Fatal(err)
	}
	var answer struct {
		TokenExchange control.TokenExchange `json:"token_exchange"`
	}
	w.call("PUT", "/gateways/"+g.ID, obj{"name": "AWS", "token_exchange": obj{"enabled": true, "trusted_idp_ids": []string{"nobody"}}}, 422, nil)
	w.call("PUT", "/gateways/"+g.ID, obj{"name": "AWS", "token_exchange": obj{"enabled": true, "trusted_idp_ids": []string{"okta"}}}, 200, &answer)
	if !answer.TokenExchange.Enabled {
		t.Errorf("%+v", answer)
	}
	// What was read may be sent back, and what is left out stays.
	var read obj
	w.call("GET", "/gateways/"+g.ID, nil, 200, &read)
	w.call("PUT", "/gateways/"+g.ID, read, 200, &answer)
	w.call("PUT", "/gateways/"+g.ID, obj{"name": "AWS", "token_exchange": nil}, 200, &answer)
	if !answer.TokenExchange.Enabled {
		t.Errorf("%+v", answer)
	}

	token := w.token("system", g.ClientID, g.Client.Secret)
	var got struct {
		Exchanged bool   `json:"exchanged"`
		Token     string `json:"access_token"`
		Error     string `json:"error"`
	}
	w.callAs(token, "POST", path, form("subject_token", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.c2ln"), 200, &got, urlencoded...)
	if got.Exchanged || got.Token != "" || got.Error != "untrusted_issuer" {
		t.Errorf("%+v", got)
	}
	got.Error = ""
	client := w.clientToken(root)
	if h := w.callAs(token, "POST", path, form("subject_token", client, "request_scopes", "original_token"), 200, &got, urlencoded...); h.Get("Cache-Control") != "no-store" || got.Exchanged || got.Error != "" {
		t.Errorf("a token of the workspace: %+v, %v", got, h)
	}
	for _, bad := range []string{"", form("subject_token", ""), form("subject_token", "a", "subject_token", "b"), form("subject_token", "a", "request_scopes", "client"), "%zz", form("token", "a")} {
		w.callAs(token, "POST", path, bad, 422, nil, urlencoded...)
	}
	w.callAs(token, "POST", path, `{"subject_token":"a"}`, 400, nil)
	w.callAs("", "POST", path, form("subject_token", "a"), 401, nil, urlencoded...)
	w.call("PUT", "/gateways/"+g.ID, obj{"name": "AWS", "token_exchange": obj{"enabled": false}}, 200, &answer)
	w.callAs(token, "POST", path, form("subject_token", "a"), 403, nil, urlencoded...)
}

// clientToken is an access token of the workspace default.
func (w *world) clientToken(root control.Actor) string {
	w.t.Helper()
	c, secret, err := w.admin.CreateClient(context.Background(), root, control.Client{TenantID: "default", WorkspaceID: "default", Name: "App", GrantTypes: []string{"client_credentials"}}, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return w.token("default", c.ID, secret)
}

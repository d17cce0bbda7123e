package control_test

import (
	"encoding/json"
	"strings"
	"testing"

	"portcullis/control"
	"portcullis/edge/waist"
)

// Each case spoils one member of a valid issuer; exactly that member is named.
func TestValidateTrustedIssuers(t *testing.T) {
	const ed = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}` // RFC 8037 A.2
	for name, c := range map[string]struct {
		change func(*waist.TrustedIssuer)
		member string // "": accepted
	}{
		"as it is":           {func(*waist.TrustedIssuer) {}, ""},
		"keys inline":        {func(i *waist.TrustedIssuer) { i.JWKSURL, i.JWKS = "", json.RawMessage(`{"keys":[`+ed+`]}`) }, ""},
		"a private key":      {func(i *waist.TrustedIssuer) { i.JWKS = json.RawMessage(`{"keys":[` + ed[:len(ed)-1] + `,"d":"x"}]}`) }, "jwks"},
		"no keys":            {func(i *waist.TrustedIssuer) { i.JWKSURL = "" }, "jwks_url"},
		"keys over http":     {func(i *waist.TrustedIssuer) { i.JWKSURL = "http://login.example.com/keys" }, "jwks_url"},
		"keys in a file":     {func(i *waist.TrustedIssuer) { i.JWKSURL = "file:///etc/passwd" }, "jwks_url"},
		"no issuer":          {func(i *waist.TrustedIssuer) { i.IssuerURL = "" }, "issuer_url"},
		"issuer over http":   {func(i *waist.TrustedIssuer) { i.IssuerURL = "http://login.example.com" }, "issuer_url"},
		"RFC 8414 2: query":  {func(i *waist.TrustedIssuer) { i.IssuerURL += "?a=b" }, "issuer_url"},
		"with a password":    {func(i *waist.TrustedIssuer) { i.IssuerURL = "https://a:b@login.example.com" }, "issuer_url"},
		"for nobody":         {func(i *waist.TrustedIssuer) { i.Audiences = nil }, "audiences"},
		"for an empty name":  {func(i *waist.TrustedIssuer) { i.Audiences = []string{""} }, "audiences"},
		"for too many names": {func(i *waist.TrustedIssuer) { i.Audiences = strings.Split(strings.Repeat("a ", 21), " ") }, "audiences"},
	} {
		i := waist.TrustedIssuer{IssuerURL: "https://login.example.com", JWKSURL: "https://login.example.com/keys", Audiences: []string{"https://api.example.com"}}
		c.change(&i)
		got := fields(t, control.ValidateTrustedIssuers([]waist.TrustedIssuer{i}))
		if c.member == "" && len(got) > 0 || c.member != "" && (len(got) != 1 || got["trusted_issuers[0]."+c.member] == "") {
			t.Errorf("%s: %v, want %q", name, got, c.member)
		}
	}
	twice := waist.TrustedIssuer{IssuerURL: "https://login.example.com", JWKSURL: "https://login.example.com/keys", Audiences: []string{"a"}}
	if got := fields(t, control.ValidateTrustedIssuers([]waist.TrustedIssuer{twice, twice})); got["trusted_issuers[1].issuer_url"] == "" {
		t.Errorf("one issuer twice: %v", got)
	}
}

package oauth

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"portcullis/control"
)

// maxForm bounds the body of a request to the token and introspection endpoints.
const maxForm = 64 << 10

// form is one request to an endpoint of the issuer, read once. Nothing downstream sees the raw request.
type form struct {
	tenant, workspace string
	values            map[string]string // parameters sent with a value; each at most once (but resource)
	resources         []string          // RFC 8707 2: may come several times
	credentials       credentials
}

// credentials are what the client proves itself with; method is empty when it sent nothing at all.
type credentials struct {
	method       string // client_secret_basic, client_secret_post, private_key_jwt; none: only an id
	clientID     string // for private_key_jwt only what the form says, if it says anything
	clientSecret string
	assertion    string
}

// secretParameters must never be in a URL, where proxies and histories keep them.
var secretParameters = []string{"client_secret", "client_assertion", "password", "refresh_token", "code", "token", "code_verifier"}

func parseForm(r *http.Request) (form, error) {
	f := form{tenant: r.PathValue("tid"), workspace: r.PathValue("wid"), values: map[string]string{}}
	if mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mt != "application/x-www-form-urlencoded" {
		return f, refuse(errInvalidRequest, "the body must be application/x-www-form-urlencoded (RFC 6749 3.2)")
	}
	query := r.URL.Query()
	for _, p := range secretParameters {
		if query.Has(p) {
			return f, refuse(errInvalidRequest, p+" must be in the body, not in the URL; take it as disclosed")
		}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil || len(body) > maxForm {
		return f, refuse(errInvalidRequest, "the body is too large or ended early")
	}
	values, err := url.ParseQuery(string(body))
	if err != nil || !utf8.Valid(body) {
		return f, refuse(errInvalidRequest, "the body is not a valid form")
	}
	for name, vs := range values {
		if name == "resource" {
			f.resources = vs
			continue
		}
		if len(vs) > 1 { // RFC 6749 3.2
			return f, refuse(errInvalidRequest, "a parameter comes more than once: "+clip(name))
		}
		if !utf8.ValidString(vs[0]) {
			return f, refuse(errInvalidRequest, "a parameter is not valid UTF-8: "+clip(name))
		}
		if vs[0] != "" { // RFC 6749 3.2: without a value means left out
			f.values[name] = vs[0]
		}
	}
	f.credentials, err = parseCredentials(r, f.values)
	return f, err
}

// parseCredentials is RFC 6749 2.3.1: HTTP Basic, where both halves are form-encoded first, or client_id and
// client_secret in the body; never both (2.3).
func parseCredentials(r *http.Request, values map[string]string) (credentials, error) {
	var c credentials
	secret := values["client_secret"]
	id := values["client_id"]
	if values["client_assertion"] != "" || values["client_assertion_type"] != "" {
		return assertionOf(r, values)
	}
	if header := r.Header.Values("Authorization"); len(header) > 0 {
		scheme, rest, _ := strings.Cut(header[0], " ")
		if strings.EqualFold(scheme, "Basic") {
			user, pass, err := basic(rest)
			if err != nil || len(header) > 1 {
				return c, refuseClient("the Authorization header is not valid HTTP Basic of form-encoded id and secret")
			}
			if secret != "" {
				return c, refuse(errInvalidRequest, "the client authenticates twice, in the header and in the body; choose one (RFC 6749 2.3)")
			}
			if id != "" && id != user {
				return c, refuse(errInvalidRequest, "client_id in the body differs from the one in the Authorization header")
			}
			return credentials{method: control.AuthBasic, clientID: user, clientSecret: pass}, nil
		}
	}
	switch {
	case id == "":
		return c, nil
	case secret != "":
		return credentials{method: control.AuthPost, clientID: id, clientSecret: secret}, nil
	}
	return credentials{method: control.AuthNone, clientID: id}, nil
}

// assertionType is RFC 7523 2.2.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertionOf takes the client assertion of a form (RFC 7521 4.2); whose it is, it says itself.
func assertionOf(r *http.Request, values map[string]string) (credentials, error) {
	switch {
	case values["client_assertion_type"] != assertionType:
		return credentials{}, refuseClient("client_assertion_type must be " + assertionType + " (RFC 7523 2.2)")
	case values["client_assertion"] == "":
		return credentials{}, refuseClient("client_assertion is missing (RFC 7521 4.2)")
	case values["client_secret"] != "" || len(r.Header.Values("Authorization")) > 0:
		return credentials{}, refuse(errInvalidRequest, "the client authenticates twice, by an assertion and otherwise; choose one (RFC 6749 2.3)")
	}
	return credentials{method: control.AuthPrivateKeyJWT, clientID: values["client_id"], assertion: values["client_assertion"]}, nil
}

func basic(encoded string) (user, pass string, err error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", "", err
	}
	u, p, ok := strings.Cut(string(raw), ":")
	if !ok {
		return "", "", errors.New("no colon")
	}
	if user, err = url.QueryUnescape(u); err != nil {
		return "", "", err
	}
	if pass, err = url.QueryUnescape(p); err != nil {
		return "", "", err
	}
	if user == "" || pass == "" || !utf8.ValidString(user) || !utf8.ValidString(pass) {
		return "", "", errors.New("empty or not UTF-8")
	}
	return user, pass, nil
}

// clip makes a name of the caller's fit for an answer (RFC 6749 5.2: no quotes, no backslash, printable ASCII).
func clip(s string) string {
	if len(s) > 64 {
		s = s[:64]
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
			return '?'
		}
		return r
	}, s)
}

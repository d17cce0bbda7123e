package oauth

import (
	"encoding/base64"
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func basicHeader(user, pass string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+pass))
}

func TestParseForm(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	cases := []struct {
		name, contentType, auth, query, body string
		want                                 credentials
		refused                              string // error code
	}{
		{"RFC 6749 2.3.1: Basic", form, basicHeader("c1", "s1"), "", "grant_type=client_credentials", credentials{"client_secret_basic", "c1", "s1", ""}, ""},
		{"RFC 6749 2.3.1: both halves are form-encoded first", form, basicHeader("a%3Ab", "p%2Bq+r"), "", "", credentials{"client_secret_basic", "a:b", "p+q r", ""}, ""},
		{"RFC 7617 2: the scheme has no case", form, "bAsIc " + base64.StdEncoding.EncodeToString([]byte("c1:s1")), "", "", credentials{"client_secret_basic", "c1", "s1", ""}, ""},
		{"RFC 6749 2.3.1: in the body", form, "", "", "client_id=c1&client_secret=s1", credentials{"client_secret_post", "c1", "s1", ""}, ""},
		{"a charset is allowed", form + "; charset=UTF-8", "", "", "client_id=c1&client_secret=s1", credentials{"client_secret_post", "c1", "s1", ""}, ""},
		{"RFC 6749 2.3: not both", form, basicHeader("c1", "s1"), "", "client_secret=s1", credentials{}, errInvalidRequest},
		{"the same client_id may be repeated", form, basicHeader("c1", "s1"), "", "client_id=c1", credentials{"client_secret_basic", "c1", "s1", ""}, ""},
		{"another client_id may not", form, basicHeader("c1", "s1"), "", "client_id=c2", credentials{}, errInvalidRequest},
		{"RFC 6749 3.2: a parameter comes once", form, "", "", "scope=a&scope=b", credentials{}, errInvalidRequest},
		{"RFC 6749 3.2: without a value is left out", form, "", "", "client_id=c1&client_secret=", credentials{method: "none", clientID: "c1"}, ""},
		{"RFC 6749 2.3.1: never in the URL", form, "", "client_secret=s1", "client_id=c1", credentials{}, errInvalidRequest},
		{"RFC 6749 3.2: a form", "application/json", "", "", "{}", credentials{}, errInvalidRequest},
		{"no content type", "", "", "", "client_id=c1", credentials{}, errInvalidRequest},
		{"not base64", form, "Basic !!!", "", "", credentials{}, errInvalidClient},
		{"no colon", form, "Basic " + base64.StdEncoding.EncodeToString([]byte("c1")), "", "", credentials{}, errInvalidClient},
		{"bad percent-encoding", form, basicHeader("c%zz", "s"), "", "", credentials{}, errInvalidClient},
		{"an empty secret is none", form, basicHeader("c1", ""), "", "", credentials{}, errInvalidClient},
		{"RFC 7523 2.2: an assertion", form, "", "", "client_assertion=x&client_assertion_type=" + url.QueryEscape(assertionType), credentials{method: "private_key_jwt", assertion: "x"}, ""},
		{"RFC 7521 4.2: another kind of assertion", form, "", "", "client_assertion=x&client_assertion_type=y", credentials{}, errInvalidClient},
		{"RFC 7521 4.2: a type without an assertion", form, "", "", "client_assertion_type=" + url.QueryEscape(assertionType), credentials{}, errInvalidClient},
		{"RFC 6749 2.3: not an assertion and a secret", form, "", "", "client_secret=s&client_id=c1&client_assertion=x&client_assertion_type=" + url.QueryEscape(assertionType), credentials{}, errInvalidRequest},
		{"RFC 6749 2.3: not an assertion and Basic", form, basicHeader("c1", "s1"), "", "client_assertion=x&client_assertion_type=" + url.QueryEscape(assertionType), credentials{}, errInvalidRequest},
		{"an assertion is never in the URL", form, "", "client_assertion=x", "", credentials{}, errInvalidRequest},
		{"bad escapes in the form", form, "", "", "a=%zz", credentials{}, errInvalidRequest},
		{"invalid UTF-8", form, "", "", "client_id=%ff", credentials{}, errInvalidRequest},
		{"too large", form, "", "", "a=" + strings.Repeat("x", maxForm), credentials{}, errInvalidRequest},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/?"+c.query, strings.NewReader(c.body))
			if c.contentType != "" {
				r.Header.Set("Content-Type", c.contentType)
			}
			if c.auth != "" {
				r.Header.Set("Authorization", c.auth)
			}
			f, err := parseForm(r)
			var pe *protocolError
			errors.As(err, &pe)
			if c.refused != "" {
				if pe == nil || pe.code != c.refused {
					t.Errorf("got %v, want %s", err, c.refused)
				}
				return
			}
			if err != nil || f.credentials != c.want {
				t.Errorf("got %+v, %v; want %+v", f.credentials, err, c.want)
			}
		})
	}
}

// What a client encodes as RFC 6749 2.3.1 says is what arrives.
func TestBasicRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		user, pass := rapid.StringN(1, 40, -1).Draw(t, "user"), rapid.StringN(1, 40, -1).Draw(t, "pass")
		header := basicHeader(url.QueryEscape(user), url.QueryEscape(pass))
		u, p, err := basic(strings.TrimPrefix(header, "Basic "))
		if err != nil || u != user || p != pass {
			t.Fatalf("%q %q came back as %q %q (%v)", user, pass, u, p, err)
		}
	})
}

func TestGrantScopes(t *testing.T) {
	allowed := []string{"read", "write", "users.*", "a:*"}
	cases := []struct {
		name, asked, separator string
		want                   []string // nil: refused
	}{
		{"RFC 6749 3.3: nothing asked, the default", "", ".", []string{"read", "write", "a:*"}},
		{"a subset", "write", ".", []string{"write"}},
		{"in the order asked, once", "write read write", ".", []string{"write", "read"}},
		{"RFC 6749 5.2: one unknown scope refuses all", "read admin", ".", nil},
		{"a dynamic scope by a concrete name", "users.joe", ".", []string{"users.joe"}},
		{"not the pattern itself", "users.*", ".", nil},
		{"not the prefix alone", "users.", ".", nil},
		{"not a longer name without the separator", "usersjoe", ".", nil},
		{"the separator is the workspace's", "a:1", ":", []string{"a:1"}},
		{"and no other", "a:1", ".", nil},
		{"RFC 6749 3.3: scope-token", "re\"ad", ".", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := grantScopes(c.asked, allowed, c.separator)
			if c.want == nil {
				var pe *protocolError
				if !errors.As(err, &pe) || pe.code != errInvalidScope {
					t.Errorf("got %v, %v; want invalid_scope", got, err)
				}
				return
			}
			if d := cmp.Diff(c.want, got); d != "" || err != nil {
				t.Errorf("%v (-want +got)\n%s", err, d)
			}
		})
	}
}

// No request obtains a scope that the client was not given, in whatever spelling.
func TestGrantScopesNeverMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-c.*]{1,5}`)
		allowed := rapid.SliceOfN(word, 0, 4).Draw(t, "allowed")
		asked := rapid.SliceOfN(word, 0, 4).Draw(t, "asked")
		got, err := grantScopes(strings.Join(asked, " "), allowed, ".")
		if err != nil {
			return
		}
		for _, g := range got {
			ok := false
			for _, a := range allowed {
				if prefix, dynamic := strings.CutSuffix(a, ".*"); dynamic {
					ok = ok || len(g) > len(prefix)+1 && strings.HasPrefix(g, prefix+".") && !strings.Contains(g[len(prefix)+1:], "*")
				} else {
					ok = ok || g == a
				}
			}
			if !ok {
				t.Fatalf("%q was granted; the client has %q", g, allowed)
			}
		}
	})
}

func FuzzParseForm(f *testing.F) {
	f.Add("grant_type=client_credentials&scope=a", basicHeader("a", "b"))
	f.Add("a=%ff&a", "Basic =")
	f.Fuzz(func(t *testing.T, body, auth string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", auth)
		form, err := parseForm(r)
		if err == nil && form.credentials.clientSecret != "" != (form.credentials.method == "client_secret_basic" || form.credentials.method == "client_secret_post") ||
			err == nil && strings.HasPrefix(form.credentials.method, "client_secret") && (form.credentials.clientID == "" || form.credentials.clientSecret == "") {
			t.Errorf("half of the credentials: %+v", form.credentials)
		}
	})
}

package acp

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"portcullis/edge/waist"
)

const secret = "s3cr3t:with/odd%characters"

// server is a control plane whose single answers a test replaces.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
	tokens   int
	life     int
	scope    string
	answer   http.HandlerFunc
}

func newServer(t *testing.T, answer http.HandlerFunc) *server {
	s := &server{answer: answer, life: 3600}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/oauth2/token") {
		id, pw, _ := r.BasicAuth()
		if id != "gw" || pw != "s3cr3t%3Awith%2Fodd%25characters" || r.FormValue("grant_type") != "client_credentials" {
			w.WriteHeader(401)
			fmt.Fprint(w, `{"error":"invalid_client","error_description":"no such client"}`)
			return
		}
		s.mu.Lock()
		s.tokens++
		s.scope = r.FormValue("scope")
		n := s.tokens
		s.mu.Unlock()
		fmt.Fprintf(w, `{"access_token":"token-%d","expires_in":%d}`, n, s.life)
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization"))
	s.mu.Unlock()
	s.answer(w, r)
}

func newClient(t *testing.T, s *server, edit func(*Options)) *Client {
	t.Helper()
	o := Options{IssuerURL: s.URL + "/default/system", ClientID: "gw", ClientSecret: secret}
	if edit != nil {
		edit(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const configuration = `{"tenant_id":"default","server_id":"demo","issuer_url":"https://acp.example.com/default/demo","apis":null,"policies":null,"services":null,"something_new":{"x":1}}`

func TestIssuerURL(t *testing.T) {
	for u, want := range map[string]string{
		"https://acp.example.com/default/system":     "https://acp.example.com/api/system/default",
		"https://acp.example.com/default/system/":    "https://acp.example.com/api/system/default",
		"https://acp.example.com/base/t1/system":     "https://acp.example.com/base/api/system/t1",
		"http://127.0.0.1:8080/default/demo":         "http://127.0.0.1:8080/api/system/default",
		"https://acp.example.com":                    "",
		"https://acp.example.com/default":            "",
		"https://acp.example.com//system":            "",
		"acp.example.com/default/system":             "",
		"ftp://acp.example.com/default/system":       "",
		"https://u:p@acp.example.com/default/system": "",
		"https://acp.example.com/default/system?x=1": "",
		"https://acp.example.com/default/system#x":   "",
		"": "",
	} {
		c, err := New(Options{IssuerURL: u, ClientID: "a", ClientSecret: secret})
		if want == "" {
			if err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("%q: %v", u, err)
			}
			continue
		}
		if err != nil || c.base != want {
			t.Errorf("%q: %v, %v", u, c, err)
		}
	}
	if _, err := New(Options{IssuerURL: "https://h/t/w", ClientID: "a"}); err == nil {
		t.Error("no secret")
	}
	if _, err := New(Options{IssuerURL: "https://h/t/w", ClientID: "a", ClientSecret: "b", RootCAs: []byte("x")}); err == nil {
		t.Error("a root CA that is none")
	}
}

func TestGetConfiguration(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == `"7"` {
			w.WriteHeader(304)
			return
		}
		w.Header().Set("ETag", `"7"`)
		fmt.Fprint(w, configuration)
	})
	c := newClient(t, s, func(o *Options) { o.Version = "1.2.3" })
	got, err := c.GetConfiguration(t.Context(), Poll{})
	if err != nil || got.NotModified || got.ETag != `"7"` || got.Configuration.ServerID != "demo" || string(got.Raw) != configuration || len(got.Configuration.APIs) != 0 {
		t.Fatalf("%+v %v", got, err)
	}
	if s.requests[0] != "GET /api/system/default/gateways/configuration?authorizer_version=1.2.3 Bearer token-1" || s.scope != scopes {
		t.Errorf("%q, scope %q", s.requests, s.scope)
	}
	if got, err = c.GetConfiguration(t.Context(), Poll{ETag: `"7"`}); err != nil || !got.NotModified || got.Configuration != nil {
		t.Errorf("unchanged: %+v %v", got, err)
	}
	if s.tokens != 1 {
		t.Errorf("%d tokens", s.tokens)
	}
	// A 304 that nobody asked for is no configuration.
	s.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }
	if _, err = c.GetConfiguration(t.Context(), Poll{}); err == nil {
		t.Error("an unconditional 304 was taken")
	}
}

// TestToken: renewed before it expires; replaced once when refused; a refusal that stays is reported.
func TestToken(t *testing.T) {
	now := time.Now()
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, configuration) })
	c := newClient(t, s, func(o *Options) { o.Now = func() time.Time { return now } })
	get := func() error { _, err := c.GetConfiguration(t.Context(), Poll{}); return err }
	steps := []struct {
		after  time.Duration
		tokens int
	}{{0, 1}, {3569 * time.Second, 1}, {time.Second, 2}}
	for _, st := range steps {
		now = now.Add(st.after)
		if err := get(); err != nil || s.tokens != st.tokens {
			t.Errorf("after %s: %d tokens, %v", st.after, s.tokens, err)
		}
	}
	s.life = 20 // short-lived tokens are renewed at half their life
	now = now.Add(time.Hour)
	_ = get()
	now = now.Add(9 * time.Second)
	_ = get()
	if s.tokens != 3 {
		t.Errorf("%d tokens", s.tokens)
	}
	now = now.Add(time.Second)
	_ = get()
	if s.tokens != 4 {
		t.Errorf("%d tokens", s.tokens)
	}
	for _, status := range []int{401, 403} {
		before, asked := s.tokens, len(s.requests)
		s.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, `{"status_code":403,"error":"missing scope","error_code":"x","details":{}}`)
		}
		err := get()
		var e *Error
		if !errors.As(err, &e) || e.Status != status || e.Message != "missing scope" || s.tokens != before+1 || len(s.requests) != asked+2 {
			t.Errorf("%d: %v; %d tokens, %d requests", status, err, s.tokens-before, len(s.requests)-asked)
		}
	}
	bad := newClient(t, s, func(o *Options) { o.ClientSecret = "wrong-" + secret })
	_, err := bad.GetConfiguration(t.Context(), Poll{})
	if err == nil || !strings.Contains(err.Error(), "invalid_client no such client") || !strings.Contains(err.Error(), "check ACP_CLIENT_ID") || strings.Contains(err.Error(), secret) {
		t.Errorf("wrong secret: %v", err)
	}
}

func TestPushesAndIntrospection(t *testing.T) {
	s := newServer(t, nil)
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "POST /api/system/default/gateways/configuration":
			var inv waist.Inventory
			_ = json.NewDecoder(r.Body).Decode(&inv)
			fmt.Fprintf(w, `{"number_of_added_api_groups":%d}`, len(inv.APIGroups))
		case "POST /api/system/default/gateways/requests":
			var ev waist.RequestEvents
			_ = json.NewDecoder(r.Body).Decode(&ev)
			fmt.Fprintf(w, `{"number_of_pushed_events":%d}`, len(ev.Events))
		case "POST /api/system/default/gateways/introspect":
			if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.FormValue("token") != "a+b/c=" {
				w.WriteHeader(422)
				return
			}
			fmt.Fprint(w, `{"active":true,"sub":"joe"}`)
		}
	}
	c := newClient(t, s, nil)
	if r, err := c.PushInventory(t.Context(), waist.Inventory{APIGroups: make([]waist.APIGroup, 3)}); err != nil || r.NumberOfAddedAPIGroups != 3 {
		t.Errorf("%+v %v", r, err)
	}
	if r, err := c.PushEvents(t.Context(), waist.RequestEvents{Events: make([]waist.RequestEvent, 2)}); err != nil || r.NumberOfPushedEvents != 2 {
		t.Errorf("%+v %v", r, err)
	}
	if r, err := c.Introspect(t.Context(), "a+b/c="); err != nil || r["sub"] != "joe" || r["active"] != true {
		t.Errorf("%v %v", r, err)
	}
	if _, err := c.Introspect(t.Context(), "hidden-token"); err == nil || strings.Contains(err.Error(), "hidden-token") {
		t.Errorf("%v", err)
	}
	s.answer = func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "7"); w.WriteHeader(429) }
	_, err := c.PushEvents(t.Context(), waist.RequestEvents{})
	var e *Error
	if !errors.As(err, &e) || e.RetryAfter != 7*time.Second {
		t.Errorf("%v", err)
	}
}

// TestHostileAnswers: size, time, redirects, broken connections, TLS.
func TestHostileAnswers(t *testing.T) {
	cases := map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/steal", http.StatusTemporaryRedirect)
		},
		"endless": func(w http.ResponseWriter, r *http.Request) {
			b := make([]byte, 1<<20)
			for range 80 {
				if _, err := w.Write(b); err != nil {
					return
				}
			}
		},
		"not json": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") },
		"cut": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "99")
			fmt.Fprint(w, "{")
		},
		"no identity": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"apis":[]}`) },
		"hangs":       func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	}
	for name, h := range cases {
		c := newClient(t, newServer(t, h), nil)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		if name == "hangs" {
			ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
		}
		if got, err := c.GetConfiguration(ctx, Poll{}); err == nil {
			t.Errorf("%s: %+v", name, got)
		} else if strings.Contains(err.Error(), "token-1") || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error holds a secret: %v", name, err)
		}
		cancel()
	}
	s := httptest.NewTLSServer(http.HandlerFunc(newServer(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, configuration) }).serve))
	defer s.Close()
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshakes are meant
	elsewhere := httptest.NewTLSServer(http.NotFoundHandler())
	defer elsewhere.Close()
	elsewhere.Config.ErrorLog = s.Config.ErrorLog
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	for name, c := range map[string]struct {
		edit func(*Options)
		ok   bool
	}{
		"unknown authority": {func(*Options) {}, false},
		"root CA":           {func(o *Options) { o.RootCAs = ca }, true},
		"skip verify":       {func(o *Options) { o.InsecureSkipVerify = true }, true},
	} {
		o := Options{IssuerURL: s.URL + "/default/system", ClientID: "gw", ClientSecret: secret}
		c.edit(&o)
		cl, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cl.GetConfiguration(t.Context(), Poll{}); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		// Key sets of the control plane come the same way; those of another host never do.
		for host, ok := range map[string]bool{s.URL: c.ok, elsewhere.URL: false} {
			res, err := cl.KeySets().Get(host + "/jwks")
			if err == nil {
				res.Body.Close()
			}
			if (err == nil) != ok {
				t.Errorf("%s: key set at %s: %v", name, host, err)
			}
		}
	}
}

// TestDeadConnection: after a pause the connections are not trusted; the call goes over a new one.
func TestDeadConnection(t *testing.T) {
	now := time.Now()
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, configuration) })
	var mu sync.Mutex
	conns := 0
	c := newClient(t, s, func(o *Options) { o.Now = func() time.Time { return now } })
	remote := map[string]bool{}
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		remote[r.RemoteAddr] = true
		conns = len(remote)
		mu.Unlock()
		fmt.Fprint(w, configuration)
	}
	for _, pause := range []time.Duration{0, time.Second, time.Minute} {
		now = now.Add(pause)
		if _, err := c.GetConfiguration(t.Context(), Poll{}); err != nil {
			t.Fatal(err)
		}
	}
	if conns != 2 {
		t.Errorf("%d connections", conns)
	}
}

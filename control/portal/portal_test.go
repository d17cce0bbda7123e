package portal_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/analytics"
	"portcullis/control/oauth"
	"portcullis/control/portal"
	"portcullis/control/store/storetest"
	"portcullis/control/web"
	"portcullis/edge/waist"
)

const (
	password = "correct horse battery staple"
	zipText  = "PK: not a real package, but the bytes that must arrive"
)

// world is a control plane with its portal, on SQLite.
type world struct {
	t         testing.TB
	admin     *admin.Admin
	analytics *analytics.Analytics
	operator  control.Actor // an administrator, for what a test needs to find there
	issuer    http.Handler
	server    *httptest.Server
	clock     *clock
}

// clock stands still unless a test moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// gateway is a gateway with its secret.
func (w *world) gateway(id string) control.GatewayWithClient {
	w.t.Helper()
	gw := must(w.admin.GetGateway(w.t.Context(), w.operator, id))(w.t)
	gw.ClientSecret = must(w.admin.ClientSecret(w.t.Context(), w.operator, gw.ClientID))(w.t)
	return gw
}

func newWorld(t testing.TB) *world {
	t.Helper()
	st := storetest.SQLite(t)
	keyring, err := admin.ParseKeyring(admin.GenerateMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: &clock{now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}}
	w.server = httptest.NewUnstartedServer(nil)
	public := "http://" + w.server.Listener.Addr().String()
	w.admin = admin.New(admin.Options{Store: st, Now: w.clock.Now, PublicURL: public, Keyring: keyring})
	w.analytics = analytics.New(analytics.Options{Store: st, Now: w.clock.Now})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.analytics.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	if _, err := w.admin.Bootstrap(t.Context(), admin.BootstrapOptions{AdminUsername: "admin", AdminPassword: password}); err != nil {
		t.Fatal(err)
	}
	w.operator = control.Actor{Kind: control.OperatorActor, ID: "test", TenantID: control.DefaultTenant, Role: control.Admin}
	packages := web.Packages{FS: packageFiles()}
	issuer := oauth.New(oauth.Options{Admin: w.admin, Store: st, PublicURL: public, Now: w.clock.Now}).Handler()
	mux := http.NewServeMux()
	mux.Handle("/app/", portal.New(portal.Options{Admin: w.admin, Analytics: w.analytics, Issuer: issuer, Packages: packages, PublicURL: public, Now: w.clock.Now}))
	mux.Handle("/", issuer)
	w.issuer = issuer
	w.server.Config.Handler = web.Secure(mux, web.Options{Now: w.clock.Now})
	w.server.Start()
	t.Cleanup(w.server.Close)
	return w
}

func packageFiles() fs.FS {
	return fstest.MapFS{
		"authorizer-x86_64.zip": {Data: []byte(zipText + " x86_64")},
		"authorizer-arm64.zip":  {Data: []byte(zipText + " arm64")},
	}
}

// gatewayActor is the client of a gateway, as the system API would authenticate it.
func (w *world) gatewayActor(gatewayID string) control.Actor {
	w.t.Helper()
	gw, err := w.admin.GetGateway(w.t.Context(), w.operator, gatewayID)
	if err != nil {
		w.t.Fatal(err)
	}
	return control.Actor{Kind: control.GatewayActor, ID: gw.ClientID, TenantID: control.DefaultTenant,
		Scopes: []string{control.ScopeReadConfiguration, control.ScopeWriteConfiguration, control.ScopePushRequests, control.ScopeIntrospect}}
}

// discover reports the pet store, as the authorizer does after its first scheduled run.
func (w *world) discover(gatewayID string, authorizer string, deployed *bool) {
	w.t.Helper()
	apis := []waist.GatewayAPI{{Method: "GET", Path: "/pets"}, {Method: "POST", Path: "/pets"}, {Method: "GET", Path: "/pets/{petId}"},
		{Method: "OPTIONS", Path: "/pets"}, {Method: "ANY", Path: "/{proxy+}"}}
	for i := range apis {
		if apis[i].Method != "OPTIONS" {
			apis[i].Authorizer, apis[i].Deployed = authorizer, deployed
		} else if authorizer != "" {
			apis[i].Authorizer = waist.AuthorizerNone
		}
	}
	inv := waist.Inventory{}
	for _, stage := range []string{"dev", "prod"} {
		inv.APIGroups = append(inv.APIGroups, waist.APIGroup{ID: waist.GroupID("abc123", stage), Name: "PetStore/" + stage, APIs: apis,
			Metadata: waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: "abc123", APIName: "PetStore", Stage: stage, Region: "eu-west-1", Account: "123456789012"}}})
	}
	if _, err := w.admin.SetInventory(w.t.Context(), w.gatewayActor(gatewayID), inv); err != nil {
		w.t.Fatal(err)
	}
}

// browser is a person's browser without scripts: cookies, redirects, forms.
type browser struct {
	t      testing.TB
	base   string
	client *http.Client
}

// page is what a browser ended up with.
type page struct {
	t      testing.TB
	status int
	path   string // with the query
	header http.Header
	body   string
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{t: w.t, base: w.server.URL, client: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// signedIn is a browser with the session of a user.
func (w *world) signedIn(username, password string) *browser {
	w.t.Helper()
	b := w.browser()
	b.login(username, password, "").wants(200, "Workspace Directory")
	return b
}

// login opens the log-in page, as a page that needs it does, and fills it in.
func (b *browser) login(username, password, next string) page {
	b.t.Helper()
	form := b.get("/app/login?"+url.Values{"next": {next}}.Encode()).wants(200, "Log in", "Username", "Password")
	return b.fill(form, username, password)
}

var action = regexp.MustCompile(`<form method="post" action="([^"]*)"`)

// fill sends the log-in form of a page.
func (b *browser) fill(form page, username, password string) page {
	b.t.Helper()
	found := action.FindStringSubmatch(form.body)
	if found == nil {
		b.t.Fatalf("%s has no form", form.path)
	}
	return b.post(html.UnescapeString(found[1]), "step", "login", "username", username, "password", password)
}

func (b *browser) do(req *http.Request) page {
	b.t.Helper()
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{t: b.t, status: resp.StatusCode, path: resp.Request.URL.RequestURI(), header: resp.Header, body: string(body)}
}

func (b *browser) get(path string, headers ...string) page {
	b.t.Helper()
	return b.send(http.MethodGet, path, "", headers...)
}

// post sends a form of names and values.
func (b *browser) post(path string, pairs ...string) page {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.send(http.MethodPost, path, form.Encode())
}

func (b *browser) send(method, path, body string, headers ...string) page {
	b.t.Helper()
	req, err := http.NewRequest(method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return b.do(req)
}

var tags = regexp.MustCompile(`(?s)<[^>]*>|\s+`)

// words is the page as a person reads it, on one line.
func (p page) words() string {
	text := tags.ReplaceAllString(p.body, " ")
	text = strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(text)
	return strings.Join(strings.Fields(text), " ")
}

// wants checks the status and that the page says every one of the words.
func (p page) wants(status int, words ...string) page {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("%s: status %d, want %d; the page says: %s", p.path, p.status, status, clip(p.words()))
	}
	for _, w := range words {
		if !strings.Contains(p.words(), w) {
			p.t.Errorf("%s does not say %q; it says: %s", p.path, w, clip(p.words()))
		}
	}
	return p
}

// lacks checks that the page, tags included, nowhere contains the words.
func (p page) lacks(words ...string) page {
	p.t.Helper()
	for _, w := range words {
		if strings.Contains(p.body, w) {
			p.t.Errorf("%s contains %q and must not", p.path, w)
		}
	}
	return p
}

// has checks for a piece of markup.
func (p page) has(markup ...string) page {
	p.t.Helper()
	for _, m := range markup {
		if !strings.Contains(p.body, m) {
			p.t.Errorf("%s has no %s", p.path, m)
		}
	}
	return p
}

func clip(s string) string {
	if len(s) > 1500 {
		return s[:1500] + "…"
	}
	return s
}

// element is the last element of the page's path.
func (p page) element(i int) string {
	path, _, _ := strings.Cut(p.path, "?")
	parts := strings.Split(path, "/")
	return parts[i]
}

// must is for set-up that is not what the test is about.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			var e *control.Error
			if errors.As(err, &e) {
				err = fmt.Errorf("%w %v", err, e.Fields)
			}
			t.Fatal(err)
		}
		return v
	}
}

// discoverMany reports n methods for the bound stage dev.
func (w *world) discoverMany(gatewayID string, n int) {
	w.t.Helper()
	group := waist.APIGroup{ID: waist.GroupID("abc123", "dev"), Name: "PetStore/dev",
		Metadata: waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: "abc123", APIName: "PetStore", Stage: "dev", Region: "eu-west-1", Account: "123456789012"}}}
	for i := range n {
		group.APIs = append(group.APIs, waist.GatewayAPI{Method: "GET", Path: fmt.Sprintf("/things/%d", i), Authorizer: waist.AuthorizerOurs})
	}
	if _, err := w.admin.SetInventory(w.t.Context(), w.gatewayActor(gatewayID), waist.Inventory{APIGroups: []waist.APIGroup{group}}); err != nil {
		w.t.Fatal(err)
	}
}

// signedInWithoutPackages is a browser at a portal of the same control plane that was built without the authorizer.
func (w *world) signedInWithoutPackages(t *testing.T) *browser {
	t.Helper()
	bare := *w
	bare.server = httptest.NewServer(web.Secure(portal.New(portal.Options{Admin: w.admin, Analytics: w.analytics, Issuer: w.issuer, PublicURL: w.server.URL, Now: w.clock.Now}), web.Options{Now: w.clock.Now}))
	t.Cleanup(bare.server.Close)
	b := w.signedIn("admin", password) // cookies of a host hold for all its ports (RFC 6265 8.5)
	b.base = bare.server.URL
	return b
}

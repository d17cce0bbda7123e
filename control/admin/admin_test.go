package admin_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store"
	"portcullis/control/store/storetest"
	"portcullis/edge/waist"
)

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) Add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

// world is a control plane on one engine, after bootstrap.
type world struct {
	*admin.Admin
	t     *testing.T
	st    *store.Store
	clock *clock
	root  control.Actor // the administrator
	boot  admin.BootstrapResult
}

var ctx = context.Background()

const masterKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" // 32 zero bytes

func newWorld(t *testing.T, st *store.Store, options ...func(*admin.Options)) *world {
	t.Helper()
	w := &world{t: t, st: st, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	keyring, err := admin.ParseKeyring(masterKey)
	if err != nil {
		t.Fatal(err)
	}
	o := admin.Options{Store: st, Now: w.clock.Now, PublicURL: "http://127.0.0.1:8080/", Keyring: keyring}
	for _, f := range options {
		f(&o)
	}
	w.Admin = admin.New(o)
	w.boot, err = w.Bootstrap(ctx, admin.BootstrapOptions{AdminPassword: "correct horse battery"})
	if err != nil {
		t.Fatal(err)
	}
	w.root = control.Actor{Kind: control.UserActor, ID: "root", Name: "admin", TenantID: control.DefaultTenant, Role: control.Admin}
	return w
}

// Login logs a user in to the portal: at the issuer of the workspace admin first, as a browser does.
func (w *world) Login(ctx context.Context, tenant, username, password, ip, userAgent string) (string, control.Session, error) {
	_, s, err := w.Admin.Login(ctx, tenant, control.AdminWorkspace, username, password, ip, userAgent)
	if err != nil {
		return "", s, err
	}
	return w.PortalLogin(ctx, tenant, s.User.ID, s.ID, ip, userAgent)
}

// each runs f in a fresh world on every engine.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, st *store.Store) { f(t, newWorld(t, st)) })
}

// must stops the test on an error.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// refused checks the kind and code of an error.
func refused(t *testing.T, err error, kind control.Kind, code string) {
	t.Helper()
	var e *control.Error
	if err == nil {
		t.Fatalf("no error, want kind %d code %q", kind, code)
	}
	if !asError(err, &e) || e.Kind != kind || e.Code != code {
		t.Fatalf("%v (kind %d), want kind %d code %q", err, control.KindOf(err), kind, code)
	}
}

// gateway makes an AWS gateway in the workspace default, and the actor that its client is.
func (w *world) gateway(options ...func(*control.GatewayCreate)) (control.GatewayWithClient, control.Actor) {
	w.t.Helper()
	in := control.GatewayCreate{WorkspaceID: "default", Name: "AWS", Type: "aws"}
	for _, f := range options {
		f(&in)
	}
	g := must(w.CreateGateway(ctx, w.root, in))(w.t)
	return g, must(w.ActorForToken(ctx, control.DefaultTenant, control.SystemWorkspace, g.ClientID, g.Client.Scopes))(w.t)
}

func petStore(methods ...string) waist.APIGroup {
	g := waist.APIGroup{ID: "a1b2c3-dev", Name: "PetStore/dev", Metadata: waist.GroupMetadata{Type: "aws",
		AWS: &waist.AWSMetadata{APIID: "a1b2c3", APIName: "PetStore", Stage: "dev", Region: "eu-west-1"}}}
	for i := 0; i < len(methods); i += 2 {
		g.APIs = append(g.APIs, waist.GatewayAPI{Method: methods[i], Path: methods[i+1]})
	}
	return g
}

func inventory(groups ...waist.APIGroup) waist.Inventory { return waist.Inventory{APIGroups: groups} }

// api finds an API of a service.
func (w *world) api(sid, method, path string) (control.API, bool) {
	w.t.Helper()
	for _, x := range must(w.ListAPIsByService(ctx, w.root, sid))(w.t) {
		if x.Method == method && x.Path == path {
			return x, true
		}
	}
	return control.API{}, false
}

func (w *world) configuration(actor control.Actor) *waist.Configuration {
	w.t.Helper()
	cfg, _, err := w.Configuration(ctx, actor, control.GatewayPoll{})
	if err != nil {
		w.t.Fatal(err)
	}
	return cfg
}

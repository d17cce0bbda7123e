package authorizer

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"portcullis/edge/acp"
	"portcullis/edge/waist"
)

// shelf is a store that fails on command.
type shelf struct {
	data []byte
	err  error
}

func (s *shelf) keep() *Keep {
	return &Keep{
		Save: func(_ context.Context, b []byte) error {
			if s.err == nil {
				s.data = bytes.Clone(b)
			}
			return s.err
		},
		Load: func(context.Context) ([]byte, error) { return s.data, s.err }}
}

// newShelved is a bench with a shelf, whose plane signs.
func newShelved(t *testing.T, s *shelf, edit func(*Options)) *bench {
	t.Helper()
	b := newBench(t, edit)
	b.signFor = []string{clientSecret}
	return b.restart(t, s)
}

// restart makes a new environment for the same plane and shelf.
func (b *bench) restart(t *testing.T, s *shelf) *bench {
	return b.restartAs(t, s, clientID, clientSecret)
}

func (b *bench) restartAs(t *testing.T, s *shelf, id, secret string) *bench {
	t.Helper()
	next := &bench{plane: b.plane, log: b.log}
	client, err := acp.New(acp.Options{IssuerURL: b.server.URL + "/default/system", ClientID: id, ClientSecret: secret, Now: b.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	o := b.a.o
	o.Client, o.Keep = client, s.keep()
	next.a = New(o)
	return next
}

func outage(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }

var schedule = []byte(`{"source":"aws.events","detail-type":"Scheduled Event"}`)

// TestColdStartFromTheShelf: during an outage a new environment uses the stored configuration, for as long as the
// control plane's last word allows, and the real one as soon as it can be had.
func TestColdStartFromTheShelf(t *testing.T) {
	s := &shelf{}
	b := newShelved(t, s, func(o *Options) { o.MaxStaleness = 10 * time.Minute })
	b.cfg.Revision = 5
	b.a.Handle(t.Context(), schedule)
	if s.data == nil {
		t.Fatal("nothing was stored")
	}
	if bytes.Contains(s.data, []byte(clientSecret)) {
		t.Fatal("the secret is on the shelf")
	}
	b.breakPolls(outage)
	b.clock.Add(4 * time.Minute)
	cold := b.restart(t, s)
	if got := cold.ask(get("/open").event()); !got.Allow || got.Context["revision"] != float64(5) {
		t.Errorf("cold start: %+v", got)
	}
	if got := cold.ask(get("/pets", "Bearer "+b.plane.sign(nil)).event()); !got.Allow {
		t.Errorf("tokens: %+v", got)
	}
	b.clock.Add(6*time.Minute - time.Second)
	if got := b.restart(t, s).ask(get("/open").event()); !got.Allow {
		t.Errorf("a second before the limit: %+v", got)
	}
	b.clock.Add(time.Second)
	if got := b.restart(t, s).ask(get("/open").event()); got.Allow || got.Reason != ReasonNoConfig {
		t.Errorf("at the limit, cold: %+v", got)
	}
	b.clock.Add(time.Second)
	if got := cold.ask(get("/open").event()); got.Allow || got.Reason != ReasonStale {
		t.Errorf("past the limit, warm: %+v", got)
	}
	b.breakPolls(nil)
	b.change(func(c *waist.Configuration) { c.APIs[0].PolicyID = "block" })
	b.clock.Add(6 * time.Second)
	if got := cold.ask(get("/open").event()); got.Allow || got.Reason != "policy_denied" {
		t.Errorf("after the outage: %+v", got)
	}
}

// TestUnchangedIsSignedAnew: a configuration that does not change for days is still good CONFIG_MAX_STALENESS after the
// last sync, because each sync has the control plane vouch for it again, without fetching it.
func TestUnchangedIsSignedAnew(t *testing.T) {
	s := &shelf{}
	b := newShelved(t, s, func(o *Options) { o.MaxStaleness = 10 * time.Minute })
	for range 60 {
		b.a.Handle(t.Context(), schedule)
		b.clock.Add(time.Minute)
	}
	if polls, unchanged := b.counts(); polls != 60 || unchanged != 59 {
		t.Errorf("%d polls, %d of them unchanged", polls, unchanged)
	}
	if b.headers.Get(waist.HeaderSign) != "true" {
		t.Error("the sync asks for no signature")
	}
	b.a.fresh.refresh(t.Context(), time.Second)
	if b.headers.Get(waist.HeaderSign) != "" {
		t.Error("an ordinary poll asks for a signature")
	}
	b.breakPolls(outage)
	b.clock.Add(9*time.Minute - time.Second) // the last sync was a minute before
	if got := b.restart(t, s).ask(get("/open").event()); !got.Allow {
		t.Errorf("a second before the limit: %+v", got)
	}
	b.clock.Add(time.Second)
	if got := b.restart(t, s).ask(get("/open").event()); got.Allow {
		t.Errorf("at the limit: %+v", got)
	}
}

// TestAlteredCopies: whatever is not exactly what the control plane signed is refused, and so is what it signed for another
// gateway, tenant or secret, for another revision, or for former times.
func TestAlteredCopies(t *testing.T) {
	s := &shelf{}
	b := newShelved(t, s, nil)
	b.cfg.Revision = 5
	b.a.Handle(t.Context(), schedule)
	good := bytes.Clone(s.data)
	lines, raw, err := readCopy(good)
	if err != nil || len(lines) != 1 {
		t.Fatal(lines, err)
	}
	now := b.clock.Now()
	signed := func(secret string, edit func(*waist.ConfigurationSignature)) []byte {
		x := waist.ConfigurationSignature{TenantID: "default", ServerID: "demo", GatewayID: "g1", ClientID: clientID, Revision: 5, IssuedAt: now.Unix(), NotAfter: now.Add(time.Hour).Unix()}
		edit(&x)
		line, err := x.Sign(secret, raw)
		if err != nil {
			t.Fatal(err)
		}
		return writeCopy([]string{line}, raw)
	}
	as := func(edit func(*waist.ConfigurationSignature)) []byte { return signed(clientSecret, edit) }
	protected, mac, _ := strings.Cut(lines[0], "..")
	b.breakPolls(outage)
	copies := map[string][]byte{
		"nothing":           nil,
		"empty":             {},
		"unsigned":          raw,
		"no signature":      writeCopy(nil, raw),
		"cut":               good[:len(good)-1],
		"more":              append(bytes.Clone(good), ' '),
		"policy swapped":    bytes.Replace(good, []byte(`"block"`), []byte(`"allow"`), 1),
		"signature removed": writeCopy([]string{protected + ".."}, raw),
		"header swapped":    writeCopy([]string{"e30.." + mac}, raw),
		"other secret":      signed("another", func(*waist.ConfigurationSignature) {}),
		"other gateway":     as(func(x *waist.ConfigurationSignature) { x.ClientID = "another" }),
		"other tenant":      as(func(x *waist.ConfigurationSignature) { x.TenantID = "another" }),
		"other workspace":   as(func(x *waist.ConfigurationSignature) { x.ServerID = "another" }),
		"revision raised":   as(func(x *waist.ConfigurationSignature) { x.Revision = 6 }),
		"expired":           as(func(x *waist.ConfigurationSignature) { x.NotAfter = now.Unix() }),
		"too old":           as(func(x *waist.ConfigurationSignature) { x.IssuedAt = now.Add(-time.Hour).Unix() }),
		"from the future":   as(func(x *waist.ConfigurationSignature) { x.IssuedAt = now.Add(time.Hour).Unix() }),
		"a line too long":   append(bytes.Repeat([]byte("A"), 80_000), good...),
		"seventeenth":       writeCopy(append(strings.Split(strings.Repeat("a..b ", 16), " ")[:16], lines[0]), raw),
		"no document":       []byte(lines[0] + "\n\n"),
	}
	for name, data := range copies {
		cold := b.restart(t, &shelf{data: data})
		if got := cold.ask(get("/open").event()); got.Allow || got.Reason != ReasonNoConfig {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := b.restart(t, &shelf{data: good}).ask(get("/open").event()); !got.Allow {
		t.Errorf("the untouched copy: %+v", got)
	}
	if got := b.restart(t, &shelf{data: as(func(*waist.ConfigurationSignature) {})}).ask(get("/open").event()); !got.Allow {
		t.Errorf("the same, signed here: %+v", got)
	}
	if got := b.restartAs(t, &shelf{data: good}, clientID, "another-secret").ask(get("/open").event()); got.Allow {
		t.Errorf("a function with another secret: %+v", got)
	}
	if got := b.restart(t, &shelf{err: errors.New("AccessDenied")}).ask(get("/open").event()); got.Allow {
		t.Errorf("a store that fails: %+v", got)
	}
}

// TestRotation: while two client secrets are valid, a copy serves the functions with either.
func TestRotation(t *testing.T) {
	const next = "the-next-secret-that-must-never-be-logged"
	s := &shelf{}
	b := newShelved(t, s, nil)
	b.signFor = []string{next, clientSecret}
	b.a.Handle(t.Context(), schedule)
	b.breakPolls(outage)
	for _, secret := range []string{clientSecret, next} {
		if got := b.restartAs(t, s, clientID, secret).ask(get("/open").event()); !got.Allow {
			t.Errorf("%s: %+v", secret, got)
		}
	}
}

// TestWrongSignature: what comes with a signature that does not fit is garbage, fetched or confirmed: the last good
// configuration serves until CONFIG_MAX_STALENESS, and a cold start denies.
func TestWrongSignature(t *testing.T) {
	wrong := map[string]func(b *bench){
		"another secret":    func(b *bench) { b.signFor = []string{"another"} },
		"another client":    func(b *bench) { b.signed = func(x *waist.ConfigurationSignature) { x.ClientID = "another" } },
		"another tenant":    func(b *bench) { b.signed = func(x *waist.ConfigurationSignature) { x.TenantID = "another" } },
		"another workspace": func(b *bench) { b.signed = func(x *waist.ConfigurationSignature) { x.ServerID = "another" } },
		"another revision":  func(b *bench) { b.signed = func(x *waist.ConfigurationSignature) { x.Revision++ } },
	}
	for name, breakIt := range wrong {
		t.Run(name, func(t *testing.T) {
			s := &shelf{}
			b := newShelved(t, s, func(o *Options) { o.MaxStaleness = time.Minute })
			b.a.Handle(t.Context(), schedule)
			good := bytes.Clone(s.data)
			breakIt(b)
			if raw := string(b.a.Handle(t.Context(), schedule)); !strings.Contains(raw, "is refused: the ") || !bytes.Equal(s.data, good) {
				t.Errorf("a confirmation: %s", raw)
			}
			if got := b.restart(t, &shelf{}).ask(get("/open").event()); got.Allow || got.Reason != ReasonNoConfig {
				t.Errorf("cold: %+v", got)
			}
			b.change(func(c *waist.Configuration) { c.APIs[0].PolicyID = "block" })
			b.clock.Add(6 * time.Second)
			if got := b.ask(get("/open").event()); !got.Allow || got.Context["revision"] != float64(1) {
				t.Errorf("warm: %+v", got)
			}
			b.clock.Add(time.Minute)
			if got := b.ask(get("/open").event()); got.Allow || got.Reason != ReasonStale {
				t.Errorf("past the limit: %+v", got)
			}
			b.signFor, b.signed = []string{clientSecret}, nil
			b.clock.Add(6 * time.Second)
			if got := b.ask(get("/open").event()); got.Allow || got.Reason != "policy_denied" {
				t.Errorf("right again: %+v", got)
			}
		})
	}
}

// TestUnsignedIsNotStored: a control plane that signs nothing is served as ever; nothing is stored, and the report says so.
func TestUnsignedIsNotStored(t *testing.T) {
	s := &shelf{}
	b := newBench(t, nil).restart(t, s)
	raw := string(b.a.Handle(t.Context(), schedule))
	if s.data != nil || !strings.Contains(raw, "AWS_LOCAL_CONFIGURATION: the control plane does not sign") || !strings.Contains(raw, `"revision":1`) {
		t.Errorf("%s; stored: %s", raw, s.data)
	}
	if got := b.ask(get("/open").event()); !got.Allow {
		t.Errorf("%+v", got)
	}
}

// TestSignatureIsStandard: a library that knows nothing of us checks the signature as RFC 7515 and RFC 7797 say.
func TestSignatureIsStandard(t *testing.T) {
	key, err := waist.SignatureKey(clientSecret)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte("{\"any\":\"bytes. é\"}\n")
	line, err := waist.ConfigurationSignature{TenantID: "default", Revision: 3}.Sign(clientSecret, body)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := jose.ParseDetached(line, body, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		t.Fatal(err)
	}
	if err := jws.DetachedVerify(body, key); err != nil {
		t.Error(err)
	}
	if err := jws.DetachedVerify(append(body, ' '), key); err == nil {
		t.Error("other bytes pass")
	}
}

// TestRollBack: an environment that has seen a newer revision does not take an older copy, though its signature is good.
func TestRollBack(t *testing.T) {
	s := &shelf{}
	b := newShelved(t, s, func(o *Options) { o.MaxStaleness = time.Minute })
	b.cfg.Revision = 5
	b.a.Handle(t.Context(), schedule)
	old := bytes.Clone(s.data)
	b.clock.Add(30 * time.Second)
	b.change(func(c *waist.Configuration) { c.APIs[0].PolicyID = "block" })
	warm := b.restart(t, &shelf{data: old})
	warm.ask(get("/open").event())
	b.breakPolls(outage)
	b.clock.Add(61 * time.Second)
	if got := warm.ask(get("/open").event()); got.Allow || got.Reason != ReasonStale {
		t.Errorf("%+v", got)
	}
	// A fresher copy, saved by the environment that runs the sync, is welcome.
	b.clock.Add(-61 * time.Second)
	b.breakPolls(nil)
	b.clock.Add(40 * time.Second)
	b.a.Handle(t.Context(), schedule)
	warm.a.fresh.keep = s.keep()
	b.breakPolls(outage)
	b.clock.Add(27 * time.Second)
	if got := warm.ask(get("/block").event()); got.Allow || got.Reason != "policy_denied" {
		t.Errorf("fresher copy: %+v", got)
	}
}

// TestSaveFails: a store that cannot be written is reported by the sync and costs nothing else.
func TestSaveFails(t *testing.T) {
	s := &shelf{err: errors.New("AccessDenied: s3:PutObject")}
	b := newShelved(t, s, nil)
	if raw := string(b.a.Handle(t.Context(), schedule)); !strings.Contains(raw, "s3:PutObject") || !strings.Contains(raw, `"revision":1`) {
		t.Errorf("%s", raw)
	}
}

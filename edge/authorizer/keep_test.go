package authorizer

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"portcullis/edge/acp"
	"portcullis/edge/waist"
)

// shelf is a store that fails on command.
type shelf struct {
	data []byte
	err  error
}

func (s *shelf) keep(p *plane) *Keep {
	return &Keep{Secret: clientSecret, ClientID: clientID, Issuer: p.server.URL + "/default/system",
		Save: func(_ context.Context, b []byte) error {
			if s.err == nil {
				s.data = bytes.Clone(b)
			}
			return s.err
		},
		Load: func(context.Context) ([]byte, error) { return s.data, s.err }}
}

// restart makes a new environment for the same plane and shelf.
func (b *bench) restart(t *testing.T, s *shelf) *bench {
	t.Helper()
	next := &bench{plane: b.plane, log: b.log}
	client, err := acp.New(acp.Options{IssuerURL: b.server.URL + "/default/system", ClientID: clientID, ClientSecret: clientSecret, Now: b.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	o := b.a.o
	o.Client = client
	o.Keep = s.keep(b.plane)
	next.a = New(o)
	return next
}

func outage(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }

var schedule = []byte(`{"source":"aws.events","detail-type":"Scheduled Event"}`)

// TestColdStartFromTheShelf: during an outage a new environment uses the stored configuration, for as long as the
// control plane's last word allows, and the real one as soon as it can be had.
func TestColdStartFromTheShelf(t *testing.T) {
	s := &shelf{}
	b := newBench(t, func(o *Options) { o.MaxStaleness = 10 * time.Minute }).restart(t, s)
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
	if got := cold.ask(get("/pets", "Bearer "+b.sign(nil)).event()); !got.Allow {
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

// TestAlteredCopies: whatever is not exactly what was stored is refused, and so is a copy of another gateway, another
// secret, or of former times.
func TestAlteredCopies(t *testing.T) {
	s := &shelf{}
	b := newBench(t, nil).restart(t, s)
	b.cfg.Revision = 5
	b.a.Handle(t.Context(), schedule)
	good := bytes.Clone(s.data)
	line, raw, _ := bytes.Cut(good, []byte{'\n'})
	header, mac, _ := bytes.Cut(line, []byte{'.'})
	plain, _ := base64.RawURLEncoding.DecodeString(string(header))
	reheader := func(old, new string) []byte {
		h := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(plain), old, new, 1)))
		return []byte(h + "." + string(mac) + "\n" + string(raw))
	}
	resealed := func(edit func(*Keep), s seal) []byte {
		k := (&shelf{}).keep(b.plane)
		edit(k)
		if s.NotAfter.IsZero() {
			s.Confirmed, s.NotAfter = b.clock.Now(), b.clock.Now().Add(time.Hour)
		}
		out, err := k.wrap(s, raw)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	b.breakPolls(outage)
	copies := map[string][]byte{
		"nothing":          nil,
		"empty":            {},
		"no seal":          raw,
		"cut":              good[:len(good)-1],
		"more":             append(bytes.Clone(good), ' '),
		"policy swapped":   bytes.Replace(good, []byte(`"block"`), []byte(`"allow"`), 1),
		"revision raised":  reheader(`"revision":5`, `"revision":6`),
		"life extended":    reheader(`"not_after":"2026`, `"not_after":"2036`),
		"seal removed":     []byte(string(header) + ".\n" + string(raw)),
		"other secret":     resealed(func(k *Keep) { k.Secret = "another" }, seal{}),
		"other gateway":    resealed(func(k *Keep) { k.ClientID = "another" }, seal{}),
		"other issuer":     resealed(func(k *Keep) { k.Issuer = "https://elsewhere/default/system" }, seal{}),
		"expired":          resealed(func(*Keep) {}, seal{Confirmed: b.clock.Now().Add(-2 * time.Hour), NotAfter: b.clock.Now()}),
		"from the future":  resealed(func(*Keep) {}, seal{Confirmed: b.clock.Now().Add(time.Hour), NotAfter: b.clock.Now().Add(2 * time.Hour)}),
		"a line too long":  append(bytes.Repeat([]byte("A"), 5000), good...),
		"not a json seal":  []byte("!!!." + string(mac) + "\n" + string(raw)),
		"another document": good[:len(line)+1],
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
	if got := b.restart(t, &shelf{err: errors.New("AccessDenied")}).ask(get("/open").event()); got.Allow {
		t.Errorf("a store that fails: %+v", got)
	}
}

// TestRollBack: an environment that has seen a newer revision does not take an older copy, though its seal is good.
func TestRollBack(t *testing.T) {
	s := &shelf{}
	b := newBench(t, func(o *Options) { o.MaxStaleness = time.Minute }).restart(t, s)
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
	warm.a.fresh.keep = s.keep(b.plane)
	b.breakPolls(outage)
	b.clock.Add(27 * time.Second)
	if got := warm.ask(get("/block").event()); got.Allow || got.Reason != "policy_denied" {
		t.Errorf("fresher copy: %+v", got)
	}
}

// TestSaveFails: a store that cannot be written is reported by the sync and costs nothing else.
func TestSaveFails(t *testing.T) {
	s := &shelf{err: errors.New("AccessDenied: s3:PutObject")}
	b := newBench(t, nil).restart(t, s)
	if raw := string(b.a.Handle(t.Context(), schedule)); !strings.Contains(raw, "s3:PutObject") || !strings.Contains(raw, `"revision":1`) {
		t.Errorf("%s", raw)
	}
}

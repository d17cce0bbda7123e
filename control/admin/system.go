package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/waist"
)

// eventsPerSecond is how many request events an authorizer may push per second and environment.
const eventsPerSecond = 100

// Configuration is what the authorizer of the actor's gateway needs to decide, for services bound to that gateway's
// groups. It is nil when p.ETag is the ETag of what would be returned. The configuration is shared between callers: read
// it, do not change it.
//
// It records that the gateway and the environment are alive, some seconds' worth at a time.
func (a *Admin) Configuration(ctx context.Context, actor control.Actor, p control.GatewayPoll) (cfg *waist.Configuration, etag string, err error) {
	doc, etag, err := a.poll(ctx, actor, p)
	if err != nil || doc == nil {
		return nil, etag, err
	}
	return doc.config, doc.etag, nil
}

// ConfigurationAnswer is the answer to a poll.
type ConfigurationAnswer struct {
	JSON []byte // shared; nil when the poller has it already
	ETag string
	// Signatures are over the exact bytes that ETag names, one per client secret that is valid at the moment; none for a
	// poll that needs none.
	Signatures []string
}

// ConfigurationJSON is Configuration in its JSON form, made once per revision for all environments, and signed.
func (a *Admin) ConfigurationJSON(ctx context.Context, actor control.Actor, p control.GatewayPoll) (ConfigurationAnswer, error) {
	doc, etag, err := a.poll(ctx, actor, p)
	if err != nil || doc == nil {
		return ConfigurationAnswer{ETag: etag}, err
	}
	out := ConfigurationAnswer{ETag: etag, Signatures: a.signatures(ctx, actor, doc)}
	if etag != p.ETag {
		out.JSON = doc.json
	}
	return out, nil
}

// poll returns no document where the poller has it and asks for no signature: nearly every poll, so that it reads
// nothing but what a cache has.
func (a *Admin) poll(ctx context.Context, actor control.Actor, p control.GatewayPoll) (*document, string, error) {
	if err := a.allow(actor, "Configuration", ""); err != nil {
		return nil, "", err
	}
	state, err := a.state(ctx, actor)
	if err != nil {
		return nil, "", err
	}
	a.alive(ctx, actor.TenantID, state.GatewayID, p)
	if tag := etagOf(state, state.Revision); p.ETag == tag && !p.Sign {
		a.counters.unchanged.Add(1)
		return nil, tag, nil
	}
	doc, err := a.document(ctx, actor.TenantID, state)
	if err != nil {
		return nil, "", err
	}
	return doc, doc.etag, nil
}

// state reads the gateway of a client.
func (a *Admin) state(ctx context.Context, actor control.Actor) (store.GatewayState, error) {
	s, err := recall(&a.cache, &a.cache.polls, key(actor.TenantID, actor.ID), a.now(), func() (store.GatewayState, error) {
		return a.store.StateOfClient(ctx, actor.TenantID, actor.ID)
	})
	if errors.Is(err, store.ErrNotFound) {
		return s, control.Errorf(control.NotFound, "not_found", "the client %q belongs to no gateway; it may have been deleted", actor.ID)
	}
	return s, internal(err)
}

func etagOf(s store.GatewayState, revision int64) string {
	return `"` + s.WorkspaceID + "-" + s.GatewayID + "-" + strconv.FormatInt(revision, 10) + `"` // ids hold nothing to escape
}

// document is the gateway's configuration at state.Revision or later, built once however many ask for it.
func (a *Admin) document(ctx context.Context, tenant string, state store.GatewayState) (*document, error) {
	k := key(tenant, state.GatewayID)
	c := &a.cache
	c.mu.Lock()
	if d, ok := c.documents[k]; ok && d.revision >= state.Revision {
		c.mu.Unlock()
		return d.value, nil
	}
	if b, ok := c.building[k]; ok && b.revision >= state.Revision {
		c.mu.Unlock()
		select {
		case <-b.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if b.err != nil && (errors.Is(b.err, context.Canceled) || errors.Is(b.err, context.DeadlineExceeded)) && ctx.Err() == nil {
			return a.document(ctx, tenant, state) // the builder's caller went away, not ours
		}
		return b.doc, b.err
	}
	b := &building{revision: state.Revision, done: make(chan struct{})}
	if c.building == nil {
		c.building = map[string]*building{}
	}
	c.building[k] = b
	c.mu.Unlock()

	var revision int64
	a.counters.builds.Add(1)
	b.doc, revision, b.err = a.build(ctx, tenant, state)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.building[k] == b {
		delete(c.building, k)
	}
	if b.err == nil {
		if c.documents == nil || len(c.documents) >= maxDocuments {
			c.documents = map[string]revised[*document]{}
		}
		c.documents[k] = revised[*document]{b.doc, revision}
	}
	close(b.done)
	return b.doc, b.err
}

// build reads one state of the workspace and writes the gateway's configuration of it.
func (a *Admin) build(ctx context.Context, tenant string, state store.GatewayState) (*document, int64, error) {
	var cfg *waist.Configuration
	err := a.store.Snapshot(ctx, func(r store.Reader) (err error) {
		cfg, err = a.read(ctx, r, tenant, state)
		return err
	})
	if err != nil {
		return nil, 0, notFound(err, "workspace", state.WorkspaceID)
	}
	body, err := json.Marshal(cfg)
	if err != nil {
		return nil, 0, fmt.Errorf("admin: %w", err)
	}
	return &document{config: cfg, json: body, etag: etagOf(state, cfg.Revision), gateway: state.GatewayID}, cfg.Revision, nil
}

func (a *Admin) read(ctx context.Context, r store.Reader, tenant string, state store.GatewayState) (*waist.Configuration, error) {
	w, err := r.Workspace(ctx, tenant, state.WorkspaceID)
	if err != nil {
		return nil, err
	}
	revision, since, err := r.Revision(ctx, tenant, state.WorkspaceID)
	if err != nil {
		return nil, err
	}
	cfg := &waist.Configuration{TenantID: tenant, ServerID: w.ID, IssuerURL: a.IssuerURL(tenant, w.ID), JWKSURL: a.IssuerURL(tenant, w.ID) + "/.well-known/jwks.json",
		DynamicScopeSeparator: w.DynamicScopeSep, EventsPerSecond: eventsPerSecond, APIs: []waist.API{}, Policies: []waist.Policy{},
		Services: []waist.ConnectedService{}, Scopes: []waist.Scope{}, IssuerAPIs: []waist.API{}, IssuerPolicies: []waist.Policy{}, Revision: revision,
		// When the revision was made, not when this was built: every node writes the same document.
		GeneratedAt: since}
	if cfg.TrustedIssuers, err = r.TrustedIssuers(ctx, tenant, w.ID); err != nil {
		return nil, err
	}
	gw, err := r.Gateway(ctx, tenant, state.GatewayID)
	if err != nil {
		return nil, err
	}
	cfg.TokenExchangeEnabled = gw.TokenExchange.Enabled
	if cfg.JWKS, err = jwks(ctx, r, tenant, w.ID); err != nil {
		return nil, err
	}
	stored, err := r.APIsOfGateway(ctx, tenant, state.GatewayID)
	if err != nil {
		return nil, err
	}
	cfg.APIs = present(stored)
	if cfg.Policies, err = usedPolicies(ctx, r, tenant, w.ID, cfg.APIs); err != nil {
		return nil, err
	}
	services, err := r.Services(ctx, tenant, w.ID, store.Page{})
	if err != nil {
		return nil, err
	}
	groups, err := r.BoundGroups(ctx, tenant, w.ID)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	byID := map[string]control.Service{}
	for _, s := range services {
		names[s.ID] = s.Name
		byID[s.ID] = s.Service
	}
	for _, g := range groups {
		s, ok := byID[g.ServiceID]
		if !ok || g.GatewayID != state.GatewayID {
			continue
		}
		a.audience(&s)
		cfg.Services = append(cfg.Services, waist.ConnectedService{ID: s.ID, Name: s.Name, TenantID: tenant, AuthorizationServerID: w.ID,
			GatewayID: g.GatewayID, Description: s.Description, CustomAudience: s.CustomAudience, Type: s.Type, System: s.System,
			WithSpecification: s.WithSpecification, APIGroupID: g.ID, APIGroupMetadata: g.Metadata, Audience: s.Audience})
	}
	scopes, err := r.Scopes(ctx, tenant, w.ID, store.Page{})
	for _, s := range scopes {
		x := waist.Scope{ID: s.ID, Name: s.Name, WithService: s.ServiceID != ""}
		if x.WithService {
			x.Service = &waist.ScopeService{ID: s.ServiceID, Name: names[s.ServiceID]}
		}
		cfg.Scopes = append(cfg.Scopes, x)
	}
	return cfg, err
}

// jwks is the key set of a workspace (RFC 7517 section 5).
func jwks(ctx context.Context, r store.Reader, tenant, wid string) (json.RawMessage, error) {
	keys, err := r.SigningKeys(ctx, tenant, wid)
	if err != nil {
		return nil, err
	}
	set := struct {
		Keys []json.RawMessage `json:"keys"`
	}{[]json.RawMessage{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, json.RawMessage(k.Public))
	}
	return json.Marshal(set)
}

// usedPolicies are the policies that APIs use, and those that these embed, by id.
func usedPolicies(ctx context.Context, r store.Reader, tenant, wid string, apis []control.API) ([]control.Policy, error) {
	all, err := r.PoliciesOf(ctx, tenant, wid)
	if err != nil {
		return nil, err
	}
	pairs, err := r.Embeds(ctx, tenant, wid)
	if err != nil {
		return nil, err
	}
	embeds := map[string][]string{}
	for _, e := range pairs {
		embeds[e[0]] = append(embeds[e[0]], e[1])
	}
	used := map[string]bool{}
	var use func(id string)
	use = func(id string) {
		if id == "" || used[id] {
			return
		}
		used[id] = true
		for _, e := range embeds[id] {
			use(e)
		}
	}
	for _, x := range apis {
		use(x.PolicyID)
	}
	out := []control.Policy{}
	for _, p := range all {
		if used[p.ID] {
			out = append(out, p)
		}
	}
	return out, nil
}

// presence collects who polled, to be written down some seconds' worth at a time. The zero value is ready.
type presence struct {
	mu       sync.Mutex
	gateways map[string]*gatewayPresence // :: tenant, gateway → presence
}

type gatewayPresence struct {
	written time.Time // zero: never by this process
	busy    bool
	pending map[string]control.Environment // :: environment id → last poll
}

const (
	presenceEvery   = 2 * time.Second
	presencePending = 10_000 // environments of one gateway between two writes; more are not noticed
	presenceSilent  = 10 * time.Minute
	presenceKept    = 10_000
)

// alive notes a poll. One poll in some seconds writes down what was noted; a failure to do so is logged and costs the
// poll nothing but a second.
func (a *Admin) alive(ctx context.Context, tenant, gateway string, p control.GatewayPoll) {
	now := a.now()
	a.presence.mu.Lock()
	if a.presence.gateways == nil || len(a.presence.gateways) >= maxPolls {
		a.presence.gateways = map[string]*gatewayPresence{}
	}
	k := key(tenant, gateway)
	g := a.presence.gateways[k]
	if g == nil {
		g = &gatewayPresence{pending: map[string]control.Environment{}}
		a.presence.gateways[k] = g
	}
	if p.Environment != "" && len(p.Environment) <= 100 && len(g.pending) < presencePending {
		g.pending[p.Environment] = control.Environment{ID: p.Environment, Version: cut(p.Version, 100), AuthorizerVersion: cut(p.AuthorizerVersion, 100),
			Revision: p.Revision, AgeSeconds: p.AgeSeconds, SeenAt: now}
	}
	if g.busy || now.Sub(g.written) < presenceEvery && !g.written.IsZero() {
		a.presence.mu.Unlock()
		return
	}
	pending := g.pending
	g.pending, g.busy = map[string]control.Environment{}, true
	a.presence.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	err := a.store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.Seen(ctx, tenant, gateway, now); err != nil {
			return err
		}
		for _, e := range pending {
			if err := tx.PutEnvironment(ctx, tenant, gateway, e); err != nil {
				return err
			}
		}
		if len(pending) == 0 {
			return nil
		}
		return tx.PruneEnvironments(ctx, tenant, gateway, now.Add(-presenceSilent), presenceKept)
	})
	if err != nil && ctx.Err() != context.Canceled {
		a.log.WarnContext(ctx, "the contact of a gateway was not written down", "gateway", gateway, "error", err)
	}
	a.presence.mu.Lock()
	defer a.presence.mu.Unlock()
	g.busy, g.written = false, now
}

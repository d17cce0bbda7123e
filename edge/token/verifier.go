package token

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"
)

// Issuer is one source of tokens.
type Issuer struct {
	URL     string // compared with "iss" byte for byte
	JWKSURL string // where keys can be fetched; empty: only the inline ones count
	JWKS    []byte // inline key set (RFC 7517), may be empty
	// Audiences replaces Expect.Audiences for tokens of this issuer when it is not empty: an external issuer knows
	// nothing of our services.
	Audiences []string
}

// Options of a Verifier. The zero value of each member is usable.
type Options struct {
	Now    func() time.Time
	Leeway time.Duration // for exp, nbf and iat; 0 means 60 s
	// Introspect asks about an opaque token (RFC 7662) and returns the whole answer. nil: opaque tokens are refused.
	Introspect func(ctx context.Context, raw string) (map[string]any, error)
	// IntrospectFor is how long an answer about an active token is used; 0 means 30 s.
	IntrospectFor time.Duration
	HTTPClient    *http.Client // fetches key sets; nil means a client of its own without redirects
	CacheSize     int          // tokens remembered; 0 means 1,000
}

const defaultLeeway = 60 * time.Second

// Expect is what a token must fit besides being genuine. Without an audience nothing fits.
type Expect struct {
	Audiences []string // one of them must be in "aud"
}

// Verifier checks tokens for one configuration. It is immutable but for its caches: a new configuration makes a new one
// with Next. Safe for concurrent use.
type Verifier struct {
	o       Options
	issuers map[string]*issuer
	first   *issuer // the workspace's own: introspection speaks for it
	cache   *cache
	headers lastHeader
	down    atomic.Int64 // Unix nanoseconds until which introspection is not asked, after it gave no answer
}

type issuer struct {
	Issuer
	keys *keySource
}

const (
	inactiveFor = 30 * time.Second // a refusal by introspection is remembered this long
	failedFor   = time.Second      // after an introspection that failed, none is asked for this long
	// introspectTimeout bounds the wait for one answer: made-up tokens must not be able to hold invocations.
	introspectTimeout = 2 * time.Second
)

// New makes a Verifier. The first issuer is the workspace's own. Issuers whose inline keys cannot be read are kept,
// without keys, and reported: their tokens are refused.
func New(o Options, issuers []Issuer) (*Verifier, []error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Leeway == 0 {
		o.Leeway = defaultLeeway
	}
	if o.IntrospectFor == 0 {
		o.IntrospectFor = 30 * time.Second
	}
	if o.CacheSize == 0 {
		o.CacheSize = 1000
	}
	if o.HTTPClient == nil {
		o.HTTPClient = &http.Client{Timeout: keysTimeout, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}}
	}
	return build(o, issuers, nil)
}

// Next makes the Verifier of the following configuration. Remembered tokens are forgotten; fetched keys of issuers that
// did not change are kept.
func (v *Verifier) Next(issuers []Issuer) (*Verifier, []error) { return build(v.o, issuers, v.issuers) }

func build(o Options, issuers []Issuer, before map[string]*issuer) (*Verifier, []error) {
	v := &Verifier{o: o, issuers: make(map[string]*issuer, len(issuers)), cache: newCache(o.CacheSize)}
	var problems []error
	for _, is := range issuers {
		if is.URL == "" || v.issuers[is.URL] != nil {
			continue
		}
		entry := &issuer{Issuer: is}
		old := before[is.URL]
		if old != nil && old.keys.url == is.JWKSURL && old.keys.inline == sha256.Sum256(is.JWKS) {
			entry.keys = old.keys
		} else {
			var err error
			if entry.keys, err = newKeySource(is, o.HTTPClient, o.Now); err != nil {
				problems = append(problems, err)
			}
		}
		v.issuers[is.URL] = entry
		if v.first == nil {
			v.first = entry
		}
	}
	return v, problems
}

// Verify returns the claims of a token that is genuine, alive and meant for one of the expected audiences, or an *Error.
// The map is shared between callers and must not be changed.
func (v *Verifier) Verify(ctx context.Context, raw string, expect Expect) (map[string]any, error) {
	if len(raw) > MaxLength {
		return nil, refuse(TooLong, "")
	}
	sum := sha256.Sum256([]byte(raw))
	now := v.o.Now()
	e, hit := v.cache.get(sum, now)
	if hit && e.err != nil {
		return nil, e.err
	}
	if !hit || e.generation != e.issuer.keys.generation.Load() {
		var err error
		if e, err = v.examine(ctx, raw, sum); err != nil {
			return nil, err
		}
	}
	// Time and audience are judged on every use: the entry may be old, and the service another one.
	if err := v.alive(e.claims, now); err != nil {
		return nil, err
	}
	if err := meantFor(e.claims, e.issuer, expect); err != nil {
		return nil, err
	}
	return e.claims, nil
}

// examine does the costly part, once per token: form, issuer, key, signature; or introspection.
func (v *Verifier) examine(ctx context.Context, raw string, sum [sha256.Size]byte) (*entry, error) {
	if !looksLikeJWT(raw) {
		return v.introspect(ctx, raw, sum)
	}
	t, err := parse(raw, &v.headers)
	if err != nil {
		return nil, err
	}
	iss, _ := t.claims["iss"].(string)
	is := v.issuers[iss]
	if is == nil {
		return nil, refuse(WrongIssuer, "iss is absent or not trusted")
	}
	// An expired token needs no signature check, and no key fetch on its behalf.
	if err := v.alive(t.claims, v.o.Now()); err != nil {
		return nil, err
	}
	if use, there := t.claims["token_use"]; there && use != "access" {
		return nil, refuse(WrongType, "token_use is not access")
	}
	generation := is.keys.generation.Load()
	keys, err := is.keys.find(ctx, t.kid, t.alg)
	if err != nil {
		return nil, err
	}
	if !t.signedBy(keys) {
		return nil, refuse(BadSignature, "")
	}
	e := &entry{key: sum, claims: t.claims, issuer: is, generation: generation, until: v.expiry(t.claims)}
	v.cache.put(e)
	return e, nil
}

func (v *Verifier) introspect(ctx context.Context, raw string, sum [sha256.Size]byte) (*entry, error) {
	if !opaqueForm(raw) {
		return nil, refuse(Malformed, "neither a JWT nor an opaque token by form")
	}
	if v.o.Introspect == nil || v.first == nil {
		return nil, refuse(OpaqueRefused, "")
	}
	now := v.o.Now()
	remember := func(err error, d time.Duration) error {
		v.cache.put(&entry{key: sum, err: err, until: now.Add(d)})
		return err
	}
	if now.UnixNano() < v.down.Load() {
		return nil, refuse(IntrospectionFailed, "the introspection endpoint gave no answer a moment ago")
	}
	ctx, cancel := context.WithTimeout(ctx, introspectTimeout)
	defer cancel()
	claims, err := v.o.Introspect(ctx, raw)
	if err != nil {
		v.down.Store(now.Add(failedFor).UnixNano())
		return nil, refuse(IntrospectionFailed, "the introspection endpoint gave no answer")
	}
	if active, _ := claims["active"].(bool); !active {
		return nil, remember(refuse(Inactive, ""), inactiveFor)
	}
	delete(claims, "active")
	if iss, there := claims["iss"]; there && iss != v.first.URL {
		return nil, remember(refuse(WrongIssuer, "introspection named another issuer"), inactiveFor)
	}
	e := &entry{key: sum, claims: claims, issuer: v.first, generation: v.first.keys.generation.Load(),
		until: earlier(v.expiry(claims), now.Add(v.o.IntrospectFor))}
	v.cache.put(e)
	return e, nil
}

// alive checks exp (required), nbf and iat with the leeway. A member of the wrong type refuses.
func (v *Verifier) alive(claims map[string]any, now time.Time) error {
	exp, ok := numericDate(claims["exp"])
	if !ok {
		return refuse(Expired, "exp is absent or not a number")
	}
	if !now.Before(exp.Add(v.o.Leeway)) {
		return refuse(Expired, "")
	}
	for _, name := range [...]string{"nbf", "iat"} {
		c, there := claims[name]
		if !there {
			continue
		}
		t, ok := numericDate(c)
		if !ok {
			return refuse(Malformed, name+" is not a number")
		}
		if now.Add(v.o.Leeway).Before(t) {
			return refuse(NotYetValid, name+" lies in the future")
		}
	}
	return nil
}

// Expiry is the moment at which verified claims end for a Verifier with the usual leeway; false when they do not say.
func Expiry(claims map[string]any) (time.Time, bool) {
	exp, ok := numericDate(claims["exp"])
	return exp.Add(defaultLeeway), ok
}

func (v *Verifier) expiry(claims map[string]any) time.Time {
	exp, _ := numericDate(claims["exp"])
	return exp.Add(v.o.Leeway)
}

// numericDate reads RFC 7519 section 2 NumericDate. Values that no clock reaches are refused rather than wrapped.
func numericDate(c any) (time.Time, bool) {
	f, ok := c.(float64)
	if n, isNumber := c.(json.Number); isNumber {
		var err error
		f, err = n.Float64()
		ok = err == nil
	}
	if !ok || f < 0 || f > 1<<40 {
		return time.Time{}, false
	}
	whole := int64(f)
	return time.Unix(whole, int64((f-float64(whole))*1e9)), true
}

// meantFor checks the audience. Cognito's access tokens have none; for an external issuer with a list of audiences
// client_id stands in for it.
func meantFor(claims map[string]any, is *issuer, expect Expect) error {
	want := expect.Audiences
	if len(is.Audiences) > 0 {
		want = is.Audiences
	}
	switch aud := claims["aud"].(type) {
	case string:
		if aud != "" && contains(want, aud) {
			return nil
		}
	case []any:
		for _, a := range aud {
			if s, ok := a.(string); ok && s != "" && contains(want, s) {
				return nil
			}
		}
	case nil:
		_, present := claims["aud"]
		if id, ok := claims["client_id"].(string); ok && !present && id != "" && len(is.Audiences) > 0 && contains(want, id) {
			return nil
		}
	}
	return refuse(WrongAudience, "aud does not name this service")
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

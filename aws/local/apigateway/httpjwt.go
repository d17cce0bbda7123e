package apigateway

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of RS256 and PS256 …
	_ "crypto/sha512" // … and of their longer kin
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// JWT authorizers of HTTP APIs. Source: Developer Guide, "Control access to HTTP APIs with JWT authorizers in API Gateway".

type jwtConfiguration struct {
	Audience []string `json:"audience"`
	Issuer   string   `json:"issuer"`
}

// jwtAnswer is what a token says, for the event of the integration.
type jwtAnswer struct {
	Claims map[string]string `json:"claims"`
	Scopes []string          `json:"scopes"` // those of the route that the token has; null for a route without scopes
}

const (
	issuerTimeout = 5 * time.Second
	issuerKeysFor = 2 * time.Hour // as documented
	maxIssuerBody = 1 << 20
	maxIssuers    = 1000
)

// issuers holds the signing keys of token issuers.
type issuers struct {
	mu   sync.Mutex
	keys map[string]issuerKeys // :: issuer → its keys
}

type issuerKeys struct {
	until time.Time
	keys  map[string]*rsa.PublicKey // :: key id → key
}

func (i *issuers) reset() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = map[string]issuerKeys{}
}

func checkJWTAuthorizer(z *httpAuthorizer) error {
	if z.JWT == nil || z.JWT.Issuer == "" || len(z.JWT.Audience) == 0 {
		return badRequest("JWT authorizers need an issuer and at least one audience")
	}
	u, err := url.Parse(z.JWT.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return badRequest("Invalid issuer: " + z.JWT.Issuer + ". Issuer must have a valid discovery endpoint ended with '/.well-known/openid-configuration'")
	}
	if len(z.IdentitySource) != 1 || !httpSource.MatchString(z.IdentitySource[0]) || !strings.HasPrefix(z.IdentitySource[0], "$request.") {
		return badRequest("JWT authorizers need exactly one identity source, a header or a query parameter")
	}
	if z.AuthorizerURI != "" || z.PayloadFormatVersion != "" || z.EnableSimpleResponses || z.TTL != 0 || z.AuthorizerCredentialsARN != "" {
		return badRequest("JWT authorizers take no AuthorizerUri, AuthorizerPayloadFormatVersion, EnableSimpleResponses, AuthorizerResultTtlInSeconds or AuthorizerCredentialsArn")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// bearerFailure is a refusal with its reason in WWW-Authenticate, as RFC 6750 has it.
func bearerFailure(status int, message, code, detail string) *failure {
	f := httpFailure(status, message, detail)
	f.header = http.Header{"Www-Authenticate": {`Bearer scope="" error="` + code + `" error_description="` + detail + `"`}}
	return f
}

// authorizeJWT checks the token of the request: signature, issuer, audience, time, scopes.
func (x *httpExchange) authorizeJWT(z *httpAuthorizer) error {
	token := x.source(httpSourceName(z.IdentitySource[0]))
	if len(token) >= 7 && strings.EqualFold(token[:7], "Bearer ") {
		token = strings.TrimSpace(token[7:])
	}
	if token == "" {
		f := httpFailure(401, "Unauthorized", "the token is missing")
		f.header = http.Header{"Www-Authenticate": {"Bearer"}}
		return f
	}
	claims, err := x.svc.verifyJWT(x.ctx.Context(), z.JWT, token)
	if err != nil {
		return bearerFailure(401, "Unauthorized", "invalid_token", err.Error())
	}
	answer := &jwtAnswer{Claims: map[string]string{}}
	for k, v := range claims {
		answer.Claims[k] = claimText(v)
	}
	if len(x.route.AuthorizationScopes) > 0 {
		granted := strings.Fields(claimText(claims["scope"]))
		switch scp := claims["scp"].(type) {
		case string:
			granted = append(granted, strings.Fields(scp)...)
		case []any:
			for _, v := range scp {
				granted = append(granted, claimText(v))
			}
		}
		for _, s := range x.route.AuthorizationScopes {
			if slices.Contains(granted, s) {
				answer.Scopes = append(answer.Scopes, s)
			}
		}
		if len(answer.Scopes) == 0 {
			return bearerFailure(403, "Forbidden", "insufficient_scope", "the token has none of the scopes that the route needs")
		}
	}
	x.jwt = answer
	return nil
}

// claimText is a claim as events show it: text as it is, a list in brackets with spaces, everything else as JSON.
func claimText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, p := range v {
			parts[i] = claimText(p)
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// verifyJWT returns the claims of a token that the issuer signed for one of the audiences and that is valid now. The
// error's text has nothing of the token in it.
func (s *Service) verifyJWT(ctx context.Context, c *jwtConfiguration, token string) (map[string]any, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("the token is not a JWT")
	}
	var raw [3][]byte
	for i, p := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(p); err != nil {
			return nil, errors.New("the token is not a JWT")
		}
	}
	var head struct {
		Alg  string          `json:"alg"`
		Kid  string          `json:"kid"`
		Crit json.RawMessage `json:"crit"`
	}
	var claims map[string]any
	d := json.NewDecoder(bytes.NewReader(raw[1]))
	d.UseNumber()
	if json.Unmarshal(raw[0], &head) != nil || d.Decode(&claims) != nil || claims == nil || head.Crit != nil {
		return nil, errors.New("the token is not a JWT")
	}
	hash, ok := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[strings.TrimLeft(head.Alg, "RPS")]
	if !ok || len(head.Alg) != 5 || head.Alg[:2] != "RS" && head.Alg[:2] != "PS" {
		return nil, errors.New("the token is signed with an unsupported algorithm")
	}
	if claims["iss"] != c.Issuer {
		return nil, errors.New("the token has an invalid issuer")
	}
	keys, err := s.issuerKeys(ctx, c.Issuer)
	if err != nil {
		s.opt.Logger.Info("reading the keys of a token issuer", "issuer", c.Issuer, "error", err.Error())
		return nil, errors.New("unable to read the signing keys of the issuer")
	}
	key := keys[head.Kid]
	if key == nil {
		return nil, errors.New("the signing key of the token is unknown")
	}
	h := hash.New()
	h.Write([]byte(parts[0] + "." + parts[1]))
	if head.Alg[0] == 'R' {
		err = rsa.VerifyPKCS1v15(key, hash, h.Sum(nil), raw[2])
	} else {
		err = rsa.VerifyPSS(key, hash, h.Sum(nil), raw[2], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	if err != nil {
		return nil, errors.New("the signature of the token is wrong")
	}
	return claims, s.checkClaims(c, claims)
}

// checkClaims checks audience and time. client_id stands for an aud that is absent, as with Amazon Cognito's access tokens.
func (s *Service) checkClaims(c *jwtConfiguration, claims map[string]any) error {
	audience, ok := claims["aud"]
	if !ok {
		audience = claims["client_id"]
	}
	list, ok := audience.([]any)
	if !ok {
		list = []any{audience}
	}
	// User pools have no audiences of their own: every client of the pool is good. JWT authorizers have at least one.
	if len(c.Audience) > 0 && !slices.ContainsFunc(list, func(a any) bool { text, ok := a.(string); return ok && slices.Contains(c.Audience, text) }) {
		return errors.New("the token has an invalid audience")
	}
	now := float64(s.opt.Now().UnixMilli()) / 1000
	seconds := func(name string) (float64, bool) {
		n, ok := claims[name].(json.Number)
		if !ok {
			return 0, false
		}
		f, err := n.Float64()
		return f, err == nil
	}
	if exp, ok := seconds("exp"); !ok || exp <= now {
		return errTokenExpired
	}
	for _, name := range []string{"nbf", "iat"} {
		if claims[name] == nil {
			continue
		}
		if t, ok := seconds(name); !ok || t > now {
			return fmt.Errorf("the token is not valid yet (%s)", name)
		}
	}
	return nil
}

// issuerKeys reads the keys of an issuer by its discovery document. They are kept for two hours.
func (s *Service) issuerKeys(ctx context.Context, issuer string) (map[string]*rsa.PublicKey, error) {
	now := s.opt.Now()
	s.issuers.mu.Lock()
	known, ok := s.issuers.keys[issuer]
	s.issuers.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.keys, nil
	}
	ctx, cancel := context.WithTimeout(ctx, issuerTimeout)
	defer cancel()
	var discovery struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := s.getJSON(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &discovery); err != nil {
		return nil, err
	}
	if discovery.Issuer != issuer || discovery.Keys == "" {
		return nil, errors.New("the discovery document is of another issuer, or has no jwks_uri")
	}
	var set struct {
		Keys []struct{ Kty, Kid, Use, N, E string }
	}
	if err := s.getJSON(ctx, discovery.Keys, &set); err != nil {
		return nil, err
	}
	keys := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		n, errN := base64.RawURLEncoding.DecodeString(k.N)
		e, errE := base64.RawURLEncoding.DecodeString(k.E)
		if k.Kty != "RSA" || k.Use == "enc" || errN != nil || errE != nil || len(e) == 0 || len(e) > 4 {
			continue
		}
		keys[k.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	}
	s.issuers.mu.Lock()
	defer s.issuers.mu.Unlock()
	if len(s.issuers.keys) >= maxIssuers {
		s.issuers.keys = map[string]issuerKeys{}
	}
	s.issuers.keys[issuer] = issuerKeys{now.Add(issuerKeysFor), keys}
	return keys, nil
}

func (s *Service) getJSON(ctx context.Context, from string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return err
	}
	res, err := s.opt.HTTPClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxIssuerBody+1))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || len(body) > maxIssuerBody {
		return fmt.Errorf("%s answered %d with %d bytes", from, res.StatusCode, len(body))
	}
	return json.Unmarshal(body, v)
}

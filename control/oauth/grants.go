package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/control/web"
)

// errGrant is the one answer to a code or refresh token that is not good (RFC 6749 5.2).
var errGrant = refuse(errInvalidGrant, "the code or refresh token is unknown, expired, used already, or was issued to another client or redirect URI")

// reuseGrace is how close to each other two uses of one code or refresh token may be to count as one client that asked
// twice: the second gets nothing. Later it is a theft, and ends the grant.
const reuseGrace = 2 * time.Second

// authorizationCode is RFC 6749 4.1.3. The code is consumed before anything is looked at: whoever comes second gets
// nothing, and ends the grant, because one of the two is a thief (4.1.2; but see reuseGrace).
func (i *Issuer) authorizationCode(r *http.Request, f form, ws control.Workspace, client control.Client) (tokenResponse, error) {
	if !slices.Contains(client.GrantTypes, "authorization_code") {
		return tokenResponse{}, refuse(errUnauthorizedClient, "this client may not use the authorization code; add it to the client's grant types")
	}
	if f.values["code"] == "" {
		return tokenResponse{}, refuse(errInvalidRequest, "code is missing (RFC 6749 4.1.3)")
	}
	ctx, hash := r.Context(), hashOf(f.values["code"])
	var code store.Code
	var g store.Grant
	err := i.store.Tx(ctx, func(tx *store.Tx) (err error) {
		if code, err = tx.TakeCode(ctx, hash); err != nil {
			return err
		}
		if g, err = tx.Grant(ctx, code.TenantID, code.GrantID); err != nil {
			return err
		}
		// The grant lives as long as what is minted of it; a refresh token moves its end further.
		return tx.UseGrant(ctx, g.TenantID, g.ID, i.now(), i.now().Add(accessTTL(ws)+time.Minute))
	})
	if errors.Is(err, store.ErrNotFound) {
		g, err := i.store.GrantOfCode(ctx, hash)
		if err == nil {
			err = i.usedTwice(r, g, "a code was used twice")
		}
		return tokenResponse{}, orGrantError(err)
	}
	if err != nil {
		return tokenResponse{}, err
	}
	switch {
	case g.TenantID != f.tenant || g.WorkspaceID != f.workspace || g.ClientID != client.ID, // 4.1.3: issued to this client
		code.RedirectURI != f.values["redirect_uri"], // 4.1.3: the same, or absent both times
		!i.now().Before(code.ExpiresAt),
		!proves(f.values["code_verifier"], code.Challenge):
		return tokenResponse{}, errors.Join(errGrant, i.endGrant(r, g, ""))
	}
	return i.userTokens(r, f, ws, client, g, g.Scopes, code.Nonce, "")
}

// proves is RFC 7636 4.6. A verifier without a challenge is refused as well (RFC 9700 4.8.2: a downgrade).
func proves(verifier, challenge string) bool {
	if challenge == "" {
		return verifier == ""
	}
	sum := sha256.Sum256([]byte(verifier))
	got := base64.RawURLEncoding.EncodeToString(sum[:])
	return len(verifier) >= 43 && len(verifier) <= 128 && subtle.ConstantTimeCompare([]byte(got), []byte(challenge)) == 1
}

// refreshToken is RFC 6749 6 with rotation (RFC 9700 4.14.2): each token works once; a second use ends the grant.
func (i *Issuer) refreshToken(r *http.Request, f form, ws control.Workspace, client control.Client) (tokenResponse, error) {
	if !slices.Contains(client.GrantTypes, "refresh_token") {
		return tokenResponse{}, refuse(errUnauthorizedClient, "this client may not use refresh tokens; add refresh_token to the client's grant types")
	}
	token := f.values["refresh_token"]
	if token == "" {
		return tokenResponse{}, refuse(errInvalidRequest, "refresh_token is missing (RFC 6749 6)")
	}
	family, _, _ := strings.Cut(token, ".")
	ctx := r.Context()
	g, err := i.store.GrantOfFamily(ctx, hashOf(family))
	if err != nil || g.TenantID != f.tenant || g.WorkspaceID != f.workspace || g.ClientID != client.ID {
		return tokenResponse{}, orGrantError(err)
	}
	scopes := g.Scopes
	if f.values["scope"] != "" { // RFC 6749 6: never more than was granted
		if scopes, err = grantScopes(f.values["scope"], g.Scopes, ""); err != nil {
			return tokenResponse{}, err
		}
	}
	next := family + "." + randomToken()
	var expires time.Time
	err = i.store.Tx(ctx, func(tx *store.Tx) (err error) {
		if _, _, expires, err = tx.TakeRefreshToken(ctx, hashOf(token)); err != nil {
			return err
		}
		return tx.AddRefreshToken(ctx, g.TenantID, g.ID, hashOf(next), i.now(), i.now().Add(refreshTTL))
	})
	if errors.Is(err, store.ErrNotFound) {
		return tokenResponse{}, orGrantError(i.usedTwice(r, g, "a refresh token was used twice"))
	}
	if err != nil {
		return tokenResponse{}, err
	}
	if !i.now().Before(expires) {
		return tokenResponse{}, errors.Join(errGrant, i.endGrant(r, g, ""))
	}
	return i.userTokens(r, f, ws, client, g, scopes, "", next)
}

// userTokens mints what a grant entitles to. refresh is the refresh token that was stored for the answer; with "" the grant
// gets its first one, if it may have any.
func (i *Issuer) userTokens(r *http.Request, f form, ws control.Workspace, client control.Client, g store.Grant, scopes []string, nonce, refresh string) (res tokenResponse, err error) {
	ctx := r.Context()
	user, err := i.store.User(ctx, g.TenantID, g.UserID)
	if err != nil {
		return res, orGrantError(err)
	}
	if !mayUse(user, ws) {
		return res, errors.Join(errGrant, i.endGrant(r, g, "the user may not use the workspace any more"))
	}
	resources := g.Resources
	if len(f.resources) > 0 { // RFC 8707 2.2: a subset
		for _, s := range f.resources {
			if len(g.Resources) > 0 && !slices.Contains(g.Resources, s) {
				return res, refuse(errInvalidTarget, "the user was not asked for the resource "+clip(s))
			}
		}
		resources = f.resources
	}
	aud, err := i.audience(ctx, ws, client, scopes, resources)
	if err != nil {
		return res, err
	}
	claims := Claims{Subject: user.ID, ClientID: client.ID, Audience: aud, Scopes: scopes, Attributes: user.Attributes,
		IDP: user.IDPID, AMR: g.Authentication.Methods, ACR: g.Authentication.Class, AuthTime: g.Authentication.At.Unix(), Grant: g.ID}
	if slices.Contains(scopes, "profile") {
		claims.Name, claims.Username = user.Name, user.Username
	}
	if slices.Contains(scopes, "email") {
		claims.Email = user.Email
	}
	token, ttl, err := i.mint(ctx, ws, claims)
	if err != nil {
		return res, err
	}
	res = tokenResponse{AccessToken: token, TokenType: "bearer", ExpiresIn: int64(ttl.Seconds()), Scope: strings.Join(scopes, " ")}
	if slices.Contains(scopes, "openid") {
		if res.IDToken, err = i.mintID(ctx, ws, claims, nonce, g.SessionID); err != nil {
			return res, err
		}
	}
	if res.RefreshToken = refresh; refresh == "" && slices.Contains(g.Scopes, "offline_access") {
		if res.RefreshToken, err = i.firstRefreshToken(ctx, g); err != nil {
			return res, orGrantError(err)
		}
	}
	return res, nil
}

// firstRefreshToken stores the first refresh token of a grant: "{family}.{random}". The family is the same in all tokens
// of the grant, so that one that was spent is told from one that never was.
func (i *Issuer) firstRefreshToken(ctx context.Context, g store.Grant) (string, error) {
	family := randomToken()
	token := family + "." + randomToken()
	return token, i.store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.SetFamily(ctx, g.TenantID, g.ID, hashOf(family)); err != nil {
			return err
		}
		return tx.AddRefreshToken(ctx, g.TenantID, g.ID, hashOf(token), i.now(), i.now().Add(refreshTTL))
	})
}

// usedTwice ends a grant unless its last use was a moment ago. g is as it was before the second use was noticed, or after
// the first: it is read again.
func (i *Issuer) usedTwice(r *http.Request, g store.Grant, why string) error {
	g, err := i.store.Grant(r.Context(), g.TenantID, g.ID)
	if err != nil {
		return orGrantError(err)
	}
	if i.now().Sub(g.UsedAt) < reuseGrace {
		return nil
	}
	return i.endGrant(r, g, why)
}

// endGrant ends a grant with all its refresh tokens; access tokens of it are refused here from now on. why is for the
// audit; empty when nothing is suspicious.
func (i *Issuer) endGrant(r *http.Request, g store.Grant, why string) error {
	ctx := r.Context()
	defer i.good.forget()
	err := i.store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.RemoveGrant(ctx, g.TenantID, g.ID); err != nil {
			return err
		}
		if why == "" {
			return nil
		}
		return tx.Audit(ctx, i.record(r, g, control.Actor{Kind: control.ClientActor, ID: g.ClientID, Name: why}, "tokens", "revoked"))
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil // somebody else ended it
	}
	if err == nil && why != "" {
		i.logger.WarnContext(ctx, "a grant was ended", "reason", why, "grant", g.ID, "client", g.ClientID, "request_id", web.Event(ctx).RequestID)
	}
	return err
}

// orGrantError is err, or errGrant where nothing else went wrong than that something is not there.
func orGrantError(err error) error {
	if err == nil || errors.Is(err, store.ErrNotFound) {
		return errGrant
	}
	return err
}

// randomToken is 256 random bits.
func randomToken() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

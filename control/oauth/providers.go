package oauth

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"portcullis/control"
	"portcullis/control/outbound"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// metadataTTL is how long the metadata of another provider is believed. Its keys are asked for again when a token is
// signed with one that is not known.
const metadataTTL = 10 * time.Minute

// maxProviders bounds the memory; a full one starts anew.
const maxProviders = 1000

// provider is another OpenID provider as its metadata describes it.
type provider struct {
	oidc     *oidc.Provider
	endpoint oauth2.Endpoint
	sendsIss bool // RFC 9207 3
	issuer   string
	settings time.Time
	fetched  time.Time
}

// providers remembers metadata. The zero value is ready.
type providers struct {
	mu    sync.Mutex
	known map[string]*provider // :: tenant, workspace, id → provider
}

// provider asks another provider for its metadata (OpenID Connect Discovery 1.0 4), or remembers it.
func (i *Issuer) provider(ctx context.Context, idp control.IDP) (*provider, error) {
	k, now := idp.TenantID+"/"+idp.WorkspaceID+"/"+idp.ID, i.now()
	i.providers.mu.Lock()
	p := i.providers.known[k]
	i.providers.mu.Unlock()
	if p != nil && p.issuer == idp.OIDC.IssuerURL && p.settings.Equal(idp.UpdatedAt) && now.Sub(p.fetched) < metadataTTL && !now.Before(p.fetched) {
		return p, nil
	}
	// go-oidc compares the issuer of the document with the one that was asked for (4.3).
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, i.admin.Outbound()), idp.OIDC.IssuerURL)
	if err != nil {
		return nil, fmt.Errorf("metadata of %s: %s", idp.OIDC.IssuerURL, clip100(err.Error()))
	}
	var more struct {
		Iss bool `json:"authorization_response_iss_parameter_supported"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, fmt.Errorf("metadata of %s: it is not of its types", idp.OIDC.IssuerURL)
	}
	p = &provider{oidc: found, endpoint: found.Endpoint(), sendsIss: more.Iss, issuer: idp.OIDC.IssuerURL, settings: idp.UpdatedAt, fetched: now}
	p.endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if idp.OIDC.AuthMethod != control.AuthBasic {
		p.endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	// Browsers are sent there: nowhere but to a web address.
	if u, err := url.Parse(p.endpoint.AuthURL); err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && outbound.Loopback(u.Hostname())) {
		return nil, fmt.Errorf("metadata of %s: its authorization_endpoint is not an https:// address", idp.OIDC.IssuerURL)
	}
	i.providers.mu.Lock()
	defer i.providers.mu.Unlock()
	if i.providers.known == nil || len(i.providers.known) >= maxProviders {
		i.providers.known = map[string]*provider{}
	}
	i.providers.known[k] = p
	return p, nil
}

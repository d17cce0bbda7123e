package acp

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"portcullis/edge/scan"
	"portcullis/edge/waist"
)

// Decode reads a configuration document. Unknown members are ignored, as the API's own rules ask; a document that is not
// whole, or does not say whose it is, is refused.
func Decode(raw []byte) (*waist.Configuration, error) {
	cfg, ok := scanned(string(raw))
	if !ok {
		cfg = &waist.Configuration{}
		if err := json.Unmarshal(raw, cfg); err != nil { // also refuses what follows the document
			return nil, fmt.Errorf("the configuration is not readable: %w", err)
		}
	}
	if cfg.TenantID == "" || cfg.ServerID == "" || cfg.IssuerURL == "" {
		return nil, errors.New("the configuration does not name its tenant, workspace and issuer")
	}
	return cfg, nil
}

// The members that scanned knows. A test compares them with the types: one that is missing here would be lost.
var (
	configurationFields = []string{"tenant_id", "server_id", "issuer_url", "jwks_url", "dynamic_scope_separator", "events_per_second", "token_exchange_enabled",
		"apis", "policies", "services", "scopes", "issuer_apis", "issuer_policies", "revision", "generated_at", "jwks", "trusted_issuers"}
	apiFields       = []string{"id", "tenant_id", "server_id", "service_id", "method", "path", "policy_id", "api_type", "can_have_policy", "position", "data_classifications"}
	policyFields    = []string{"id", "tenant_id", "server_id", "policy_name", "language", "type", "definition", "validators", "env_version"}
	validatorFields = []string{"name", "conf", "recovery"}
	serviceFields   = []string{"id", "name", "tenant_id", "authorization_server_id", "gateway_id", "description", "custom_audience", "type", "system", "with_specification", "api_group_id", "api_group_metadata", "audience"}
	metadataFields  = []string{"type", "aws"}
	awsFields       = []string{"api_id", "api_name", "stage", "region", "account"}
	scopeFields     = []string{"id", "name", "with_service", "service"}
	nameFields      = []string{"id", "name"}
	issuerFields    = []string{"issuer_url", "jwks_url", "jwks", "audiences"}
)

// scanned reads a plain document as encoding/json would, in a fraction of its time and memory; ok is false when the
// document is not plain.
func scanned(text string) (cfg *waist.Configuration, ok bool) {
	t := scan.Of(text)
	c := &waist.Configuration{}
	for name := range t.Fields(configurationFields) {
		switch name {
		case "tenant_id":
			c.TenantID = t.String()
		case "server_id":
			c.ServerID = t.String()
		case "issuer_url":
			c.IssuerURL = t.String()
		case "jwks_url":
			c.JWKSURL = t.String()
		case "dynamic_scope_separator":
			c.DynamicScopeSeparator = t.String()
		case "events_per_second":
			c.EventsPerSecond = int(t.Int())
		case "token_exchange_enabled":
			c.TokenExchangeEnabled = t.Bool()
		case "apis":
			c.APIs = list(t, scanAPI)
		case "policies":
			c.Policies = list(t, scanPolicy)
		case "services":
			c.Services = list(t, scanService)
		case "scopes":
			c.Scopes = list(t, scanScope)
		case "issuer_apis":
			c.IssuerAPIs = list(t, scanAPI)
		case "issuer_policies":
			c.IssuerPolicies = list(t, scanPolicy)
		case "revision":
			c.Revision = t.Int()
		case "generated_at":
			if c.GeneratedAt.UnmarshalJSON([]byte(t.Raw())) != nil {
				t.Fail()
			}
		case "jwks":
			c.JWKS = json.RawMessage(t.Raw())
		case "trusted_issuers":
			c.TrustedIssuers = list(t, scanIssuer)
		}
	}
	return c, t.Done()
}

// list reads an array of objects; null is nil.
func list[T any](t *scan.Text, read func(*scan.Text, *T)) []T {
	if t.Null() {
		return nil
	}
	out := []T{}
	for range t.Elements() {
		if len(out) == cap(out) { // append would grow a long list in many small steps
			out = slices.Grow(out, max(4, len(out)))
		}
		out = out[:len(out)+1]
		read(t, &out[len(out)-1])
	}
	return out
}

func scanAPI(t *scan.Text, a *waist.API) {
	for name := range t.Fields(apiFields) {
		switch name {
		case "id":
			a.ID = t.String()
		case "tenant_id":
			a.TenantID = t.String()
		case "server_id":
			a.ServerID = t.String()
		case "service_id":
			a.ServiceID = t.String()
		case "method":
			a.Method = t.String()
		case "path":
			a.Path = t.String()
		case "policy_id":
			a.PolicyID = t.String()
		case "api_type":
			a.APIType = t.String()
		case "can_have_policy":
			a.CanHavePolicy = t.Bool()
		case "position":
			a.Position = int(t.Int())
		case "data_classifications":
			a.DataClassifications = t.Strings()
		}
	}
}

func scanPolicy(t *scan.Text, p *waist.Policy) {
	for name := range t.Fields(policyFields) {
		switch name {
		case "id":
			p.ID = t.String()
		case "tenant_id":
			p.TenantID = t.String()
		case "server_id":
			p.ServerID = t.String()
		case "policy_name":
			p.PolicyName = t.String()
		case "language":
			p.Language = t.String()
		case "type":
			p.Type = t.String()
		case "definition":
			p.Definition = t.String()
		case "validators":
			p.Validators = list(t, scanValidator)
		case "env_version":
			p.EnvVersion = t.String()
		}
	}
}

func scanValidator(t *scan.Text, v *waist.Validator) {
	for name := range t.Fields(validatorFields) {
		switch name {
		case "name":
			v.Name = t.String()
		case "conf":
			v.Conf = json.RawMessage(t.Raw())
		case "recovery":
			v.Recovery = list(t, func(t *scan.Text, r *waist.Recovery) {
				for range t.Fields([]string{"type"}) {
					r.Type = t.String()
				}
			})
		}
	}
}

func scanService(t *scan.Text, s *waist.ConnectedService) {
	for name := range t.Fields(serviceFields) {
		switch name {
		case "id":
			s.ID = t.String()
		case "name":
			s.Name = t.String()
		case "tenant_id":
			s.TenantID = t.String()
		case "authorization_server_id":
			s.AuthorizationServerID = t.String()
		case "gateway_id":
			s.GatewayID = t.String()
		case "description":
			s.Description = t.String()
		case "custom_audience":
			s.CustomAudience = t.String()
		case "type":
			s.Type = t.String()
		case "system":
			s.System = t.Bool()
		case "with_specification":
			s.WithSpecification = t.Bool()
		case "api_group_id":
			s.APIGroupID = t.String()
		case "api_group_metadata":
			scanMetadata(t, &s.APIGroupMetadata)
		case "audience":
			s.Audience = t.String()
		}
	}
}

func scanMetadata(t *scan.Text, m *waist.GroupMetadata) {
	for name := range t.Fields(metadataFields) {
		if name == "type" {
			m.Type = t.String()
			continue
		}
		if t.Null() {
			continue
		}
		m.AWS = &waist.AWSMetadata{}
		for name := range t.Fields(awsFields) {
			switch name {
			case "api_id":
				m.AWS.APIID = t.String()
			case "api_name":
				m.AWS.APIName = t.String()
			case "stage":
				m.AWS.Stage = t.String()
			case "region":
				m.AWS.Region = t.String()
			case "account":
				m.AWS.Account = t.String()
			}
		}
	}
}

func scanScope(t *scan.Text, s *waist.Scope) {
	for name := range t.Fields(scopeFields) {
		switch name {
		case "id":
			s.ID = t.String()
		case "name":
			s.Name = t.String()
		case "with_service":
			s.WithService = t.Bool()
		case "service":
			if t.Null() {
				continue
			}
			s.Service = &waist.ScopeService{}
			for name := range t.Fields(nameFields) {
				if name == "id" {
					s.Service.ID = t.String()
				} else {
					s.Service.Name = t.String()
				}
			}
		}
	}
}

func scanIssuer(t *scan.Text, i *waist.TrustedIssuer) {
	for name := range t.Fields(issuerFields) {
		switch name {
		case "issuer_url":
			i.IssuerURL = t.String()
		case "jwks_url":
			i.JWKSURL = t.String()
		case "jwks":
			i.JWKS = json.RawMessage(t.Raw())
		case "audiences":
			i.Audiences = t.Strings()
		}
	}
}

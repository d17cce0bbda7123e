package portal

import (
	"net/http"
	"slices"
	"strings"

	"portcullis/control"
	"portcullis/edge/waist"
)

// trustedForm is a trusted issuer as it is typed, and what the page shows besides.
type trustedForm struct {
	list              []waist.TrustedIssuer
	issuer, jwks, aud string
	found             *control.IssuerMetadata
	removing          string
	errs              formErrors
}

func (p *portal) trustedIssuers(r *request) error {
	return p.renderTrusted(r, http.StatusOK, trustedForm{removing: r.query("remove")})
}

func (p *portal) renderTrusted(r *request, status int, v trustedForm) error {
	var err error
	if v.list, err = p.admin.ListTrustedIssuers(r.ctx(), r.actor, r.wid()); err != nil {
		return err
	}
	if !slices.ContainsFunc(v.list, func(t waist.TrustedIssuer) bool { return t.IssuerURL == v.removing }) {
		v.removing = ""
	}
	return r.render(status, trustedView(r.frame("Trusted issuers", "users"), v))
}

// addTrusted fetches the metadata of the issuer that was typed, or adds it to the list.
func (p *portal) addTrusted(r *request) error {
	v := trustedForm{issuer: r.value("issuer_url"), jwks: r.value("jwks_url"), aud: r.value("audiences")}
	refuse := func(err error) error {
		status, errs, ok := formProblem(err, "issuer_url", "jwks_url", "audiences")
		if !ok {
			return err
		}
		v.errs = errs
		return p.renderTrusted(r, status, v)
	}
	if r.value("do") == "check" {
		found, err := p.admin.FetchIssuer(r.ctx(), r.actor, r.wid(), v.issuer)
		if err != nil {
			return refuse(err)
		}
		v.found, v.jwks = &found, found.JWKSURL
		return p.renderTrusted(r, http.StatusOK, v)
	}
	list, err := p.admin.ListTrustedIssuers(r.ctx(), r.actor, r.wid())
	if err != nil {
		return err
	}
	added := waist.TrustedIssuer{IssuerURL: v.issuer, JWKSURL: v.jwks, Audiences: strings.FieldsFunc(v.aud, func(c rune) bool { return c == ',' || c == ' ' || c == '\n' || c == '\r' })}
	if err := control.ValidateTrustedIssuers([]waist.TrustedIssuer{added}); err != nil { // with the names that this form's fields have
		return refuse(unindexed(err))
	}
	if _, err := p.admin.SetTrustedIssuers(r.ctx(), r.actor, r.wid(), append(list, added)); err != nil {
		return refuse(err)
	}
	return r.done(in(r.wid(), "trusted-issuers"), "issuer-trusted")
}

// unindexed takes "trusted_issuers[0]." off the names of fields.
func unindexed(err error) error {
	e, ok := err.(*control.Error)
	if !ok {
		return err
	}
	out := *e
	out.Fields = map[string]string{}
	for name, problem := range e.Fields {
		out.Fields[strings.TrimPrefix(name, "trusted_issuers[0].")] = problem
	}
	return &out
}

func (p *portal) removeTrusted(r *request) error {
	list, err := p.admin.ListTrustedIssuers(r.ctx(), r.actor, r.wid())
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(list, func(t waist.TrustedIssuer) bool { return t.IssuerURL == r.value("issuer_url") })
	if _, err := p.admin.SetTrustedIssuers(r.ctx(), r.actor, r.wid(), left); err != nil {
		return err
	}
	return r.done(in(r.wid(), "trusted-issuers"), "issuer-removed")
}

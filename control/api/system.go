package api

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"portcullis/control"
	"portcullis/control/web"
	"portcullis/edge/waist"
)

// getConfiguration is the poll of an authorizer: 304 when its ETag is still the current one (RFC 9110 13.1.2).
func (a *API) getConfiguration(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	q := r.URL.Query()
	for _, p := range []string{"tenant_id", "server_id"} {
		if q.Get(p) != "" {
			return control.Errorf(control.NotFound, "", "%s selects another tenant's configuration, which this server does not have; leave it out", p)
		}
	}
	poll := control.GatewayPoll{
		ETag:              entityTag(r.Header.Get("If-None-Match")),
		Environment:       clip(r.Header.Get(waist.HeaderEnvironment), 64),
		Version:           clip(r.Header.Get(waist.HeaderVersion), 64),
		AuthorizerVersion: clip(q.Get("authorizer_version"), 64),
		Revision:          number(r.Header.Get(waist.HeaderRevision)),
		AgeSeconds:        number(r.Header.Get(waist.HeaderAge)),
		Sign:              r.Header.Get(waist.HeaderSign) == "true",
	}
	answer, err := a.Admin.ConfigurationJSON(r.Context(), actor, poll)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", answer.ETag)
	w.Header().Set("Cache-Control", "private, no-cache")
	for _, s := range answer.Signatures {
		w.Header().Add(waist.HeaderSignature, s)
	}
	if answer.JSON == nil {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer.JSON)))
	w.Write(answer.JSON)
	return nil
}

func (a *API) setInventory(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in waist.Inventory
	if err := web.DecodeJSONLenient(r, &in, maxInventory); err != nil {
		return no400(err)
	}
	res, err := a.Admin.SetInventory(r.Context(), actor, in)
	if err != nil {
		return no400(err)
	}
	return reply(w, http.StatusOK, res)
}

func (a *API) pushRequests(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in waist.RequestEvents
	if err := web.DecodeJSONLenient(r, &in, maxEvents); err != nil {
		return err
	}
	if len(in.Events) > waist.MaxEventsPerPush {
		return invalid("events", "has more than "+strconv.Itoa(waist.MaxEventsPerPush)+" entries; send them in several requests")
	}
	if in.Dropped > 0 {
		a.Logger.WarnContext(r.Context(), "an authorizer decided more than it could report", "client_id", actor.ID, "dropped", in.Dropped)
	}
	n, err := a.Analytics.Ingest(r.Context(), actor, in)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, waist.RequestEventsResult{NumberOfPushedEvents: n})
}

// introspect answers about a token of the workspace that the caller's gateway protects (RFC 7662 2.2). A token of any
// other workspace is not active.
func (a *API) introspect(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	if a.Introspect == nil {
		return control.Errorf(control.NotImplemented, "", "introspection is not part of this server")
	}
	wid, err := a.Admin.ProtectedWorkspace(r.Context(), actor)
	if err != nil {
		return err
	}
	form, err := tokenForm(r, "token")
	if err != nil {
		return err
	}
	res, err := a.Introspect(r.Context(), actor.TenantID, wid, form.Get("token"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, res)
}

// tokenForm reads a form with one token in a field.
func tokenForm(r *http.Request, field string) (url.Values, error) {
	if mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mt != "application/x-www-form-urlencoded" {
		return nil, control.Errorf(control.Malformed, "content_type", "the body must be application/x-www-form-urlencoded with the field %s", field)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return nil, control.Errorf(control.Malformed, "", "the body could not be read to its end; send it again")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form[field]) != 1 || form.Get(field) == "" {
		return nil, invalid(field, "is missing or comes twice")
	}
	return form, nil
}

// exchange gives a token of the workspace for one of an identity provider that the caller's gateway trusts. What a token is
// worth is in the answer, not in the status.
func (a *API) exchange(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	if a.Exchange == nil {
		return control.Errorf(control.NotImplemented, "", "token exchange is not part of this server")
	}
	x, err := a.Admin.TokenExchange(r.Context(), actor)
	if err != nil {
		return err
	}
	form, err := tokenForm(r, "subject_token")
	if err != nil {
		return err
	}
	if s := form.Get("request_scopes"); s != "" && s != "original_token" {
		return invalid("request_scopes", "must be original_token: a gateway has no client in the workspace whose scopes could be meant")
	}
	res, err := a.Exchange(r.Context(), x, form.Get("subject_token"))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store") // RFC 6749 5.1
	return reply(w, http.StatusOK, res)
}

// entityTag is the first entity tag of an If-None-Match header, without the weakness mark that a proxy may add.
func entityTag(header string) string {
	tag, _, _ := strings.Cut(header, ",")
	return strings.TrimPrefix(strings.TrimSpace(tag), "W/")
}

// number reads a non-negative decimal; anything else is 0: these headers inform, they decide nothing.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}

package api

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/api/openapi"
	"portcullis/control/web"
)

// gateway is openapi.Gateway over the noun. Tokens are exchanged in the name of its own client: there is no other.
type gateway struct {
	control.Gateway
	TokenExchangeClientID string `json:"token_exchange_client_id"`
}

// gatewayWithClient is openapi.GatewayWithClient, what SETTINGS shows: the client with its secret and the issuer URL.
type gatewayWithClient struct {
	gateway
	Client    client `json:"client"`
	IssuerURL string `json:"issuer_url"`
	ServerURL string `json:"server_url"`
}

func (a *API) gatewayWithClientOf(g control.GatewayWithClient) gatewayWithClient {
	return gatewayWithClient{gateway{Gateway: g.Gateway}, a.clientOf(g.Client, g.ClientSecret), g.IssuerURL, g.ServerURL}
}

func (a *API) listGateways(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	all, err := a.Admin.ListGateways(r.Context(), actor, r.PathValue("wid"))
	if err != nil {
		return err
	}
	out := struct {
		Gateways []gateway `json:"gateways"`
	}{make([]gateway, 0, len(all))}
	for _, g := range all {
		out.Gateways = append(out.Gateways, gateway{Gateway: g.Gateway})
	}
	return reply(w, http.StatusOK, out)
}

func (a *API) createGateway(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in control.GatewayCreate
	if _, err := decode[openapi.CreateGatewayRequest](r, &in, web.Contract{}); err != nil {
		return no400(err)
	}
	g, err := a.Admin.CreateGateway(r.Context(), actor, in)
	if err != nil {
		return no400(err)
	}
	w.Header().Set("ETag", gatewayTag(g.Gateway))
	return reply(w, http.StatusCreated, a.gatewayWithClientOf(g))
}

// gatewayTag is the ETag of a gateway: of what its own operations change, not of its client.
func gatewayTag(g control.Gateway) string {
	g.LastActive = time.Time{} // a poll is no change of the gateway
	return etag(gateway{Gateway: g})
}

func (a *API) gatewayNow(r *http.Request, actor control.Actor) (any, error) {
	g, err := a.Admin.GetGateway(r.Context(), actor, r.PathValue("gw"))
	g.LastActive = time.Time{} // a poll is no change of the gateway
	return gateway{Gateway: g.Gateway}, err
}

// getGateway shows the secret of the gateway's client to who may read secrets; that it was read is in the audit.
func (a *API) getGateway(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	g, err := a.Admin.GetGateway(r.Context(), actor, r.PathValue("gw"))
	if err != nil {
		return err
	}
	if g.ClientSecret, err = a.Admin.ClientSecret(r.Context(), actor, g.ClientID); err != nil && control.KindOf(err) != control.Forbidden {
		return err
	}
	w.Header().Set("ETag", gatewayTag(g.Gateway))
	return reply(w, http.StatusOK, a.gatewayWithClientOf(g))
}

func (a *API) updateGateway(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in control.Gateway
	said, err := decode[openapi.UpdateGatewayRequest](r, &in, web.Contract{Answers: []any{openapi.GatewayWithClient{}}})
	if err != nil {
		return err
	}
	if err := sameTenant(&in.TenantID, r); err != nil {
		return err
	}
	if err := sameID(&in.ID, "id", r.PathValue("gw")); err != nil {
		return err
	}
	if in.Type != "" {
		now, err := a.Admin.GetGateway(r.Context(), actor, in.ID)
		if err != nil {
			return err
		}
		if in.Type != now.Type {
			return invalid("type", fmt.Sprintf("of a gateway cannot change; it is %q", now.Type))
		}
	}
	if r, err = precondition(r, actor, a.gatewayNow); err != nil {
		return err
	}
	u := control.GatewayUpdate{Name: in.Name, Description: in.Description, DefaultPolicyID: in.DefaultPolicyID}
	if said.TokenExchange != nil {
		u.TokenExchange = &in.TokenExchange
	}
	g, err := a.Admin.UpdateGateway(r.Context(), actor, in.ID, u)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", gatewayTag(g))
	return reply(w, http.StatusOK, gateway{Gateway: g})
}

func (a *API) deleteGateway(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	r, err := precondition(r, actor, a.gatewayNow)
	if err != nil {
		return err
	}
	if err := a.Admin.DeleteGateway(r.Context(), actor, r.PathValue("gw")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) listGroups(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	groups, err := a.Admin.ListGroups(r.Context(), actor, r.PathValue("gw"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct {
		Groups []control.APIGroup `json:"groups"`
	}{groups})
}

func (a *API) bindGroup(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in openapi.BindGroupToServiceRequest
	if err := web.DecodeJSON(r, &in, maxBody); err != nil {
		return err
	}
	if in.ServiceID == "" {
		return invalid("service_id", "is missing; name the service to connect the API group to")
	}
	res, err := a.Admin.BindGroup(r.Context(), actor, r.PathValue("gw"), r.PathValue("apiGroup"), in.ServiceID)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, res)
}

func (a *API) unbindGroup(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	res, err := a.Admin.UnbindGroup(r.Context(), actor, r.PathValue("gw"), r.PathValue("apiGroup"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, res)
}

// getPackage is the authorizer's zip: the same for every gateway, its settings come from the function's environment.
// arch is Lambda's name of the architecture; x86_64 without it, as in Lambda itself.
func (a *API) getPackage(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	if _, err := a.Admin.GetGateway(r.Context(), actor, r.PathValue("gw")); err != nil {
		return err
	}
	arch := r.URL.Query().Get("arch")
	if arch == "" {
		arch = "x86_64"
	}
	zip, sum, err := a.Packages.Open(arch)
	if err != nil {
		return err
	}
	digest, err := hex.DecodeString(sum)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("ETag", `"`+sum+`"`)
	h.Set("Cache-Control", "private, no-cache")
	// Digest is RFC 3230's name, Repr-Digest that of its successor (RFC 9530 3).
	h.Set("Digest", "sha-256="+base64.StdEncoding.EncodeToString(digest))
	h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(digest)+":")
	if match := r.Header.Get("If-None-Match"); match != "" && strings.Contains(match, sum) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="portcullis-authorizer-`+arch+`.zip"`)
	h.Set("Content-Length", strconv.Itoa(len(zip)))
	w.Write(zip)
	return nil
}

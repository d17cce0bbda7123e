package portal

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/edge/waist"
)

func (p *portal) gateways(r *request) error {
	list, err := p.admin.ListGateways(r.ctx(), r.actor, r.wid())
	if err != nil {
		return err
	}
	return r.render(http.StatusOK, gatewaysView(r.frame("Gateways", "apis"), clock{p.now()}, list))
}

// gatewayByID finds a gateway, which must be one of the workspace.
func (r *request) gatewayByID(id string) (control.GatewayWithClient, error) {
	gw, err := r.p.admin.GetGateway(r.ctx(), r.actor, id)
	if err == nil && gw.WorkspaceID != r.wid() {
		err = control.Errorf(control.NotFound, "", "There is no gateway %q in this workspace.", clip(id, 64))
	}
	return gw, err
}

// gateway is the gateway of the address.
func (r *request) gateway() (control.GatewayWithClient, error) {
	return r.gatewayByID(r.PathValue("gateway"))
}

func (p *portal) newGateway(r *request) error {
	if err := r.needManager(); err != nil {
		return err
	}
	return p.renderNewGateway(r, http.StatusOK, gatewayForm{})
}

func (p *portal) renderNewGateway(r *request, status int, v gatewayForm) error {
	var err error
	if v.policies, err = p.admin.ListPolicies(r.ctx(), r.actor, r.wid(), apiPolicyTypes); err != nil {
		return err
	}
	return r.render(status, newGatewayView(r.frame("Add gateway", "apis"), v))
}

func (p *portal) createGateway(r *request) error {
	v := gatewayForm{name: r.value("name"), description: r.value("description"), policy: r.value("default_policy_id"), autoBind: r.value("auto_bind") != ""}
	gw, err := p.admin.CreateGateway(r.ctx(), r.actor, control.GatewayCreate{
		WorkspaceID: r.wid(), Name: v.name, Description: v.description, Type: r.value("type"), AutoBind: v.autoBind, DefaultPolicyID: v.policy,
	})
	if err != nil {
		status, errs, ok := formProblem(err, "name", "description", "default_policy_id")
		if !ok {
			return err
		}
		v.errs = errs
		return p.renderNewGateway(r, status, v)
	}
	return r.done(in(r.wid(), "gateways", gw.ID, "quick-start"), "gateway-created")
}

// gatewayHome opens the tab of Gateway Management that is of use: QUICK START until the authorizer has attached itself.
func (p *portal) gatewayHome(r *request) error {
	gw, err := r.gateway()
	if err != nil {
		return err
	}
	tab := "apis"
	if gw.FirstAttached.IsZero() {
		tab = "quick-start"
	}
	r.seeOther(in(r.wid(), "gateways", gw.ID, tab))
	return nil
}

// gatewayPackage is DOWNLOAD AUTHORIZER.
func (p *portal) gatewayPackage(r *request) error {
	if _, err := r.gateway(); err != nil {
		return err
	}
	arch := r.query("arch")
	if arch != "arm64" && arch != "x86_64" {
		return control.Errorf(control.Malformed, "", "There is an authorizer for arm64 and for x86_64, none for %q.", clip(arch, 32))
	}
	zip, sum, err := p.packages.Open(arch)
	if err != nil {
		return err
	}
	h := r.w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s"`, packageFile(arch)))
	h.Set("ETag", `"`+sum+`"`)
	http.ServeContent(r.w, r.Request, "", time.Time{}, bytes.NewReader(zip))
	return nil
}

func packageFile(arch string) string { return "authorizer-" + arch + ".zip" }

func (p *portal) gatewaySettings(r *request) error {
	gw, err := r.gateway()
	if err != nil {
		return err
	}
	v := gatewaySettingsPage{gateway: gw, form: formOf(gw.Gateway)}
	if ask := r.query("ask"); ask == "rotate" || ask == "delete" {
		if err := r.needManager(); err != nil {
			return err
		}
		v.popup = ask
	}
	if v.popup == "delete" {
		groups, err := p.admin.ListGroups(r.ctx(), r.actor, gw.ID)
		if err != nil {
			return err
		}
		v.groups = len(groups)
		for _, g := range groups {
			if g.ServiceID != "" {
				v.services++
			}
		}
	}
	return p.renderGatewaySettings(r, http.StatusOK, v)
}

func formOf(g control.Gateway) gatewayForm {
	return gatewayForm{name: g.Name, description: g.Description, policy: g.DefaultPolicyID, autoBind: g.AutoBind}
}

func (p *portal) renderGatewaySettings(r *request, status int, v gatewaySettingsPage) error {
	var err error
	if v.form.policies, err = p.admin.ListPolicies(r.ctx(), r.actor, r.wid(), apiPolicyTypes); err != nil {
		return err
	}
	return r.render(status, gatewaySettingsView(r.frame("Gateway settings", "apis"), clock{p.now()}, v))
}

func (p *portal) saveGateway(r *request) error {
	gw, err := r.gateway()
	if err != nil {
		return err
	}
	form := gatewayForm{name: r.value("name"), description: r.value("description"), policy: r.value("default_policy_id"), autoBind: r.value("auto_bind") != ""}
	_, err = p.admin.UpdateGateway(r.ctx(), r.actor, gw.ID, control.GatewayUpdate{Name: form.name, Description: form.description, DefaultPolicyID: form.policy,
		AutoBind: &form.autoBind})
	if err != nil {
		status, errs, ok := formProblem(err, "name", "description", "default_policy_id")
		if !ok {
			return err
		}
		form.errs = errs
		return p.renderGatewaySettings(r, status, gatewaySettingsPage{gateway: gw, form: form})
	}
	return r.done(in(r.wid(), "gateways", gw.ID, "settings"), "gateway-saved")
}

// showGatewaySecret answers the POST itself: a secret is never in an address, and a page that shows one is not one that
// a browser comes back to.
func (p *portal) showGatewaySecret(r *request) error {
	gw, err := r.gateway()
	if err != nil {
		return err
	}
	secret, err := p.admin.ClientSecret(r.ctx(), r.actor, gw.ClientID)
	if err != nil {
		return err
	}
	if plain(r) {
		return r.plainText(secret)
	}
	return p.renderGatewaySettings(r, http.StatusOK, gatewaySettingsPage{gateway: gw, form: formOf(gw.Gateway), secret: secret})
}

func (p *portal) rotateGatewaySecret(r *request) error {
	gw, err := r.gateway()
	if err != nil {
		return err
	}
	secret, err := p.admin.RotateClientSecret(r.ctx(), r.actor, gw.ClientID)
	if err != nil {
		return err
	}
	return p.renderGatewaySettings(r, http.StatusOK, gatewaySettingsPage{gateway: gw, form: formOf(gw.Gateway), secret: secret, rotated: true})
}

// plain reports whether a script asks for the bare value, to put it on the clipboard without showing it.
func plain(r *request) bool { return r.Header.Get("Accept") == "text/plain" }

func (r *request) plainText(s string) error {
	r.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := r.w.Write([]byte(s))
	return err
}

func (p *portal) deleteGateway(r *request) error {
	gw, err := r.gateway()
	if err != nil {
		return err
	}
	if err := p.admin.DeleteGateway(r.ctx(), r.actor, gw.ID); err != nil {
		return err
	}
	return r.done(in(r.wid(), "gateways"), "gateway-deleted")
}

// newService is the choice of the service drop-down that makes one.
const newService = "+new"

// gatewayGroups is the APIS tab. The query opens a popup: connect (a group, to a new service) or unbind (a group).
func (p *portal) gatewayGroups(r *request) error {
	gw, err := r.gateway()
	if err != nil {
		return err
	}
	if r.query("connect") != "" || r.query("unbind") != "" {
		if err := r.needManager(); err != nil {
			return err
		}
	}
	return p.renderGroups(r, http.StatusOK, groupsPage{gateway: gw}, r.query("connect"), r.query("unbind"))
}

func (p *portal) renderGroups(r *request, status int, v groupsPage, connect, unbind string) error {
	var err error
	if v.groups, err = p.admin.ListGroups(r.ctx(), r.actor, v.gateway.ID); err != nil {
		return err
	}
	if v.services, err = p.admin.ListServices(r.ctx(), r.actor, r.wid()); err != nil {
		return err
	}
	seen, err := p.admin.ListEnvironments(r.ctx(), r.actor, v.gateway.ID)
	if err != nil {
		return err
	}
	for _, e := range seen {
		v.envs = append(v.envs, environment{id: e.ID, version: nameOr(e.AuthorizerVersion, e.Version), revision: e.Revision, seen: e.SeenAt})
	}
	v.revision = r.workspace.Revision
	v.names = make(map[string]string, len(v.services))
	for _, s := range v.services {
		v.names[s.ID] = s.Name
	}
	for i := range v.groups {
		g := &v.groups[i]
		switch {
		case g.ID == connect && g.ServiceID == "":
			v.connect = g
			if v.name == "" && v.errs.whole() == "" {
				v.name = g.Name
			}
		case g.ID == unbind && g.ServiceID != "":
			v.unbind = g
		}
	}
	return r.render(status, groupsView(r.frame("API groups", "apis"), clock{p.now()}, v))
}

func (p *portal) bindGroup(r *request) error {
	gw, err := r.gateway()
	if err != nil {
		return err
	}
	group, service := r.PathValue("group"), r.value("service")
	back := in(r.wid(), "gateways", gw.ID, "apis")
	v := groupsPage{gateway: gw, failed: group, name: r.value("name"), description: r.value("description")}
	connect := ""
	switch {
	case service == "":
		v.errs.text = "Choose a service."
		return p.renderGroups(r, http.StatusUnprocessableEntity, v, "", "")
	case service == newService && !r.PostForm.Has("name"):
		r.seeOther(with(back, "connect", group))
		return nil
	case service == newService:
		connect = group
		_, err = p.admin.BindGroupToNewService(r.ctx(), r.actor, gw.ID, group, control.Service{WorkspaceID: r.wid(), Name: v.name, Description: v.description})
	default:
		_, err = p.admin.BindGroup(r.ctx(), r.actor, gw.ID, group, service)
	}
	if err != nil {
		status, errs, ok := formProblem(err, "name", "description")
		if !ok {
			return err
		}
		v.errs = errs
		return p.renderGroups(r, status, v, connect, "")
	}
	return r.done(back, "group-bound")
}

func (p *portal) unbindGroup(r *request) error {
	gw, err := r.gateway()
	if err != nil {
		return err
	}
	if _, err := p.admin.UnbindGroup(r.ctx(), r.actor, gw.ID, r.PathValue("group")); err != nil {
		return err
	}
	return r.done(in(r.wid(), "gateways", gw.ID, "apis"), "group-unbound")
}

// groupPlace says where in AWS a group lives.
func groupPlace(g control.APIGroup) string {
	if g.Metadata.AWS == nil {
		return g.ID
	}
	parts := []string{"REST API " + g.Metadata.AWS.APIID, "stage " + g.Metadata.AWS.Stage}
	if g.Metadata.AWS.Region != "" {
		parts = append(parts, g.Metadata.AWS.Region)
	}
	return strings.Join(parts, " · ")
}

// groupState is what a group's methods add up to.
type groupState struct{ kind, symbol, text string }

// groupStateOf reads the gateway's last report. A bound group is enforced only when every method but OPTIONS has our
// authorizer in front, deployed; anything not reported is said to be so.
func groupStateOf(g control.APIGroup) groupState {
	switch {
	case g.Gone:
		return groupState{"bad", "warn", "Gone from AWS"}
	case g.ServiceID == "":
		return groupState{"", "ring", "Not connected"}
	}
	var missing, other, undeployed, unreported int
	for _, a := range g.APIs {
		switch {
		case a.Method == "OPTIONS":
		case a.Authorizer == "":
			unreported++
		case a.Authorizer == waist.AuthorizerNone:
			missing++
		case a.Authorizer == waist.AuthorizerOther:
			other++
		case a.Deployed != nil && !*a.Deployed:
			undeployed++
		}
	}
	switch {
	case unreported > 0 && missing+other+undeployed == 0:
		return groupState{"info", "link", "Connected"}
	case missing > 0:
		return groupState{"warn", "warn", count(missing, "method", "methods") + " not attached"}
	case other > 0:
		return groupState{"warn", "warn", count(other, "method has", "methods have") + " another authorizer"}
	case undeployed > 0:
		return groupState{"warn", "warn", "Needs Deploy API"}
	}
	return groupState{"good", "shield", "Enforced"}
}

// waitsFor says why a connected group is not attached yet although nothing is wrong with it: the methods of a REST API are
// shared by its stages, and the authorizer attaches itself when every deployed stage is connected (decision 0010). Empty
// when that is not the reason.
func waitsFor(g control.APIGroup, groups []control.APIGroup) string {
	if g.ServiceID == "" || g.Gone || g.Metadata.AWS == nil {
		return ""
	}
	for _, a := range g.APIs {
		if a.Authorizer == waist.AuthorizerOurs {
			return ""
		}
	}
	var stages []string
	for _, other := range groups {
		if m := other.Metadata.AWS; m != nil && other.ServiceID == "" && !other.Gone && m.APIID == g.Metadata.AWS.APIID && m.Region == g.Metadata.AWS.Region {
			stages = append(stages, m.Stage)
		}
	}
	switch len(stages) {
	case 0:
		return ""
	case 1:
		return "Waits for stage " + stages[0] + " of the same REST API: connect it too, or set AWS_ATTACH_UNBOUND_STAGES=true on the function."
	}
	return "Waits for stages " + strings.Join(stages, ", ") + " of the same REST API: connect them too, or set AWS_ATTACH_UNBOUND_STAGES=true on the function."
}

// current counts the environments that enforce the revision.
func current(list []environment, revision int64) int {
	n := 0
	for _, e := range list {
		if e.revision >= revision {
			n++
		}
	}
	return n
}

// deployCommands deploy the stages whose methods were edited and not deployed since; a line each.
func deployCommands(groups []control.APIGroup) string {
	var lines []string
	for _, g := range groups {
		if aws := g.Metadata.AWS; aws != nil && needsDeploy(g) {
			line := "aws apigateway create-deployment --rest-api-id " + aws.APIID + " --stage-name " + aws.Stage
			if aws.Region != "" {
				line += " --region " + aws.Region
			}
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func needsDeploy(g control.APIGroup) bool {
	for _, a := range g.APIs {
		if a.Deployed != nil && !*a.Deployed && !g.Gone {
			return true
		}
	}
	return false
}

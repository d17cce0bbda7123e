package portal

import (
	"encoding/csv"
	"strings"
	"time"

	"portcullis/edge/waist"
)

// Every table of the portal is also a file: its address with .csv behind it. The first row names the columns.

// sendCSV answers with a table as a file; cells with what came from elsewhere go through cell first.
func (r *request) sendCSV(name string, rows [][]string) error {
	r.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	r.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	return csv.NewWriter(r.w).WriteAll(rows)
}

// cell keeps a spreadsheet from taking what a gateway has sent for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// stamp is a moment in a cell; empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func (p *portal) applicationsCSV(r *request) error {
	list, err := p.admin.ListClients(r.ctx(), r.actor, r.wid())
	if err != nil {
		return err
	}
	rows := [][]string{{"client_id", "client_name", "description", "status", "grant_types", "scopes", "auth_method", "created_at"}}
	for _, c := range list {
		rows = append(rows, []string{cell(c.ID), cell(c.Name), cell(c.Description), c.Status, strings.Join(c.GrantTypes, " "), cell(strings.Join(c.Scopes, " ")), c.AuthMethod, stamp(c.CreatedAt)})
	}
	return r.sendCSV("applications-"+r.wid(), rows)
}

func (p *portal) scopesCSV(r *request) error {
	list, err := p.admin.ListScopes(r.ctx(), r.actor, r.wid())
	if err != nil {
		return err
	}
	rows := [][]string{{"scope", "display_name", "description"}}
	for _, s := range list {
		rows = append(rows, []string{cell(s.Name), cell(s.DisplayName), cell(s.Description)})
	}
	return r.sendCSV("scopes-"+r.wid(), rows)
}

func (p *portal) gatewaysCSV(r *request) error {
	list, err := p.admin.ListGateways(r.ctx(), r.actor, r.wid())
	if err != nil {
		return err
	}
	rows := [][]string{{"gateway_id", "name", "type", "client_id", "groups", "connected_groups", "last_active"}}
	for _, g := range list {
		rows = append(rows, []string{g.ID, cell(g.Name), g.Type, g.ClientID, itoa(g.Groups), itoa(g.BoundGroups), stamp(g.LastActive)})
	}
	return r.sendCSV("gateways-"+r.wid(), rows)
}

// groupsCSV is the API groups of a gateway, one row for each of their methods.
func (p *portal) groupsCSV(r *request) error {
	gw, err := r.gateway()
	if err != nil {
		return err
	}
	groups, err := p.admin.ListGroups(r.ctx(), r.actor, gw.ID)
	if err != nil {
		return err
	}
	services, err := p.admin.ListServices(r.ctx(), r.actor, r.wid())
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, s := range services {
		names[s.ID] = s.Name
	}
	rows := [][]string{{"group_id", "group", "state", "service", "method", "path", "in_front", "last_seen"}}
	for _, g := range groups {
		apis := g.APIs
		if len(apis) == 0 {
			apis = []waist.GatewayAPI{{}} // a group without methods has its row as well
		}
		for _, a := range apis {
			rows = append(rows, []string{cell(g.ID), cell(g.Name), groupStateOf(g).text, cell(names[g.ServiceID]), cell(a.Method), cell(a.Path), a.Authorizer, stamp(g.LastSeen)})
		}
	}
	return r.sendCSV("groups-"+gw.ID, rows)
}

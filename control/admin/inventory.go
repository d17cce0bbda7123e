package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
	"unicode"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/waist"
)

// The bounds of one inventory.
const (
	maxGroups = 5_000
	maxAPIs   = 300_000 // 600 REST APIs of 300 resources, most of them with one or two methods
)

// SetInventory makes the groups of the actor's gateway those of the inventory and answers how many are new.
//
// A group is the same one when region, REST API and stage are (or, for groups without that metadata, the id): a new name
// or id keeps its binding. A group that is no longer reported is removed, or kept as gone while it is bound. The methods
// of a bound group become APIs of its service at once. An inventory equal to the last one writes nothing.
func (a *Admin) SetInventory(ctx context.Context, actor control.Actor, inv waist.Inventory) (waist.InventoryResult, error) {
	var result waist.InventoryResult
	if err := a.allow(actor, "SetInventory", ""); err != nil {
		return result, err
	}
	groups, err := normalise(inv)
	if err != nil {
		return result, err
	}
	canonical, err := json.Marshal(groups)
	if err != nil {
		return result, fmt.Errorf("admin: %w", err)
	}
	sum := sha256.Sum256(canonical)
	hash := hex.EncodeToString(sum[:])
	// Not from the cache: another node may have taken another inventory in since.
	state, err := a.store.StateOfClient(ctx, actor.TenantID, actor.ID)
	if errors.Is(err, store.ErrNotFound) {
		return result, control.Errorf(control.NotFound, "not_found", "the client %q belongs to no gateway; it may have been deleted", actor.ID)
	}
	if err != nil {
		return result, internal(err)
	}
	if state.InventoryHash == hash {
		return result, nil
	}
	err = a.change(ctx, actor, state.WorkspaceID, func(c *change) error {
		gw, err := c.Gateway(ctx, actor.TenantID, state.GatewayID)
		if err != nil {
			return notFound(err, "gateway", state.GatewayID)
		}
		result.NumberOfAddedAPIGroups, err = c.takeIn(ctx, gw, groups)
		if err != nil {
			return err
		}
		return c.SetInventoryHash(ctx, gw.TenantID, gw.ID, hash, a.now(), attached(groups))
	})
	if err != nil {
		return waist.InventoryResult{}, err
	}
	return result, nil
}

// normalise checks an inventory and brings it into one form: groups by id, methods by path and method, each once.
func normalise(inv waist.Inventory) ([]waist.APIGroup, error) {
	var check control.Checks
	if len(inv.APIGroups) > maxGroups {
		check.Add("api_groups", fmt.Sprintf("has %d groups; at most %d", len(inv.APIGroups), maxGroups))
		return nil, check.Err("inventory")
	}
	total := 0
	ids, keys := map[string]bool{}, map[string]bool{}
	groups := make([]waist.APIGroup, 0, len(inv.APIGroups))
	for i, g := range inv.APIGroups {
		at := fmt.Sprintf("api_groups[%d]", i)
		if !control.ValidateGroupID(g.ID) {
			check.Add(at+".id", "must be 1 to 200 letters, digits or any of - _ . : ~ and begin with a letter or digit")
		}
		if ids[g.ID] {
			check.Add(at+".id", "is given twice: "+g.ID)
		}
		ids[g.ID] = true
		if g.Metadata.Type == "" {
			g.Metadata.Type = waist.GatewayTypeAWS
		}
		if g.Metadata.Type != waist.GatewayTypeAWS {
			check.Add(at+".metadata.type", "must be aws")
		}
		k := naturalKey(g)
		if keys[k] {
			check.Add(at+".metadata", "names the same REST API and stage as another group")
		}
		keys[k] = true
		if g.Name == "" {
			g.Name = g.ID
		}
		g.Name = cut(printable(g.Name), 400)
		if total += len(g.APIs); total > maxAPIs {
			check.Add("api_groups", fmt.Sprintf("has more than %d methods", maxAPIs))
			return nil, check.Err("inventory")
		}
		g.APIs = normaliseAPIs(&check, at, g.APIs)
		groups = append(groups, g)
	}
	if err := check.Err("inventory"); err != nil {
		return nil, err
	}
	sort.Slice(groups, func(i, j int) bool { return groups[i].ID < groups[j].ID })
	return groups, nil
}

// printable drops control characters and what is not UTF-8.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

func normaliseAPIs(check *control.Checks, at string, in []waist.GatewayAPI) []waist.GatewayAPI {
	out := make([]waist.GatewayAPI, 0, len(in))
	seen := map[methodPath]bool{}
	for j, m := range in {
		m.Method = strings.ToUpper(m.Method)
		if m.APIType == "" {
			m.APIType = "rest"
		}
		if p := control.ValidateMethod(m.Method, m.Path); p != "" {
			check.Add(fmt.Sprintf("%s.apis[%d]", at, j), p)
		}
		if m.APIType != "rest" {
			check.Add(fmt.Sprintf("%s.apis[%d].api_type", at, j), "must be rest; other kinds of API are not protected by this product")
		}
		switch m.Authorizer {
		case "", waist.AuthorizerNone, waist.AuthorizerOurs, waist.AuthorizerOther:
		default:
			check.Add(fmt.Sprintf("%s.apis[%d].authorizer", at, j), "must be none, ours or other")
		}
		if k := (methodPath{m.Method, m.Path}); !seen[k] {
			seen[k] = true
			out = append(out, m)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Path != out[j].Path {
			return out[i].Path < out[j].Path
		}
		return out[i].Method < out[j].Method
	})
	return out
}

// naturalKey is what makes a group the same one: where it lives. A region that only later reports name is filled in by
// match.
func naturalKey(g waist.APIGroup) string {
	if m := g.Metadata.AWS; m != nil && m.APIID != "" && m.Stage != "" {
		return "aws|" + m.Region + "|" + m.APIID + "|" + m.Stage
	}
	return "id|" + g.ID
}

// takeIn reconciles the stored groups with those reported and says how many are new.
func (c *change) takeIn(ctx context.Context, gw control.Gateway, groups []waist.APIGroup) (added int, err error) {
	stored, err := c.Groups(ctx, gw.TenantID, gw.ID)
	if err != nil {
		return 0, err
	}
	matches, vanished := match(stored, groups)
	// What vanished goes first: its id may have a new owner.
	for _, g := range vanished {
		if err := c.vanish(ctx, g); err != nil {
			return 0, err
		}
	}
	if err := c.clearIDs(ctx, matches); err != nil {
		return 0, err
	}
	for _, m := range matches {
		if m.stored == nil {
			added++
			err = c.discover(ctx, gw, m.reported)
		} else {
			err = c.rediscover(ctx, *m.stored, m.reported)
		}
		if err != nil {
			return 0, err
		}
	}
	return added, nil
}

type matched struct {
	stored   *store.StoredGroup // nil: new
	reported waist.APIGroup
}

// match pairs reported groups with stored ones: by natural key, then by REST API and stage when one side does not know
// the region, then by id when the stored one has no better key.
func match(stored []store.StoredGroup, groups []waist.APIGroup) (pairs []matched, vanished []store.StoredGroup) {
	byKey, byPlace, byID := map[string]int{}, map[string]int{}, map[string]int{}
	place := func(key string) string {
		if p := strings.Split(key, "|"); len(p) == 4 {
			return p[2] + "|" + p[3]
		}
		return ""
	}
	for i, g := range stored {
		byKey[g.NaturalKey] = i
		byID[g.ID] = i
		if p := place(g.NaturalKey); p != "" {
			if _, twice := byPlace[p]; twice {
				byPlace[p] = -1
			} else {
				byPlace[p] = i
			}
		}
	}
	taken := map[int]bool{}
	pairs = make([]matched, len(groups))
	take := func(n int, find func(g waist.APIGroup) (int, bool)) {
		if pairs[n].stored != nil {
			return
		}
		if i, ok := find(groups[n]); ok && i >= 0 && !taken[i] {
			taken[i] = true
			pairs[n].stored = &stored[i]
		}
	}
	for n := range groups {
		pairs[n].reported = groups[n]
		take(n, func(g waist.APIGroup) (int, bool) { i, ok := byKey[naturalKey(g)]; return i, ok })
	}
	for n := range groups {
		take(n, func(g waist.APIGroup) (int, bool) {
			k := naturalKey(g)
			p := place(k)
			if p == "" {
				return 0, false
			}
			i, ok := byPlace[p]
			if ok && i >= 0 && region(k) != "" && region(stored[i].NaturalKey) != "" {
				return 0, false // two known regions: two groups
			}
			return i, ok
		})
		take(n, func(g waist.APIGroup) (int, bool) {
			i, ok := byID[g.ID]
			return i, ok && (strings.HasPrefix(stored[i].NaturalKey, "id|") || strings.HasPrefix(naturalKey(g), "id|"))
		})
	}
	for i := range stored {
		if !taken[i] {
			vanished = append(vanished, stored[i])
		}
	}
	return pairs, vanished
}

func region(key string) string {
	if p := strings.Split(key, "|"); len(p) == 4 {
		return p[1]
	}
	return ""
}

// clearIDs moves groups whose id or key changes out of the way first, so that two groups can swap them.
func (c *change) clearIDs(ctx context.Context, pairs []matched) error {
	for i := range pairs {
		s := pairs[i].stored
		if s == nil || s.ID == pairs[i].reported.ID && s.NaturalKey == naturalKey(pairs[i].reported) {
			continue
		}
		aside := *s
		aside.ID, aside.NaturalKey = "~"+store.NewID(), "~"+store.NewID()
		if err := c.SetGroup(ctx, s.ID, aside); err != nil {
			return err
		}
		aside.NaturalKey = s.NaturalKey
		pairs[i].stored = &aside
	}
	return nil
}

// vanish removes a group that is no longer reported, or marks it as gone while it is bound.
func (c *change) vanish(ctx context.Context, g store.StoredGroup) error {
	if g.ServiceID == "" {
		return c.RemoveGroup(ctx, g.TenantID, g.GatewayID, g.ID)
	}
	if g.Gone {
		return nil
	}
	was := g.APIGroup
	g.Gone, g.LastSeen = true, c.admin.now()
	if err := c.SetGroup(ctx, g.ID, g); err != nil {
		return err
	}
	return c.audit(ctx, "gateway", "updated", g.GatewayID, groupRecord(was), groupRecord(g.APIGroup))
}

// discover adds a new group; on a gateway that binds by itself it gets a service named after it.
func (c *change) discover(ctx context.Context, gw control.Gateway, r waist.APIGroup) error {
	g := store.StoredGroup{APIGroup: control.APIGroup{ID: r.ID, TenantID: gw.TenantID, WorkspaceID: gw.WorkspaceID, GatewayID: gw.ID, Name: r.Name,
		Metadata: r.Metadata, APIs: r.APIs, LastSeen: c.admin.now()}, NaturalKey: naturalKey(r)}
	if err := c.AddGroup(ctx, g); err != nil {
		return exists(err, "group_exists", "the id %q of an API group is taken by one that is gone and still bound; unbind that one first", g.ID)
	}
	if err := c.audit(ctx, "gateway", "discovered", gw.ID, nil, groupRecord(g.APIGroup)); err != nil {
		return err
	}
	if !gw.AutoBind {
		return nil
	}
	svc, err := c.newService(ctx, control.Service{Name: cut(r.Name, 200), Description: "Made for the API group " + cut(r.Name, 200)})
	if err != nil {
		return err
	}
	_, err = c.bind(ctx, g, svc)
	return err
}

// rediscover brings a group up to date, and the APIs of its service when it is bound.
func (c *change) rediscover(ctx context.Context, g store.StoredGroup, r waist.APIGroup) error {
	was := g
	g.ID, g.Name, g.Metadata, g.APIs, g.NaturalKey, g.Gone = r.ID, r.Name, r.Metadata, r.APIs, naturalKey(r), false
	if g.Metadata.AWS != nil && g.Metadata.AWS.Region == "" && region(was.NaturalKey) != "" {
		// This report does not know the region; an earlier one did.
		m := *g.Metadata.AWS
		m.Region = region(was.NaturalKey)
		g.Metadata.AWS, g.NaturalKey = &m, was.NaturalKey
	}
	if sameGroup(was, g) {
		return nil
	}
	g.LastSeen = c.admin.now()
	if err := c.SetGroup(ctx, was.ID, g); err != nil {
		return err
	}
	if was.Gone || was.Name != g.Name || was.ID != g.ID {
		if err := c.audit(ctx, "gateway", "updated", g.GatewayID, groupRecord(was.APIGroup), groupRecord(g.APIGroup)); err != nil {
			return err
		}
	}
	if g.ServiceID == "" {
		return nil
	}
	changed, err := c.reconcile(ctx, g, nil)
	// The configuration names the group by id and metadata, but not what stands in front of its methods.
	if changed || was.ID != g.ID || !sameJSON(was.Metadata, g.Metadata) {
		c.revise = true
	}
	return err
}

func sameGroup(a, b store.StoredGroup) bool {
	a.LastSeen, b.LastSeen = time.Time{}, time.Time{}
	return sameJSON(a, b)
}

func sameJSON(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}

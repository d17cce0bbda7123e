package portal_test

import (
	"bufio"
	"context"
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/analytics"
	"portcullis/edge/waist"
)

// decide reports n decisions of an API, each 1 ms longer than the one before it.
func (w *world) decide(gateway, api string, n int, set func(i int, e *waist.RequestEvent)) {
	w.t.Helper()
	events := make([]waist.RequestEvent, n)
	for i := range events {
		events[i] = waist.RequestEvent{APIID: api, DurationUS: int64(i+1) * 1000, Time: w.clock.Now(), Reason: "allowed", Result: waist.Validation{Result: waist.ResultAuthorized}}
		set(i, &events[i])
	}
	must(w.analytics.Ingest(w.t.Context(), w.gatewayActor(gateway), waist.RequestEvents{Events: events}))(w.t)
}

func (w *world) newest() analytics.Decision {
	w.t.Helper()
	list := must(w.analytics.Recent(w.t.Context(), w.operator, "default", analytics.Filter{Limit: 1}))(w.t)
	if len(list) != 1 {
		w.t.Fatal("there is no decision")
	}
	return list[0]
}

// TestAnalyticsTables: percentiles, the tables by API and client, the list narrowed to one API, and a CSV of each.
func TestAnalyticsTables(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	get := apiOf(t, w, "Pet store", "GET", "/pets")
	w.decide(gw.ID, get, 100, func(i int, e *waist.RequestEvent) {
		e.InvocationCtx = map[string]any{"client_id": "=shop"}
		if i == 99 {
			e.APIID, e.Method, e.Path, e.Reason, e.InvocationCtx, e.Result.Result = "", "GET", "/none", "api_unknown", nil, waist.ResultUnauthorized
		}
	})
	b := w.signedIn("admin", password)
	b.get("/app/").wants(200, "Decisions today 100", "Last contact")
	b.get("/app/default/overview").wants(200, "Decisions today 100", "Denied today 1")
	page := b.get("/app/default/analytics").wants(200, "p50 50 ms", "p95 95 ms", "p99 99 ms", "By API", "GET /pets Pet store 99 0", "No API matched 1 1", "By client", "=shop 99 0", "No valid token 1 1",
		"Of all 100 decisions").lacks("not reported")
	must(w.analytics.Ingest(t.Context(), w.gatewayActor(gw.ID), waist.RequestEvents{Dropped: 1234}))(t)
	b.get("/app/default/analytics").wants(200, "1234 more decisions were taken in this time and not reported", "p50 50 ms")
	page.has(`href="/app/default/analytics?api=` + get)
	b.get("/app/default/analytics?api="+get).wants(200, "Older").lacks("/none")

	for table, want := range map[string]string{
		"minutes": "2026-11-22T10:00:00Z,AUTHORIZED,allowed,99,", "reasons": "allowed,AUTHORIZED,99\n", "clients": "'=shop,99,0,99,50000,95000,99000\n",
		"apis": get + ",GET,/pets,Pet store,99,0,99,50000,95000,99000\n", "decisions": "UNAUTHORIZED,api_unknown,GET,/none,,,,100000,0,,\n",
	} {
		p := b.get("/app/default/analytics.csv?table=" + table).wants(200)
		if !strings.Contains(p.body, want) || !strings.HasPrefix(p.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s.csv lacks %q: %s", table, want, clip(p.body))
		}
	}
	if p := b.get("/app/default/analytics.csv?table=decisions&result=AUTHORIZED").wants(200); strings.Count(p.body, "\n") != 100 {
		t.Errorf("the list of 99 has %d lines", strings.Count(p.body, "\n"))
	}
	b.get("/app/default/analytics.csv?table=secrets").wants(404)
}

// TestDecisionExplained: the page of a denied decision names the failing validator and the policy's version, and its test
// starts from what was recorded.
func TestDecisionExplained(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	b := w.signedIn("admin", password)
	b.post("/app/default/policies", "policy_name", "Adults", "language", "rego").wants(200)
	w.clock.add(time.Minute)
	w.decide(gw.ID, apiOf(t, w, "Pet store", "GET", "/pets"), 1, func(_ int, e *waist.RequestEvent) {
		e.Reason, e.PolicyID, e.Revision, e.UserAgent = "policy_denied", "default-adults", 1, `curl/8 "<b>`
		e.InvocationCtx = map[string]any{"client_id": "shop", "sub": "joe"}
		e.Result = waist.Validation{Result: waist.ResultUnauthorized, Failure: []waist.ValidationFailure{{Validator: "attributes", Message: "too young", Details: "age <script>"}}}
	})
	d := w.newest()
	p := b.get("/app/default/decisions/"+d.ID).wants(200, "Denied", "The policy did not pass: attributes: too young", "What failed", "Adults", "created 22 November 2026 10:00:00 UTC", "Revision 1 (now", "Caller shop").
		lacks("<script>", "<b>")
	link := regexp.MustCompile(`href="([^"]*policies/default-adults\?from=[^"#]*)`).FindStringSubmatch(p.body)
	if link == nil {
		t.Fatal("the decision cannot be tested")
	}
	editor := b.get(html.UnescapeString(link[1])).wants(200, "The input is what was recorded of GET /pets")
	input := html.UnescapeString(regexp.MustCompile(`(?s)<textarea[^>]*id="input"[^>]*>(.*?)</textarea>`).FindStringSubmatch(editor.body)[1])
	b.post("/app/default/policies/default-adults/test", "policy_name", "Adults", "text", "package acp.authz\n\ndefault allow := false\n\nallow if {\n  input.authn_ctx.sub == \"joe\"\n  input.request.method == \"GET\"\n}\n", "input", input).
		wants(200, "Allowed: AUTHORIZED")

	must(w.admin.CreateUser(t.Context(), w.operator, control.User{Username: "mia", Roles: map[string]control.Role{"default": control.Member}}, password))(t)
	mia := w.signedIn("mia", password)
	mia.get("/app/default/decisions/"+d.ID).wants(200, "too young").lacks("/app/default/audit")
	mia.get("/app/system/decisions/" + d.ID).wants(404)
	b.get("/app/default/policies/default-adults?from=nope").wants(404)
}

// TestLive: the stream sends what came after the last row, as rows that hold no markup of a caller's; without a session
// there is none.
func TestLive(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	api := apiOf(t, w, "Pet store", "GET", "/pets")
	b := w.signedIn("admin", password)
	b.get("/app/default/analytics/live").wants(200, "No decisions yet.", "Refresh every 10 seconds").has(`data-tail="/app/default/analytics/events"`)
	w.decide(gw.ID, api, 1, func(_ int, e *waist.RequestEvent) { e.Reason = "first" })
	first := w.newest().ID
	if p := b.get("/app/default/analytics/live?refresh=1").wants(200, "loads itself anew"); p.header.Get("Refresh") != "10" || strings.Contains(p.body, "data-tail=") {
		t.Error("the page that reloads itself does not, or follows the stream too")
	}
	b.get("/app/default/analytics/live").has("?last=" + first)
	w.clock.add(time.Second)
	w.decide(gw.ID, api, 2, func(i int, e *waist.RequestEvent) {
		e.Reason = []string{"second", "third\n<img src=x>"}[i]
	})

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server.URL+"/app/default/analytics/events?last=ignored", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", first)
	resp, err := b.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if ct := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || ct != "text/event-stream; charset=utf-8" {
		t.Fatalf("%d, %s", resp.StatusCode, ct)
	}
	var stream strings.Builder
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		line := lines.Text()
		if line != "" && !strings.HasPrefix(line, "data: ") && !strings.HasPrefix(line, "id: ") && !strings.HasPrefix(line, "retry: ") {
			t.Errorf("the stream has the line %q", line)
		}
		stream.WriteString(line + "\n")
		if line == "" && strings.Contains(stream.String(), "third") {
			break
		}
	}
	got := stream.String()
	if strings.Contains(got, ">first<") || strings.Count(got, "id: ") != 2 || strings.Index(got, "second") > strings.Index(got, "third") || strings.Contains(got, "<img") {
		t.Errorf("the stream is %s", got)
	}
	stranger := w.browser()
	stranger.get("/app/default/analytics/events").wants(200, "Log in")
}

// TestAuditFilterAndExport: every filter, the members that a record changed, and both files.
func TestAuditFilterAndExport(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn("admin", password)
	b.post("/app/default/policies", "policy_name", "=Known", "language", "rego", "id", "p1").wants(200)
	w.clock.add(24 * time.Hour)
	b = w.signedIn("admin", password)
	b.post("/app/default/policies/p1", "policy_name", "Renamed", "text", "package acp.authz\n\ndefault allow := false\n").wants(200)

	all := must(w.admin.ListAudit(t.Context(), w.operator, "default", control.AuditFilter{TargetID: "p1"}))(t)
	if len(all) != 2 {
		t.Fatalf("%d records", len(all))
	}
	b.get("/app/default/audit/"+all[0].ID).wants(200, "Policy updated", "What changed", "policy_name =Known Renamed", "Before", "After", "everything by this actor")
	b.get("/app/admin/audit/" + all[0].ID).wants(404)
	for query, words := range map[string][2]string{ // :: query → what is there, what is not
		"target=p1&action=updated":      {"policy updated", "policy created"},
		"from=2026-11-23":               {"policy updated", "policy created"},
		"to=2026-11-22":                 {"policy created", "policy updated"},
		"actor=" + all[0].ActorID:       {"policy updated", "service created"},
		"subject=policy&action=created": {"policy created", "policy updated"},
	} {
		p := b.get("/app/default/audit?"+query).wants(200, words[0])
		if strings.Contains(p.words(), words[1]) {
			t.Errorf("%s shows %s", query, words[1])
		}
	}
	b.get("/app/default/audit?target=nothing").wants(200, "No record matches.")
	b.get("/app/default/audit?from=yesterday").wants(422, "Write a day like").has(`value="yesterday"`)
	b.get("/app/default/audit?from=2026-11-23&to=2026-11-22").wants(422, "before the first one")
	b.get("/app/default/audit/export?from=yesterday").wants(400)

	csv := b.get("/app/default/audit/export?format=csv&target=p1").wants(200)
	if lines := strings.Split(strings.TrimSpace(csv.body), "\n"); len(lines) != 3 || !strings.HasPrefix(lines[1], "2026-11-23T10:00:00Z,policy,updated,p1,admin,") {
		t.Errorf("the CSV is %s", csv.body)
	}
	jsonl := b.get("/app/default/audit/export?format=jsonl&target=p1").wants(200)
	lines := strings.Split(strings.TrimSpace(jsonl.body), "\n")
	var line struct {
		Subject       string `json:"event_subject"`
		Before, After map[string]any
	}
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil || len(lines) != 2 || line.Subject != "policy" || line.Before["policy_name"] != "=Known" || line.After["policy_name"] != "Renamed" {
		t.Errorf("%v: %s", err, jsonl.body)
	}
	must(w.admin.CreateUser(t.Context(), w.operator, control.User{Username: "mia", Role: control.Member}, password))(t)
	w.signedIn("mia", password).get("/app/default/audit/export").wants(403)
}

package portal

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/analytics"
	"portcullis/edge/waist"
)

// span is a time that the analytics page can look at, and the width of a bar of its chart.
type span struct {
	name, text  string
	length, bar time.Duration
}

var spans = []span{
	{"1h", "Last hour", time.Hour, time.Minute},
	{"24h", "Last 24 hours", 24 * time.Hour, 30 * time.Minute},
	{"7d", "Last 7 days", 7 * 24 * time.Hour, 3 * time.Hour},
}

func spanNamed(name string) span {
	for _, s := range spans {
		if s.name == name {
			return s
		}
	}
	return spans[1]
}

// bar is what was decided within one bar of the chart.
type bar struct {
	start           time.Time
	allowed, denied int64
}

func (b bar) total() int64 { return b.allowed + b.denied }

// reasonCount is how often one reason was given.
type reasonCount struct {
	reason string
	denied bool
	n      int64
}

// summarise adds counts up to bars, reasons and totals. now ends the last bar.
func (v *analyticsPage) summarise(counts []analytics.Count, now time.Time) {
	start := now.Add(-v.span.length).Truncate(v.span.bar)
	for at := start; !at.After(now); at = at.Add(v.span.bar) {
		v.bars = append(v.bars, bar{start: at})
	}
	byReason := map[reasonCount]int64{}
	for _, c := range counts {
		i := int(c.Minute.Sub(start) / v.span.bar)
		if c.Minute.Before(start) || i >= len(v.bars) {
			continue
		}
		denied := c.Result != waist.ResultAuthorized
		if denied {
			v.bars[i].denied += c.Decisions
			v.denied += c.Decisions
		} else {
			v.bars[i].allowed += c.Decisions
		}
		v.total += c.Decisions
		v.duration += c.Duration
		byReason[reasonCount{reason: c.Reason, denied: denied}] += c.Decisions
	}
	for r, n := range byReason {
		r.n = n
		v.reasons = append(v.reasons, r)
	}
	slices.SortFunc(v.reasons, func(a, b reasonCount) int {
		if a.n != b.n {
			return int(b.n - a.n)
		}
		return strings.Compare(a.reason, b.reason)
	})
}

// topRows bounds the tables by API and by client on the page; their CSV has all.
const topRows = 20

// apiTotal is what was decided for one API.
type apiTotal struct {
	id, method, path, service string // method is empty when the API is no longer there, or none matched
	total                     analytics.Total
	latency                   analytics.Latency
}

// gone names an API that is no longer there.
func (x apiTotal) gone() string {
	if x.id == "" {
		return ""
	}
	return "Removed: " + x.id
}

func (x apiTotal) name() string {
	if x.method == "" {
		return nameOr(x.gone(), "no API")
	}
	return x.method + " " + x.path
}

// apiTotals are the decisions since a time by API, the most called first.
func (p *portal) apiTotals(r *request, since time.Time, sample analytics.Sample) ([]apiTotal, error) {
	totals, err := p.analytics.ByAPI(r.ctx(), r.actor, r.wid(), since)
	if err != nil {
		return nil, err
	}
	out := make([]apiTotal, 0, len(totals))
	if len(totals) == 0 {
		return out, nil
	}
	services, err := p.admin.ListServiceAPIs(r.ctx(), r.actor, r.wid())
	if err != nil {
		return nil, err
	}
	known := map[string]apiTotal{}
	for _, s := range services {
		for _, a := range s.APIs {
			known[a.ID] = apiTotal{method: a.Method, path: a.Path, service: s.Service.Name}
		}
	}
	for id, t := range totals {
		x := known[id]
		x.id, x.total, x.latency = id, t, sample.APIs[id]
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b apiTotal) int {
		return cmp.Or(cmp.Compare(b.total.Decisions(), a.total.Decisions()), cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method), cmp.Compare(a.id, b.id))
	})
	return out, nil
}

// sampled says what the percentiles and the table by client come from.
func (v analyticsPage) sampled() string {
	if v.sample.Complete {
		return "Of all " + count(v.sample.N, "decision", "decisions") + " that are kept one by one."
	}
	return "Of the newest " + itoa(v.sample.N) + " decisions, since " + v.sample.From.UTC().Format("2 January 15:04 UTC") + "."
}

// quantile is a percentile as the page shows it.
func quantile(l analytics.Latency, d time.Duration) string {
	if l.N == 0 {
		return "–"
	}
	return nameOr(took(d.Microseconds(), 0), "< 0.01 ms")
}

// listFilter is how the query narrows the list of decisions.
func listFilter(r *request) analytics.Filter {
	f := analytics.Filter{Result: r.query("result"), Reason: clip(r.query("reason"), 64), APIID: clip(r.query("api"), 256), Before: clip(r.query("before"), 128)}
	if f.Result != waist.ResultAuthorized && f.Result != waist.ResultUnauthorized {
		f.Result = ""
	}
	return f
}

// decisions is the analytics page; the query chooses the span and narrows the list.
func (p *portal) decisions(r *request) error {
	f := listFilter(r)
	v := analyticsPage{span: spanNamed(r.query("span")), result: f.Result, reason: f.Reason, api: f.APIID, apiName: f.APIID, newer: f.Before != ""}
	since := p.now().Add(-v.span.length)
	counts, err := p.analytics.Counts(r.ctx(), r.actor, r.wid(), since)
	if err != nil {
		return err
	}
	v.summarise(counts, p.now())
	dropped, err := p.analytics.Dropped(r.ctx(), r.actor, r.wid(), since)
	if err != nil {
		return err
	}
	for _, d := range dropped {
		v.dropped += d.Decisions
	}
	if v.sample, err = p.analytics.Sample(r.ctx(), r.actor, r.wid(), since); err != nil {
		return err
	}
	if v.apis, err = p.apiTotals(r, since, v.sample); err != nil {
		return err
	}
	for _, x := range v.apis {
		if x.id == v.api {
			v.apiName = x.name()
		}
	}
	f.Limit = decisionsPageSize
	if v.list, err = p.analytics.Recent(r.ctx(), r.actor, r.wid(), f); err != nil {
		return err
	}
	if len(v.list) == decisionsPageSize {
		v.older = v.list[len(v.list)-1].ID
	}
	return r.render(http.StatusOK, analyticsView(r.frame("Analytics", "analytics"), clock{p.now()}, v))
}

const decisionsPageSize = 20

// analyticsCSV is one of the page's tables: minutes (a line per minute and reason), reasons, apis, clients or decisions.
func (p *portal) analyticsCSV(r *request) error {
	s := spanNamed(r.query("span"))
	since := p.now().Add(-s.length)
	table := nameOr(r.query("table"), "minutes")
	var rows [][]string
	var err error
	switch table {
	case "minutes", "reasons":
		rows, err = p.countRows(r, s, table)
	case "apis", "clients":
		var sample analytics.Sample
		if sample, err = p.analytics.Sample(r.ctx(), r.actor, r.wid(), since); err != nil {
			return err
		}
		rows = [][]string{{"client", "allowed", "denied", "sampled", "p50_us", "p95_us", "p99_us"}}
		for _, c := range sample.Clients {
			rows = append(rows, append([]string{cell(c.ID), i64(c.Allowed), i64(c.Denied)}, latencyColumns(c.Latency)...))
		}
		if table == "clients" {
			break
		}
		var totals []apiTotal
		totals, err = p.apiTotals(r, since, sample)
		rows = [][]string{{"api", "method", "path", "service", "allowed", "denied", "sampled", "p50_us", "p95_us", "p99_us"}}
		for _, x := range totals {
			rows = append(rows, append([]string{cell(x.id), cell(x.method), cell(x.path), cell(x.service), i64(x.total.Allowed), i64(x.total.Denied)}, latencyColumns(x.latency)...))
		}
	case "decisions":
		rows, err = p.decisionRows(r)
	default:
		err = control.Errorf(control.NotFound, "", "There is no such table.")
	}
	if err != nil {
		return err
	}
	return r.sendCSV(table+"-"+s.name, rows)
}

func latencyColumns(l analytics.Latency) []string {
	return []string{itoa(l.N), i64(l.P50.Microseconds()), i64(l.P95.Microseconds()), i64(l.P99.Microseconds())}
}

// countRows are the chart's data, a line per minute and reason, or summed by reason.
func (p *portal) countRows(r *request, s span, table string) ([][]string, error) {
	counts, err := p.analytics.Counts(r.ctx(), r.actor, r.wid(), p.now().Add(-s.length))
	if err != nil {
		return nil, err
	}
	if table == "reasons" {
		var v analyticsPage
		v.span = s
		v.summarise(counts, p.now())
		rows := [][]string{{"reason", "result", "decisions"}}
		for _, x := range v.reasons {
			result := waist.ResultAuthorized
			if x.denied {
				result = waist.ResultUnauthorized
			}
			rows = append(rows, []string{cell(x.reason), result, i64(x.n)})
		}
		return rows, nil
	}
	rows := [][]string{{"minute", "result", "reason", "decisions", "duration_us"}}
	for _, c := range counts {
		rows = append(rows, []string{c.Minute.UTC().Format(time.RFC3339), cell(c.Result), cell(c.Reason), i64(c.Decisions), i64(c.Duration.Microseconds())})
	}
	return rows, nil
}

// maxExport bounds the rows of one file.
const maxExport = 10_000

// decisionRows are the decisions of the narrowed list, newest first.
func (p *portal) decisionRows(r *request) ([][]string, error) {
	rows := [][]string{{"time", "result", "reason", "method", "path", "policy", "client", "failed", "duration_us", "revision", "decision_id", "request_id"}}
	f := listFilter(r)
	f.Limit = 100
	for len(rows) <= maxExport {
		list, err := p.analytics.Recent(r.ctx(), r.actor, r.wid(), f)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			rows = append(rows, []string{d.At.UTC().Format(time.RFC3339Nano), cell(d.Result.Result), cell(d.Reason), cell(d.Method), cell(d.Path), cell(d.PolicyID),
				cell(caller(d)), cell(failing(d.Result.Failure)), i64(d.DurationUS), i64(d.Revision), cell(d.DecisionID), cell(d.RequestID)})
		}
		if len(list) < f.Limit {
			break
		}
		f.Before = list[len(list)-1].ID
	}
	return rows, nil
}

// percent is a share, written so that neither none nor all is rounded to.
func percent(part, whole int64) string {
	switch {
	case whole == 0 || part == 0:
		return "0 %"
	case part == whole:
		return "100 %"
	}
	return fmt.Sprintf("%.1f %%", min(max(float64(part)*100/float64(whole), 0.1), 99.9))
}

// barTime is the start of a bar as the table says it.
func barTime(b bar, s span) string {
	if s.length > 24*time.Hour {
		return b.start.UTC().Format("Mon 2 Jan 15:04")
	}
	return b.start.UTC().Format("15:04")
}

// The chart's inner size, in units of its view box.
const (
	chartWidth  = 960
	chartHeight = 160
)

// rect is one part of a bar: allowed at the bottom, denied on top of it.
type rect struct{ x, y, w, h, class string }

func rects(bars []bar) []rect {
	most := max(mostOf(bars), 1)
	step := float64(chartWidth) / float64(max(len(bars), 1))
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }
	var out []rect
	for i, b := range bars {
		base := float64(chartHeight)
		for _, part := range []struct {
			n     int64
			class string
		}{{b.allowed, "allowed"}, {b.denied, "denied"}} {
			if part.n == 0 {
				continue
			}
			h := max(float64(part.n)*chartHeight/float64(most), 2) // one among thousands is still seen
			base -= h
			out = append(out, rect{number(float64(i)*step + 1), number(max(base, 0)), number(step - 2), number(h), part.class})
		}
	}
	return out
}

// mostOf is the height of the highest bar.
func mostOf(bars []bar) int64 {
	most := int64(0)
	for _, b := range bars {
		most = max(most, b.total())
	}
	return most
}

func allowed(d analytics.Decision) bool { return d.Result.Result == waist.ResultAuthorized }

// took is a duration in milliseconds with as many digits as it has meaning.
func took(us, ms int64) string {
	if us == 0 {
		us = ms * 1000
	}
	switch {
	case us == 0:
		return ""
	case us < 10_000:
		return fmt.Sprintf("%.2f ms", float64(us)/1000)
	}
	return fmt.Sprintf("%d ms", us/1000)
}

func failureText(f waist.ValidationFailure) string {
	text := f.Message
	if f.Validator != "" {
		text = f.Validator + ": " + text
	}
	if f.Details != "" {
		text += " (" + f.Details + ")"
	}
	return text
}

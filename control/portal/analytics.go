package portal

import (
	"encoding/csv"
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

// decisions is the analytics page; the query chooses the span, narrows the list and opens one decision.
func (p *portal) decisions(r *request) error {
	v := analyticsPage{span: spanNamed(r.query("span")), result: r.query("result"), reason: clip(r.query("reason"), 64), newer: r.query("before") != ""}
	if v.result != waist.ResultAuthorized && v.result != waist.ResultUnauthorized {
		v.result = ""
	}
	counts, err := p.analytics.Counts(r.ctx(), r.actor, r.wid(), p.now().Add(-v.span.length))
	if err != nil {
		return err
	}
	v.summarise(counts, p.now())
	filter := analytics.Filter{Result: v.result, Reason: v.reason, Before: clip(r.query("before"), 128), Limit: decisionsPageSize}
	if v.list, err = p.analytics.Recent(r.ctx(), r.actor, r.wid(), filter); err != nil {
		return err
	}
	if len(v.list) == decisionsPageSize {
		v.older = v.list[len(v.list)-1].ID
	}
	if id := r.query("decision"); id != "" {
		if v.open, err = p.decision(r, id, v.list); err != nil {
			return err
		}
	}
	return r.render(http.StatusOK, analyticsView(r.frame("Analytics", "analytics"), clock{p.now()}, v))
}

const decisionsPageSize = 50

// decision finds one among those of the page, and otherwise as far back as a link to one is likely to reach.
func (p *portal) decision(r *request, id string, page []analytics.Decision) (*analytics.Decision, error) {
	before := ""
	for range 20 {
		for i := range page {
			if page[i].ID == id {
				return &page[i], nil
			}
		}
		var err error
		if page, err = p.analytics.Recent(r.ctx(), r.actor, r.wid(), analytics.Filter{Before: before, Limit: 100}); err != nil {
			return nil, err
		}
		if len(page) == 0 {
			break
		}
		before = page[len(page)-1].ID
	}
	return nil, control.Errorf(control.NotFound, "", "There is no such decision among the newest of this workspace.")
}

// decisionsCSV is the chart's data, a line per minute and reason.
func (p *portal) decisionsCSV(r *request) error {
	s := spanNamed(r.query("span"))
	counts, err := p.analytics.Counts(r.ctx(), r.actor, r.wid(), p.now().Add(-s.length))
	if err != nil {
		return err
	}
	r.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	r.w.Header().Set("Content-Disposition", `attachment; filename="decisions-`+s.name+`.csv"`)
	rows := [][]string{{"minute", "result", "reason", "decisions", "duration_us"}}
	for _, c := range counts {
		rows = append(rows, []string{c.Minute.UTC().Format(time.RFC3339), cell(c.Result), cell(c.Reason), i64(c.Decisions), i64(c.Duration.Microseconds())})
	}
	return csv.NewWriter(r.w).WriteAll(rows)
}

// cell keeps a spreadsheet from taking what a gateway has sent for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
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

package analytics

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"portcullis/control"
	"portcullis/control/store"
)

// Question is one of the analytics API: a figure over time. The zero value counts the decisions of the last day.
type Question struct {
	// Evaluated leaves decisions out in which no policy was asked: methods without one, and what matched no method.
	Evaluated bool
	Function  string    // count, sum, p50, p75, p95 or p99; empty means count. All but count are durations in milliseconds
	Bucket    string    // width of a point: one of Buckets; empty means auto
	From, To  time.Time // inside, outside; zero means a day before To, and the end of this minute
	Origin    time.Time // where points begin to be counted from; zero means 1970, for weeks a Monday
	// ByResult splits every point into authorized and unauthorized.
	ByResult bool
}

// Series is the answer. Percentiles have no point where nothing was decided; other figures are 0 there.
type Series struct {
	Bucket string // that was used; never auto
	Points []Point
	// Dropped is how many decisions of the time were not reported, and are in no point; 0 for a question about policies.
	Dropped int64
}

// Point is one figure, or one for each result.
type Point struct {
	At     time.Time
	Value  float64
	Values map[string]float64 // with ByResult
}

// The keys of Point.Values.
const (
	Authorized   = "authorized"
	Unauthorized = "unauthorized"
)

// The bounds of a question.
const (
	maxPoints    = 3_000
	maxQuestion  = 366 * 24 * time.Hour
	autoPoints   = 120 // auto takes the narrowest bucket that gives no more
	defaultRange = 24 * time.Hour
)

// bucket is a width: a duration, or calendar months.
type bucket struct {
	name   string
	width  time.Duration
	months int
}

var buckets = []bucket{{"1m", time.Minute, 0}, {"5m", 5 * time.Minute, 0}, {"15m", 15 * time.Minute, 0}, {"30m", 30 * time.Minute, 0}, {"1h", time.Hour, 0},
	{"3h", 3 * time.Hour, 0}, {"6h", 6 * time.Hour, 0}, {"12h", 12 * time.Hour, 0}, {"1d", 24 * time.Hour, 0}, {"1w", 7 * 24 * time.Hour, 0},
	{"1M", 0, 1}, {"3M", 0, 3}, {"6M", 0, 6}, {"1Y", 0, 12}}

var functions = map[string]int{"count": 0, "sum": 0, "p50": 50, "p75": 75, "p95": 95, "p99": 99} // :: function → percent

// Workspace answers a question about one workspace, for its members.
func (a *Analytics) Workspace(ctx context.Context, actor control.Actor, wid string, q Question) (Series, error) {
	if err := a.allow(ctx, actor, wid); err != nil {
		return Series{}, err
	}
	return a.series(ctx, actor.TenantID, []string{wid}, q)
}

// Tenant answers a question about all workspaces of the tenant together, for those who have a role in the tenant as a whole.
// A workspace in which the actor's role was taken away is left out.
func (a *Analytics) Tenant(ctx context.Context, actor control.Actor, q Question) (Series, error) {
	switch {
	case actor.Kind == control.Anonymous || actor.TenantID == "":
		return Series{}, control.Errorf(control.Unauthenticated, "unauthenticated", "log in, or present an access token")
	case actor.Kind == control.GatewayActor:
		return Series{}, control.Errorf(control.Forbidden, "forbidden", "a gateway's client may not do this")
	case actor.Role < control.Member:
		return Series{}, control.Errorf(control.Forbidden, "insufficient_role", "this needs the role %s in the tenant as a whole; ask about one workspace", control.Member)
	}
	all, err := a.store.WorkspaceIDs(ctx, actor.TenantID)
	if err != nil {
		return Series{}, fmt.Errorf("analytics: %w", err)
	}
	all = slices.DeleteFunc(all, func(w string) bool { return actor.RoleIn(w) < control.Member })
	return a.series(ctx, actor.TenantID, all, q)
}

func (a *Analytics) series(ctx context.Context, tenant string, workspaces []string, q Question) (Series, error) {
	p, err := a.plan(q)
	if err != nil {
		return Series{}, err
	}
	cells := map[int]map[string]float64{} // :: point → result → figure
	if p.percent > 0 {
		rows, rerr := a.store.LatencySeries(ctx, tenant, workspaces, p.span)
		err = rerr
		p.percentiles(rows, cells)
	} else {
		rows, rerr := a.store.DecisionSeries(ctx, tenant, workspaces, p.span, q.Evaluated)
		err = rerr
		p.sums(rows, cells)
	}
	if err != nil {
		return Series{}, fmt.Errorf("analytics: %w", err)
	}
	out := Series{Bucket: p.bucket.name, Points: []Point{}}
	if !q.Evaluated {
		if out.Dropped, err = a.store.DroppedSum(ctx, tenant, workspaces, p.span.From, p.span.To); err != nil {
			return Series{}, fmt.Errorf("analytics: %w", err)
		}
	}
	for n, at := range p.starts {
		values, ok := cells[n]
		switch {
		case !ok && p.percent > 0:
			continue
		case q.ByResult:
			point := Point{At: at, Values: map[string]float64{}}
			if p.percent == 0 {
				point.Values[Authorized], point.Values[Unauthorized] = 0, 0
			}
			maps.Copy(point.Values, values)
			out.Points = append(out.Points, point)
		default:
			out.Points = append(out.Points, Point{At: at, Value: values[""]})
		}
	}
	return out, nil
}

// plan is a question with its defaults filled in and its points laid out.
type plan struct {
	bucket   bucket
	percent  int // 0: no percentile
	sum      bool
	byResult bool
	span     store.Span
	starts   []time.Time // of the points
}

func (a *Analytics) plan(q Question) (plan, error) {
	now := a.now().UTC()
	p := plan{byResult: q.ByResult, sum: q.Function == "sum"}
	if q.Function == "" {
		q.Function = "count"
	}
	percent, known := functions[q.Function]
	switch {
	case !known:
		return p, badQuestion("function", "must be count, sum, p50, p75, p95 or p99")
	case q.Evaluated && q.Function != "count":
		return p, badQuestion("function", "must be count: of policy evaluations nothing else is kept")
	}
	p.percent = percent
	if q.To.IsZero() {
		q.To = now.Truncate(time.Minute).Add(time.Minute)
	}
	if q.From.IsZero() {
		q.From = q.To.Add(-defaultRange)
	}
	from, to := q.From.UTC().Truncate(time.Minute), q.To.UTC().Add(time.Minute-time.Nanosecond).Truncate(time.Minute)
	switch {
	case !from.Before(to):
		return p, badQuestion("to", "must be later than from")
	case to.Sub(from) > maxQuestion:
		return p, badQuestion("from", "must be at most 366 days before to")
	case from.Year() < 1971 || to.Year() > 2200:
		return p, badQuestion("from", "must be in the years 1971 to 2200")
	case !q.Origin.IsZero() && (q.Origin.Year() < 1970 || q.Origin.Year() > 2200):
		return p, badQuestion("origin", "must be in the years 1970 to 2200")
	case percent > 0 && from.Before(now.Add(-a.retention-time.Hour)):
		return p, badQuestion("from", fmt.Sprintf("must be within the last %s: durations are kept that long", a.retention))
	}
	var err error
	if p.bucket, err = bucketOf(q.Bucket, to.Sub(from)); err != nil {
		return p, err
	}
	err = p.lay(from, to, q.Origin.UTC())
	return p, err
}

// bucketOf finds a bucket by its name; auto is the narrowest one that gives few enough points.
func bucketOf(name string, span time.Duration) (bucket, error) {
	if name == "all" {
		return bucket{name: "all"}, nil
	}
	for _, b := range buckets {
		if b.name == name {
			return b, nil
		}
		if (name == "" || name == "auto") && (b.months > 0 || span <= autoPoints*b.width) {
			return b, nil
		}
	}
	return bucket{}, badQuestion("bucket", "must be auto, all, 1m, 5m, 15m, 30m, 1h, 3h, 6h, 12h, 1d, 1w, 1M, 3M, 6M or 1Y")
}

// lay computes the points' starts and the span that the store is asked about: with its points for fixed widths, a day wide for
// months, and one for all.
func (p *plan) lay(from, to, origin time.Time) error {
	if origin.IsZero() {
		origin = time.Date(1970, 1, 5, 0, 0, 0, 0, time.UTC) // a Monday
		if p.bucket.months > 0 {
			origin = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
		}
	}
	origin = origin.Truncate(time.Minute)
	p.span = store.Span{From: from, To: to}
	switch {
	case p.bucket.name == "all":
		p.span.Start, p.span.Width, p.starts = from, to.Sub(from), []time.Time{from}
	case p.bucket.months == 0:
		w := p.bucket.width
		if to.Sub(from)/w+2 > maxPoints {
			return badQuestion("bucket", fmt.Sprintf("gives more than %d points; take a wider one, or a shorter time", maxPoints))
		}
		start := from.Add(-mod(from.Sub(origin), w))
		p.span.Start, p.span.Width = start, w
		for at := start; at.Before(to); at = at.Add(w) {
			p.starts = append(p.starts, at)
		}
	default:
		if origin.Day() > 28 {
			return badQuestion("origin", "must be on the 1st to 28th of a month for this bucket")
		}
		n := ((from.Year()-origin.Year())*12 + int(from.Month()) - int(origin.Month())) / p.bucket.months
		at := func(n int) time.Time { return origin.AddDate(0, n*p.bucket.months, 0) }
		for at(n).After(from) {
			n--
		}
		for !at(n + 1).After(from) {
			n++
		}
		for ; at(n).Before(to); n++ {
			p.starts = append(p.starts, at(n))
		}
		p.span.Start, p.span.Width = p.starts[0], 24*time.Hour // months are whole days of UTC
	}
	return nil
}

// mod is the remainder that is never negative.
func mod(d, w time.Duration) time.Duration {
	if d %= w; d < 0 {
		d += w
	}
	return d
}

// point is which of the plan's points one of the store's is in.
func (p *plan) point(n int64) int {
	if p.bucket.months == 0 {
		return int(n)
	}
	at := p.span.Start.Add(time.Duration(n) * p.span.Width)
	i, found := slices.BinarySearchFunc(p.starts, at, time.Time.Compare)
	if !found {
		i--
	}
	return i
}

// key is the result that a decision counts for.
func (p *plan) key(allowed bool) string {
	switch {
	case !p.byResult:
		return ""
	case allowed:
		return Authorized
	}
	return Unauthorized
}

func (p *plan) sums(rows []store.DecisionPoint, cells map[int]map[string]float64) {
	for _, r := range rows {
		n := p.point(r.Point)
		if cells[n] == nil {
			cells[n] = map[string]float64{}
		}
		v := float64(r.Decisions)
		if p.sum {
			v = float64(r.DurationUS) / 1000
		}
		cells[n][p.key(r.Allowed)] += v
	}
}

// percentiles are by nearest rank, and a duration that as many decisions did not exceed: the upper end of its slot.
func (p *plan) percentiles(rows []store.LatencyPoint, cells map[int]map[string]float64) {
	type cell struct {
		point int
		key   string
	}
	slots := map[cell]map[int]int64{}
	for _, r := range rows {
		c := cell{p.point(r.Point), p.key(r.Allowed)}
		if slots[c] == nil {
			slots[c] = map[int]int64{}
		}
		slots[c][r.Slot] += r.Decisions
	}
	for c, counts := range slots {
		total := int64(0)
		for _, n := range counts {
			total += n
		}
		rank, seen := (total*int64(p.percent)+99)/100, int64(0)
		for _, slot := range slices.Sorted(maps.Keys(counts)) {
			if seen += counts[slot]; seen >= rank {
				if cells[c.point] == nil {
					cells[c.point] = map[string]float64{}
				}
				cells[c.point][c.key] = float64(store.SlotDuration(slot)) / 1000
				break
			}
		}
	}
}

func badQuestion(parameter, what string) error {
	e := control.Errorf(control.Malformed, "", "the query parameter %s %s", parameter, what)
	e.Fields = map[string]string{parameter: what}
	return e
}

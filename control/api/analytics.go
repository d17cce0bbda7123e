package api

import (
	"net/http"
	"time"

	"portcullis/control"
	"portcullis/control/analytics"
)

type dataPoint struct {
	Timestamp time.Time `json:"timestamp"`
	Value     float64   `json:"value"`
}

type groupedPoint struct {
	Timestamp time.Time          `json:"timestamp"`
	Values    map[string]float64 `json:"values"`
}

// metrics answers with one figure over time: of a workspace when the path names one, else of the tenant; grouped when the path
// names a group.
func (a *API) metrics(evaluated bool) verb {
	return func(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
		q, err := question(r)
		if err != nil {
			return err
		}
		q.Evaluated = evaluated
		switch r.PathValue("group") {
		case "":
		case "result":
			q.ByResult = true
		default:
			return control.Errorf(control.NotFound, "", "these figures can be grouped by result, not by %q", clip(r.PathValue("group"), 64))
		}
		var s analytics.Series
		if wid := r.PathValue("wid"); wid != "" {
			s, err = a.Analytics.Workspace(r.Context(), actor, wid, q)
		} else {
			s, err = a.Analytics.Tenant(r.Context(), actor, q)
		}
		if err != nil {
			return err
		}
		if q.ByResult {
			data := make([]groupedPoint, len(s.Points))
			for i, p := range s.Points {
				data[i] = groupedPoint{p.At, p.Values}
			}
			return reply(w, http.StatusOK, series[groupedPoint]{s.Bucket, data, s.Dropped})
		}
		data := make([]dataPoint, len(s.Points))
		for i, p := range s.Points {
			data[i] = dataPoint{p.At, p.Value}
		}
		return reply(w, http.StatusOK, series[dataPoint]{s.Bucket, data, s.Dropped})
	}
}

type series[T any] struct {
	Bucket  string `json:"bucket"`
	Data    []T    `json:"data"`
	Dropped int64  `json:"dropped,omitempty"`
}

// question reads bucket, function, from, to and origin.
func question(r *http.Request) (q analytics.Question, err error) {
	v := r.URL.Query()
	q.Bucket, q.Function = v.Get("bucket"), v.Get("function")
	for _, p := range []struct {
		name string
		to   *time.Time
	}{{"from", &q.From}, {"to", &q.To}, {"origin", &q.Origin}} {
		s := v.Get(p.name)
		if s == "" {
			continue
		}
		if *p.to, err = time.Parse(time.RFC3339, s); err != nil {
			if *p.to, err = time.Parse(time.DateOnly, s); err != nil {
				return q, badParameter(p.name, "must be a time such as 2026-01-31T12:00:00Z, or a date")
			}
		}
		if p.to.IsZero() {
			return q, badParameter(p.name, "must be a time of this age")
		}
	}
	return q, nil
}

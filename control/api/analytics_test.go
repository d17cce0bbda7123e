package api

import (
	"strings"
	"testing"
	"time"

	"portcullis/edge/waist"
)

// TestMetrics asks all eight operations about two decisions, and holds every answer against the contract.
func TestMetrics(t *testing.T) {
	w := newWorld(t)
	_, token := w.gateway()
	push := waist.RequestEvents{Dropped: 7, Events: []waist.RequestEvent{
		{APIID: "a", PolicyID: "p", DurationMS: 4, Result: waist.Validation{Result: waist.ResultUnauthorized}},
		{APIID: "b", DurationMS: 2, Result: waist.Validation{Result: waist.ResultAuthorized}}}}
	w.callAs(token, "POST", "/api/system/default/gateways/requests", push, 200, nil)
	type answer struct {
		Bucket string `json:"bucket"`
		Data   []struct {
			Timestamp time.Time          `json:"timestamp"`
			Value     float64            `json:"value"`
			Values    map[string]float64 `json:"values"`
		} `json:"data"`
		Dropped int64 `json:"dropped"`
	}
	ask := func(path string, status int) (out answer) {
		t.Helper()
		w.callAs(w.root, "GET", "/api/analytics/default"+path, nil, status, &out)
		return out
	}
	for _, base := range []string{"", "/servers/default"} {
		for _, c := range []struct {
			path                   string
			value, allowed, denied float64
		}{
			{"/gateway-requests?bucket=all", 2, 1, 1}, {"/policy-validations?bucket=all", 1, 0, 1}, {"/gateway-requests?bucket=all&function=sum", 6, 2, 4},
			{"/gateway-requests?bucket=all&function=p50", 2.047, 2.047, 4.095}, {"/gateway-requests?bucket=all&from=2026-11-01&to=2026-11-02T10:01:00%2B00:00", 2, 1, 1},
		} {
			if got := ask(base+c.path, 200); got.Bucket != "all" || len(got.Data) != 1 || got.Data[0].Value != c.value || (got.Dropped == 7) != strings.HasPrefix(c.path, "/gateway") {
				t.Errorf("%s%s: %+v", base, c.path, got)
			}
			path, query, _ := strings.Cut(c.path, "?")
			got := ask(base+path+"/result?"+query, 200)
			if len(got.Data) != 1 || got.Data[0].Values["authorized"] != c.allowed || got.Data[0].Values["unauthorized"] != c.denied {
				t.Errorf("%s%s by result: %+v", base, c.path, got)
			}
		}
		if got := ask(base+"/gateway-requests", 200); got.Bucket != "15m" || len(got.Data) < 96 {
			t.Errorf("%s: without parameters: %s, %d points", base, got.Bucket, len(got.Data))
		}
		ask(base+"/gateway-requests/api", 404)
		for _, bad := range []string{"bucket=2m", "function=avg", "from=yesterday", "to=0001-01-01", "from=2020-01-01", "origin=x", "from=2026-11-02&to=2026-11-01"} {
			ask(base+"/gateway-requests?"+bad, 400)
		}
		ask(base+"/policy-validations?function=p50", 400)
	}
	ask("/servers/nowhere/gateway-requests", 404)
	w.callAs("", "GET", "/api/analytics/default/gateway-requests", nil, 401, nil)
	w.callAs(w.root, "GET", "/api/analytics/other/gateway-requests", nil, 404, nil)
	w.callAs(token, "GET", "/api/analytics/default/gateway-requests", nil, 401, nil) // a token of the system workspace

	w.callAs(w.root, "POST", "/api/analytics/default/gateway-requests", nil, 405, nil)
}

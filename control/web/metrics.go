package web

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Metrics counts requests by surface and status class, and how long they took. The zero value is ready; counting takes no
// lock and allocates nothing.
type Metrics struct {
	surfaces [len(surfaceNames)]surfaceMetrics
}

type surfaceMetrics struct {
	classes     [5]atomic.Int64 // 1xx to 5xx, 304 apart
	notModified atomic.Int64
	buckets     [len(durationBounds) + 1]atomic.Int64
	micros      atomic.Int64
}

var surfaceNames = [...]string{"admin", "system", "hub", "analytics", "portal", "issuer", "server"}

// durationBounds are upper bounds of buckets, in microseconds.
var durationBounds = [...]int64{500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000}

// surfaceOf is the index in surfaceNames of who answers a path.
func surfaceOf(path string) int {
	rest, isAPI := strings.CutPrefix(path, "/api/")
	switch {
	case isAPI:
		first, _, _ := strings.Cut(rest, "/")
		for i := range 4 {
			if surfaceNames[i] == first {
				return i
			}
		}
		return 6
	case strings.HasPrefix(path, "/app/"), path == "/":
		return 4
	case path == "/healthz", path == "/readyz", path == "/openapi.yaml":
		return 6
	}
	return 5
}

func (m *Metrics) count(path string, status int, took time.Duration) {
	s := &m.surfaces[surfaceOf(path)]
	switch class := status/100 - 1; {
	case status == http.StatusNotModified:
		s.notModified.Add(1)
	case class >= 0 && class < len(s.classes):
		s.classes[class].Add(1)
	}
	us := took.Microseconds()
	i := 0
	for i < len(durationBounds) && us > durationBounds[i] {
		i++
	}
	s.buckets[i].Add(1)
	s.micros.Add(us)
}

// Write writes the counters in the text format of Prometheus.
func (m *Metrics) Write(w io.Writer) {
	fmt.Fprintln(w, "# HELP portcullis_requests_total Requests by surface and status class; 304 is a class of its own.\n# TYPE portcullis_requests_total counter")
	for i, name := range surfaceNames {
		s := &m.surfaces[i]
		for class := range s.classes {
			if n := s.classes[class].Load(); n > 0 || class == 1 {
				fmt.Fprintf(w, "portcullis_requests_total{surface=%q,status=\"%dxx\"} %d\n", name, class+1, n)
			}
		}
		if n := s.notModified.Load(); n > 0 || name == "system" {
			fmt.Fprintf(w, "portcullis_requests_total{surface=%q,status=\"304\"} %d\n", name, n)
		}
	}
	fmt.Fprintln(w, "# HELP portcullis_request_duration_seconds How long requests took.\n# TYPE portcullis_request_duration_seconds histogram")
	for i, name := range surfaceNames {
		s := &m.surfaces[i]
		sum := int64(0)
		for b := range s.buckets {
			sum += s.buckets[b].Load()
			bound := "+Inf"
			if b < len(durationBounds) {
				bound = fmt.Sprint(float64(durationBounds[b]) / 1e6)
			}
			fmt.Fprintf(w, "portcullis_request_duration_seconds_bucket{surface=%q,le=%q} %d\n", name, bound, sum)
		}
		fmt.Fprintf(w, "portcullis_request_duration_seconds_sum{surface=%q} %g\n", name, float64(s.micros.Load())/1e6)
		fmt.Fprintf(w, "portcullis_request_duration_seconds_count{surface=%q} %d\n", name, sum)
	}
}

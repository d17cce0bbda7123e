package web

import "net/http"

// Unrouted says how mux would refuse a request that none of its patterns takes: 404, or 405 with the methods that the path
// knows. 0 means that a pattern takes it. Surfaces use it to refuse in their own format instead of net/http's plain text.
func Unrouted(mux *http.ServeMux, r *http.Request) (status int, allow string) {
	if _, pattern := mux.Handler(r); pattern != "" {
		return 0, ""
	}
	probe := statusOnly{header: http.Header{}, status: http.StatusNotFound}
	mux.ServeHTTP(&probe, r)
	return probe.status, probe.header.Get("Allow")
}

// statusOnly takes what net/http would have answered.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }

package oauth

import "net/http"

// openToBrowsers lets scripts of any origin call an endpoint and read its answer, as applications that run in a browser
// must (OAuth 2.0 for Browser-Based Applications; Fetch, "CORS protocol"). Nothing here looks at a cookie: what proves
// the caller is in the request, and answers to requests with credentials stay unreadable ("*" without
// Access-Control-Allow-Credentials).
func openToBrowsers(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		readable(w.Header())
		next(w, r)
	}
}

func readable(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After, X-Request-Id")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// preflight answers the question that a browser asks first.
func preflight(methods string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		readable(w.Header())
		w.Header().Set("Access-Control-Allow-Methods", methods)
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		w.Header().Set("Access-Control-Max-Age", "7200")
		w.WriteHeader(http.StatusNoContent)
	}
}

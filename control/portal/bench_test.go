package portal_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkAuthorization is APIs › AUTHORIZATION of a workspace with 1,000 APIs, server side.
func BenchmarkAuthorization(b *testing.B) {
	w := newWorld(b)
	gw, _ := petStore(b, w)
	w.discoverMany(gw.ID, 1000)
	browser := w.signedIn("admin", password)
	handler := w.server.Config.Handler
	cookies := browser.client.Jar.Cookies(must(http.NewRequest("GET", w.server.URL, nil))(b).URL)
	b.ReportAllocs()
	for b.Loop() {
		req := httptest.NewRequest("GET", w.server.URL+"/app/default/apis/authorization", nil)
		for _, c := range cookies {
			req.AddCookie(c)
		}
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, req)
		if rec.Code != 200 {
			b.Fatalf("status %d", rec.Code)
		}
		n, _ := io.Copy(io.Discard, rec.Body)
		b.SetBytes(n)
	}
}

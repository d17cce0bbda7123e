package portal_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"
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
	before := cpuTime(b)
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
	// What the page costs, also on a machine that does other things at the same time.
	b.ReportMetric(float64(cpuTime(b)-before)/float64(time.Millisecond)/float64(b.N), "cpu-ms/op")
}

// cpuTime is the processor time that this process has taken.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

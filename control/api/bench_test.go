package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/analytics"
	"portcullis/control/oauth"
	"portcullis/control/store/storetest"
	"portcullis/control/web"
)

// BenchmarkPollUnchanged is the poll of an authorizer that has the current configuration (304), token verification
// included, without the network.
func BenchmarkPollUnchanged(b *testing.B) {
	ctx := context.Background()
	keyring, err := admin.ParseKeyring(admin.GenerateMasterKey())
	if err != nil {
		b.Fatal(err)
	}
	st := storetest.SQLite(b)
	adm := admin.New(admin.Options{Store: st, PublicURL: "http://localhost", Keyring: keyring})
	if _, err := adm.Bootstrap(ctx, admin.BootstrapOptions{AdminPassword: "correct horse battery staple", ClientID: rootID, ClientSecret: rootSecret}); err != nil {
		b.Fatal(err)
	}
	gw, err := adm.CreateGateway(ctx, control.Actor{Kind: control.OperatorActor, ID: "operator", TenantID: "default", Role: control.Admin},
		control.GatewayCreate{WorkspaceID: "default", Name: "AWS", Type: "aws"})
	if err != nil {
		b.Fatal(err)
	}
	issuer := oauth.New(oauth.Options{Admin: adm, Store: st, PublicURL: "http://localhost"})
	events := analytics.New(analytics.Options{Store: st})
	b.Cleanup(func() { events.Close(ctx) })
	handler := web.Secure(New(Options{Admin: adm, Analytics: events, PublicURL: "http://localhost",
		Authenticate: issuer.Actor}), web.Options{})
	token := mintFor(b, issuer, gw)
	poll := func(tag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", configurationPath, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("If-None-Match", tag)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	tag := poll("").Header().Get("ETag")
	b.ReportAllocs()
	before := processTime(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if w := poll(tag); w.Code != http.StatusNotModified {
				b.Fatal(w.Code, w.Body)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "polls/s")
	// What the machine's other work does not change: polls for each second that a core worked for us.
	b.ReportMetric(float64(b.N)/(processTime(b)-before).Seconds(), "polls/core-s")
}

// processTime is the processor time that this process has used, garbage collection included.
func processTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// mintFor gets the gateway's token from the token endpoint.
func mintFor(b *testing.B, issuer *oauth.Issuer, gw control.GatewayWithClient) string {
	b.Helper()
	r := httptest.NewRequest("POST", "/default/system/oauth2/token", strings.NewReader("grant_type=client_credentials"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(gw.Client.ID, gw.ClientSecret)
	w := httptest.NewRecorder()
	issuer.Handler().ServeHTTP(w, r)
	var out struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || out.AccessToken == "" {
		b.Fatalf("%d %s", w.Code, w.Body)
	}
	return out.AccessToken
}

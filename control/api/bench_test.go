package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
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

// BenchmarkListAPIs lists the 1,000 APIs of a workspace (ten services, every second API with a policy), by HTTP on the loopback
// interface, and prints what half and what 99 of 100 calls did not exceed.
func BenchmarkListAPIs(b *testing.B) {
	ctx := context.Background()
	keyring, err := admin.ParseKeyring(admin.GenerateMasterKey())
	if err != nil {
		b.Fatal(err)
	}
	st := storetest.SQLite(b)
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	b.Cleanup(server.Close)
	adm := admin.New(admin.Options{Store: st, PublicURL: server.URL, Keyring: keyring})
	if _, err := adm.Bootstrap(ctx, admin.BootstrapOptions{AdminPassword: "correct horse battery staple", ClientID: rootID, ClientSecret: rootSecret}); err != nil {
		b.Fatal(err)
	}
	root := control.Actor{Kind: control.OperatorActor, ID: "operator", TenantID: "default", Role: control.Admin}
	for s := range 10 {
		svc, err := adm.CreateService(ctx, root, control.Service{WorkspaceID: "default", Name: fmt.Sprint("Service ", s)})
		if err != nil {
			b.Fatal(err)
		}
		var doc strings.Builder
		doc.WriteString("openapi: 3.0.0\npaths:\n")
		for n := range 100 {
			fmt.Fprintf(&doc, "  /service-%d/resources-%d/{id}: {get: {}}\n", s, n)
		}
		res, err := adm.ImportSpecification(ctx, root, svc.ID, control.SpecificationImport{Text: []byte(doc.String())})
		if err != nil {
			b.Fatal(err)
		}
		ids := []string{}
		for i := 0; i < len(res.CreatedAPIs); i += 2 {
			ids = append(ids, res.CreatedAPIs[i].ID)
		}
		if _, err := adm.AssignPolicy(ctx, root, "default", ids, "block_default_api"); err != nil {
			b.Fatal(err)
		}
	}
	issuer := oauth.New(oauth.Options{Admin: adm, Store: st, PublicURL: server.URL})
	events := analytics.New(analytics.Options{Store: st})
	b.Cleanup(func() { events.Close(ctx) })
	handler = web.Secure(New(Options{Admin: adm, Analytics: events, PublicURL: server.URL, Authenticate: issuer.Actor}), web.Options{})
	token := mintIn(b, issuer, "admin", rootID, rootSecret)
	took := []time.Duration{}
	for b.Loop() {
		r, err := http.NewRequest("GET", server.URL+"/api/admin/default/servers/default/apis", nil)
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		start := time.Now()
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		took = append(took, time.Since(start))
		if err != nil || resp.StatusCode != http.StatusOK || bytes.Count(body, []byte(`"method":"GET"`)) != 1000 {
			b.Fatal(resp.StatusCode, len(body), err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[min(len(took)-1, len(took)*99/100)].Microseconds())/1000, "p99-ms")
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
	return mintIn(b, issuer, "system", gw.Client.ID, gw.ClientSecret)
}

func mintIn(b *testing.B, issuer *oauth.Issuer, workspace, id, secret string) string {
	b.Helper()
	r := httptest.NewRequest("POST", "/default/"+workspace+"/oauth2/token", strings.NewReader("grant_type=client_credentials"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(id, secret)
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

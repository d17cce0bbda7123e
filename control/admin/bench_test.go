package admin_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store/storetest"
	"portcullis/edge/waist"
)

// bench is a workspace with one bound group of n methods, on SQLite with the real clock.
func bench(b *testing.B, n int) (a *admin.Admin, root, authorizer control.Actor, gid string) {
	b.Helper()
	k, err := admin.ParseKeyring(masterKey)
	if err != nil {
		b.Fatal(err)
	}
	a = admin.New(admin.Options{Store: storetest.SQLite(b), PublicURL: "http://127.0.0.1:8080", Keyring: k})
	if _, err := a.Bootstrap(ctx, admin.BootstrapOptions{}); err != nil {
		b.Fatal(err)
	}
	root = control.Actor{Kind: control.UserActor, ID: "root", TenantID: control.DefaultTenant, Role: control.Admin}
	g, err := a.CreateGateway(ctx, root, control.GatewayCreate{WorkspaceID: "default", Name: "AWS", Type: "aws", AutoBind: true, DefaultPolicyID: "block_default_api"})
	if err != nil {
		b.Fatal(err)
	}
	authorizer, err = a.ActorForToken(ctx, control.DefaultTenant, control.SystemWorkspace, g.ClientID, g.Client.Scopes)
	if err != nil {
		b.Fatal(err)
	}
	group := petStore()
	for i := range n {
		group.APIs = append(group.APIs, waist.GatewayAPI{Method: "GET", Path: fmt.Sprintf("/r%d/{id}", i)})
	}
	start := time.Now()
	if _, err := a.SetInventory(ctx, authorizer, inventory(group)); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d methods taken in and bound in %v", n, time.Since(start))
	return a, root, authorizer, g.ID
}

// BenchmarkUnchangedPoll is the 304 path without HTTP: 1,000 environments, nothing changes.
func BenchmarkUnchangedPoll(b *testing.B) {
	a, _, authorizer, _ := bench(b, 1000)
	first, err := a.ConfigurationJSON(ctx, authorizer, control.GatewayPoll{})
	if err != nil {
		b.Fatal(err)
	}
	etag := first.ETag
	var n atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			env := fmt.Sprintf("environment-%d", n.Add(1)%1000)
			if got, err := a.ConfigurationJSON(ctx, authorizer, control.GatewayPoll{ETag: etag, Environment: env}); got.JSON != nil || err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "polls/s")
}

// BenchmarkNewRevision is a change and the poll that builds the document of 10,000 APIs anew.
func BenchmarkNewRevision(b *testing.B) {
	a, root, authorizer, _ := bench(b, 10_000)
	for b.Loop() {
		if _, err := a.CreateScope(ctx, root, control.Scope{WorkspaceID: "default", Name: fmt.Sprint("s", time.Now().UnixNano())}); err != nil {
			b.Fatal(err)
		}
		if got, err := a.ConfigurationJSON(ctx, authorizer, control.GatewayPoll{}); len(got.JSON) < 1_000_000 || err != nil {
			b.Fatal(len(got.JSON), err)
		}
	}
}

// BenchmarkListServiceAPIs is what APIs › AUTHORIZATION reads, with 1,000 APIs in the workspace.
func BenchmarkListServiceAPIs(b *testing.B) {
	a, root, _, _ := bench(b, 1000)
	for b.Loop() {
		if all, err := a.ListServiceAPIs(ctx, root, "default"); err != nil || len(all[0].APIs) != 1000 {
			b.Fatal(err)
		}
	}
}

// BenchmarkUnchangedInventory is what the schedule costs each minute: 1,000 methods, nothing changes.
func BenchmarkUnchangedInventory(b *testing.B) {
	a, _, authorizer, _ := bench(b, 1000)
	group := petStore()
	for i := range 1000 {
		group.APIs = append(group.APIs, waist.GatewayAPI{Method: "GET", Path: fmt.Sprintf("/r%d/{id}", i)})
	}
	for b.Loop() {
		if _, err := a.SetInventory(ctx, authorizer, inventory(group)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSignedPoll is the 304 path of the functions that store the configuration: once a second it is signed anew.
func BenchmarkSignedPoll(b *testing.B) {
	a, _, authorizer, _ := bench(b, 1000)
	first, err := a.ConfigurationJSON(ctx, authorizer, control.GatewayPoll{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		if got, err := a.ConfigurationJSON(ctx, authorizer, control.GatewayPoll{ETag: first.ETag, Sign: true}); got.JSON != nil || len(got.Signatures) != 1 || err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "polls/s")
}

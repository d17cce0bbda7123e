package admin_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store/storetest"
)

// BenchmarkTree is a workspace with 10,000 APIs and 1,000 policies, half of them Rego: its export, its import into a
// database that has nothing of it, and its import over itself.
func BenchmarkTree(b *testing.B) {
	tree := map[string]any{}
	policies, apis := map[string]any{}, map[string]any{}
	for i := range 1000 {
		id := fmt.Sprintf("p%04d", i)
		if policies[id] = map[string]any{"policy_name": id, "language": "rego", "definition": fmt.Sprintf("package acp.authz\n\ndefault allow = false\n\nallow {\n\tinput.authn_ctx.sub == \"user-%d\"\n}\n", i)}; i%2 == 0 {
			policies[id] = map[string]any{"policy_name": id, "validators": []any{map[string]any{"name": "attributes", "conf": map[string]any{"fields": []any{
				map[string]any{"field": "authnCtx.sub", "comparator": "equals", "value": id}}}}}}
		}
	}
	for i := range 10_000 {
		apis[fmt.Sprintf("a%05d", i)] = map[string]any{"method": "GET", "path": fmt.Sprintf("/r%d/{id}", i), "policy_id": fmt.Sprintf("p%04d", i%1000)}
	}
	tree["policies"] = policies
	tree["services"] = map[string]any{"s": map[string]any{"name": "S", "apis": apis}}
	document, err := control.TreeDocument(tree)
	if err != nil {
		b.Fatal(err)
	}
	fresh := func(b *testing.B) (*admin.Admin, control.Actor) {
		k, err := admin.ParseKeyring(masterKey)
		if err != nil {
			b.Fatal(err)
		}
		a := admin.New(admin.Options{Store: storetest.SQLite(b), PublicURL: "http://127.0.0.1:8080", Keyring: k})
		if _, err := a.Bootstrap(ctx, admin.BootstrapOptions{}); err != nil {
			b.Fatal(err)
		}
		return a, control.Actor{Kind: control.UserActor, ID: "root", TenantID: control.DefaultTenant, Role: control.Admin}
	}
	take := func(b *testing.B, a *admin.Admin, root control.Actor) {
		if err := a.ImportWorkspace(ctx, root, "default", document, updating); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("import", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			a, root := fresh(b)
			b.StartTimer()
			take(b, a, root)
		}
	})
	a, root := fresh(b)
	take(b, a, root)
	b.Run("export", func(b *testing.B) {
		for b.Loop() {
			out, err := a.ExportWorkspace(ctx, root, "default", false)
			if err != nil || len(out.Services["s"].APIs) != 10_000 {
				b.Fatal(err)
			}
			text, err := json.Marshal(out)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			take(b, a, root)
		}
	})
}

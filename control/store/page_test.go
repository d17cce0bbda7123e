package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/control/store/storetest"

	"github.com/google/go-cmp/cmp"
)

// TestPages: whatever the order and the size of a page, going through a list forwards or backwards meets every object
// once, also while others come and go.
func TestPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		ctx := context.Background()
		seed(t, st)
		add := func(id, name string) {
			t.Helper()
			if err := st.Tx(ctx, func(tx *store.Tx) error {
				return tx.AddService(ctx, control.Service{TenantID: "default", ID: id, WorkspaceID: "demo", Name: name, Type: "user"})
			}); err != nil {
				t.Fatal(err)
			}
		}
		names := []string{"pets", "Pets", "orders", "Zoo", "apples", "100% juice", "under_score", "pets"}
		for i := range 24 {
			add(fmt.Sprintf("s%02d", (i*7)%24), names[i%len(names)])
		}
		read := func(p store.Page) []string {
			t.Helper()
			list, err := st.Services(ctx, "default", "demo", p)
			if err != nil {
				t.Fatal(err)
			}
			out := []string{}
			for _, s := range list {
				out = append(out, s.ID)
			}
			return out
		}
		for _, byName := range []bool{false, true} {
			for _, desc := range []bool{false, true} {
				for _, search := range []string{"", "PETS"} {
					all := read(store.Page{ByName: byName, Desc: desc, Search: search})
					if want := map[string]int{"": 24, "PETS": 9}[search]; len(all) != want {
						t.Errorf("%d services with %q, want %d", len(all), search, want)
					}
					for _, size := range []int{1, 5, 24} {
						p := store.Page{ByName: byName, Desc: desc, Search: search, Limit: size}
						forward := []string{}
						for {
							page := read(p)
							if len(page) == 0 {
								break
							}
							forward = append(forward, page...)
							p.After = page[len(page)-1]
						}
						p.After, p.Before = "", all[len(all)-1]
						backward := []string{p.Before}
						for {
							page := read(p)
							if len(page) == 0 {
								break
							}
							backward = append(slices.Clone(page), backward...)
							p.Before = page[0]
						}
						if diff := cmp.Diff(all, forward) + cmp.Diff(all, backward); diff != "" {
							t.Errorf("%+v:\n%s", p, diff)
						}
					}
				}
			}
		}

		// While one goes through by name, others come in front of and behind the cursor, and the page's end goes.
		seen := map[string]int{}
		p := store.Page{ByName: true, Limit: 4}
		for i := 0; ; i++ {
			page := read(p)
			if len(page) == 0 {
				break
			}
			for _, id := range page {
				seen[id]++
			}
			p.After = page[len(page)-1]
			add(fmt.Sprintf("a%02d", i), "aaa")
			if i < 3 {
				add(fmt.Sprintf("z%02d", i), "zzz")
			}
		}
		for i := range 24 {
			if id := fmt.Sprintf("s%02d", i); seen[id] != 1 {
				t.Errorf("%s was met %d times", id, seen[id])
			}
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s was met %d times", id, n)
			}
		}
		if err := st.Tx(ctx, func(tx *store.Tx) error { return tx.RemoveService(ctx, "default", "s05") }); err != nil {
			t.Fatal(err)
		}
		if page := read(store.Page{After: "s05", Limit: 1}); !slices.Equal(page, []string{"s06"}) {
			t.Errorf("behind an object that has gone, by id: %v", page)
		}
		if _, err := st.Services(ctx, "default", "demo", store.Page{ByName: true, After: "s05"}); control.KindOf(err) != control.Malformed {
			t.Errorf("behind an object that has gone, by name: %v", err)
		}
	})
}

// TestClientFilter narrows by what is derived from a client.
func TestClientFilter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		ctx := context.Background()
		seed(t, st)
		for _, c := range []control.Client{
			{ID: "app", GrantTypes: []string{"authorization_code", "refresh_token"}, AuthMethod: "client_secret_basic"},
			{ID: "ci", GrantTypes: []string{"client_credentials"}, AuthMethod: "private_key_jwt"},
			{ID: "spa", GrantTypes: []string{"authorization_code"}, AuthMethod: "none"},
		} {
			c.TenantID, c.WorkspaceID, c.Name, c.Status = "default", "demo", c.ID, "active"
			if err := st.Tx(ctx, func(tx *store.Tx) error { return tx.AddClient(ctx, c) }); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			f    control.ClientFilter
			want []string
		}{
			{control.ClientFilter{}, []string{"app", "ci", "spa"}},
			{control.ClientFilter{ApplicationTypes: []string{"service"}}, []string{"ci"}},
			{control.ClientFilter{ApplicationTypes: []string{"single_page", "server_web"}}, []string{"app", "spa"}},
			{control.ClientFilter{ApplicationTypes: []string{"legacy"}}, nil},
			{control.ClientFilter{Kinds: []string{"public"}}, []string{"spa"}},
			{control.ClientFilter{Kinds: []string{"confidential", "public"}, ApplicationTypes: []string{"server_web"}}, []string{"app"}},
		} {
			list, err := st.Clients(ctx, "default", "demo", c.f, store.Page{})
			var got []string
			for _, x := range list {
				got = append(got, x.ID)
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%+v: %v, %v; want %v", c.f, got, err, c.want)
			}
		}
	})
}

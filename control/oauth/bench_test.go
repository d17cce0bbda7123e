package oauth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store/storetest"
)

// BenchmarkToken is the token endpoint without the network (client_credentials), next to a bare signature of the same key.
func BenchmarkToken(b *testing.B) {
	ctx := context.Background()
	actor := control.Actor{Kind: control.OperatorActor, ID: "operator", TenantID: "default", Role: control.Admin}
	keyring, err := admin.ParseKeyring(admin.GenerateMasterKey())
	if err != nil {
		b.Fatal(err)
	}
	st := storetest.SQLite(b)
	adm := admin.New(admin.Options{Store: st, PublicURL: "http://localhost", Keyring: keyring})
	if _, err := adm.Bootstrap(ctx, admin.BootstrapOptions{AdminPassword: password, ClientID: rootID, ClientSecret: rootSecret}); err != nil {
		b.Fatal(err)
	}
	handler := New(Options{Admin: adm, Store: st, PublicURL: "http://localhost"}).Handler()
	for _, kind := range []string{"ecdsa", "rsa"} {
		ws, err := adm.CreateWorkspace(ctx, actor, control.Workspace{Name: kind, ID: "bench-" + kind, KeyType: kind})
		if err != nil {
			b.Fatal(err)
		}
		client, secret, err := adm.CreateClient(ctx, actor, control.Client{WorkspaceID: ws.ID, Name: "Bench"}, "")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(kind+"/request", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r := httptest.NewRequest("POST", "/default/"+ws.ID+"/oauth2/token", strings.NewReader("grant_type=client_credentials"))
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					r.SetBasicAuth(url.QueryEscape(client.ID), url.QueryEscape(secret))
					w := httptest.NewRecorder()
					if handler.ServeHTTP(w, r); w.Code != http.StatusOK {
						b.Fatal(w.Code, w.Body)
					}
				}
			})
		})
		keys, err := adm.SigningKeys(ctx, "default", ws.ID)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(kind+"/bare-signature", func(b *testing.B) {
			payload := make([]byte, 400)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					digest := sha256.Sum256(payload)
					var err error
					switch k := keys[0].Private.(type) {
					case *ecdsa.PrivateKey:
						_, err = ecdsa.SignASN1(rand.Reader, k, digest[:])
					case *rsa.PrivateKey:
						_, err = k.Sign(rand.Reader, digest[:], crypto.SHA256)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

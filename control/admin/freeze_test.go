package admin_test

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/control/store/storetest"
	"portcullis/edge/waist"
)

var freeze = flag.String("freeze", "", "write the schema as it is now, with rows in it, to this file, relative to control/admin")

// TestFreeze makes the dumps control/store/testdata/frozen-N.sql that store's TestMigrateFrozen migrates:
//
//	go test ./control/admin -run TestFreeze -freeze ../store/testdata/frozen-N.sql
//
// A dump is the Up half of every migration, in the text that both engines read, and the rows of a database that the verbs
// made. It is never made anew for a schema that was released. Tables without rows are named in the log: add to populate.
func TestFreeze(t *testing.T) {
	path := filepath.Join(t.TempDir(), "freeze.db")
	w := newWorld(t, storetest.Open(t, "sqlite://"+path+"?durability=none"))
	populate(t, w)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()

	var out strings.Builder
	files, err := filepath.Glob("../store/migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no migrations", err)
	}
	for _, f := range files { // in order of their number
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		up, _, ok := strings.Cut(string(text), "-- +goose Down")
		if !ok || strings.Count(up, "-- +goose") != 1 {
			t.Fatalf("%s is not one Up half and one Down half of plain statements", f)
		}
		for line := range strings.Lines(strings.Replace(up, "-- +goose Up\n", "", 1)) {
			if code, _, _ := strings.Cut(line, "--"); strings.TrimSpace(code) != "" {
				out.WriteString(strings.TrimRight(code, " \n") + "\n")
			}
		}
	}
	tables, err := db.Query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for tables.Next() {
		var name string
		if err := tables.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := tables.Err(); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		rows := dumpTable(t, db, name)
		if rows == "" {
			t.Logf("the table %s has no rows", name)
		}
		out.WriteString(rows)
	}
	if *freeze != "" {
		if err := os.WriteFile(*freeze, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// dumpTable is a table's rows as INSERT statements that SQLite and PostgreSQL both read.
func dumpTable(t *testing.T, db *sql.DB, name string) string {
	t.Helper()
	what := "*"
	if name == "goose_db_version" { // its other columns differ by engine
		what = "version_id, is_applied"
	}
	rows, err := db.Query("SELECT " + what + " FROM " + name)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for rows.Next() {
		values, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		var titles, literals []string
		for i, c := range columns {
			titles = append(titles, c.Name())
			switch v := values[i].(type) {
			case nil:
				literals = append(literals, "NULL")
			case int64:
				if c.DatabaseTypeName() == "BOOLEAN" || c.Name() == "is_applied" {
					literals = append(literals, strings.ToUpper(fmt.Sprint(v != 0)))
					continue
				}
				literals = append(literals, fmt.Sprint(v))
			case string:
				if strings.Contains(v, ";\n") {
					t.Fatalf("%s.%s holds a semicolon at the end of a line, which the dump's reader takes for the end of a statement", name, c.Name())
				}
				literals = append(literals, "'"+strings.ReplaceAll(v, "'", "''")+"'")
			default:
				t.Fatalf("%s.%s is a %T", name, c.Name(), v)
			}
		}
		fmt.Fprintf(&out, "INSERT INTO %s (%s) VALUES (%s);\n", name, strings.Join(titles, ", "), strings.Join(literals, ", "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// populate makes something of every kind.
func populate(t *testing.T, w *world) {
	f := newFixture(t, w)
	g := must(w.GetGateway(ctx, w.root, f.gateway))(t)
	authorizer := must(w.ActorForToken(ctx, control.DefaultTenant, control.SystemWorkspace, g.ClientID, g.Client.Scopes))(t)
	w.push(authorizer, petStore("GET", "/pets", "POST", "/pets", "ANY", "/{proxy+}"))
	pets := must(w.BindGroupToNewService(ctx, w.root, g.ID, "a1b2c3-dev", control.Service{Name: "PetStore"}))(t)
	outer := must(w.CreatePolicy(ctx, w.root, control.Policy{ServerID: "default", PolicyName: "It's outer", Validators: embedding("block_default_api")}))(t)
	must(w.CreatePolicy(ctx, w.root, control.Policy{ServerID: "default", PolicyName: "Rego", Language: "rego",
		Definition: "package acp.authz\n\ndefault allow = false\n\nallow { input.authn_ctx.sub == \"it's me\" }\n"}))(t)
	w.assign(pets.ID, "GET", "/pets", outer.ID)
	w.assign(pets.ID, "ANY", "/{proxy+}", outer.ID)
	w.push(authorizer, petStore("GET", "/pets", "POST", "/pets")) // ANY /{proxy+} is gone
	must(w.CreateScope(ctx, w.root, control.Scope{WorkspaceID: "default", ServiceID: pets.ID, Name: "pets.*"}))(t)
	if _, _, err := w.Configuration(ctx, authorizer, control.GatewayPoll{Environment: "one", Version: "1.0", Revision: 3}); err != nil {
		t.Fatal(err)
	}
	must(w.SetTrustedIssuers(ctx, w.root, "default", []waist.TrustedIssuer{{IssuerURL: "https://idp.example.com",
		JWKS: []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k","use":"sig","alg":"EdDSA"}]}`), Audiences: []string{"pets"}}}))(t)
	if err := w.SetWorkspaceMetadata(ctx, w.root, "default", []byte(`{"owner":"team pets"}`)); err != nil {
		t.Fatal(err)
	}
	if err := w.RevokeTokens(ctx, w.root, "default", f.client, ""); err != nil {
		t.Fatal(err)
	}
	must(w.RotateClientSecretKeeping(ctx, w.root, f.client, time.Hour))(t)
	if _, _, err := w.Admin.Login(ctx, control.DefaultTenant, "default", "joe", "a password of joe", "192.0.2.1", "Firefox"); err != nil {
		t.Fatal(err)
	}
	at := w.clock.Now()
	later := at.Add(time.Hour)
	err := w.st.Tx(ctx, func(tx *store.Tx) error {
		for _, do := range []func() error{
			func() error {
				return tx.AddGrant(ctx, store.Grant{TenantID: "default", ID: "grant", WorkspaceID: "default", ClientID: f.client, UserID: f.user, Scopes: []string{"openid"},
					CodeHash: "c0de", FamilyHash: "fa41", Authentication: control.Authentication{At: at}, CreatedAt: at, UsedAt: at, ExpiresAt: later},
					store.Code{RedirectURI: "https://app.example.com/cb", Challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", ExpiresAt: later})
			},
			func() error { return tx.AddRefreshToken(ctx, "default", "grant", "4ef4", at, later) },
			func() error {
				return tx.AddPushedRequest(ctx, store.PushedRequest{Hash: "9a4", TenantID: "default", WorkspaceID: "default", ClientID: f.client, Query: "scope=openid", ExpiresAt: later})
			},
			func() error { return tx.RevokeToken(ctx, "default", "default", "jti-1", later) },
			func() error { _, err := tx.UseAssertion(ctx, "default", f.client, "a55e", at, later); return err },
			func() error {
				return tx.AddAccessToken(ctx, store.AccessToken{Hash: "0a9e", TenantID: "default", WorkspaceID: "default", Claims: []byte(`{"sub":"it's me"}`), ExpiresAt: later}, at)
			},
			func() error {
				return tx.AddDecisions(ctx, []store.Decision{{TenantID: "default", WorkspaceID: "default", ID: store.NewTimeID(at), GatewayID: g.ID, At: at,
					Result: "UNAUTHORIZED", Reason: "policy_denied", APIID: f.api, PolicyID: outer.ID, DurationUS: 40, Event: `{"path":"/pets"}`}})
			},
		} {
			if err := do(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

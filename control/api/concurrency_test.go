package api

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"portcullis/control/store"
	"portcullis/control/store/storetest"
)

// answers is what many requests at once were answered.
type answers struct {
	mu     sync.Mutex
	status map[int]int
	bodies map[string]int // :: of successes
	replay int
}

// together sends n requests at once; body makes the i-th one's.
func (w *world) together(n int, method, path string, body func(i int) any, headers ...string) *answers {
	w.t.Helper()
	out := &answers{status: map[int]int{}, bodies: map[string]int{}}
	var wait sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wait.Go(func() {
			b, err := json.Marshal(body(i))
			if err != nil {
				w.t.Error(err)
				return
			}
			req, err := http.NewRequest(method, w.server.URL+path, bytes.NewReader(b))
			if err != nil {
				w.t.Error(err)
				return
			}
			req.Header.Set("Authorization", "Bearer "+w.root)
			req.Header.Set("Content-Type", "application/json")
			for i := 0; i+1 < len(headers); i += 2 {
				req.Header.Set(headers[i], headers[i+1])
			}
			<-start
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				w.t.Error(err)
				return
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				w.t.Error(err)
			}
			out.mu.Lock()
			defer out.mu.Unlock()
			out.status[resp.StatusCode]++
			if resp.StatusCode/100 == 2 {
				out.bodies[string(text)]++
			}
			if resp.Header.Get(idempotencyReplays) == "true" {
				out.replay++
			}
			if resp.StatusCode == 409 && resp.Header.Get("Retry-After") == "" {
				w.t.Error("a request under way is refused without Retry-After")
			}
		})
	}
	close(start)
	wait.Wait()
	return out
}

// TestIfMatchRace: of many changes that name the same version, one is made and the others are refused with 412, whatever
// the object is (RFC 9110 13.1.1).
func TestIfMatchRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorldOn(t, st)
		const admin, system = "/api/admin/default", "/api/system/default"
		made := func(collection string, in obj, id string) string {
			var out obj
			w.call("POST", collection, in, 201, &out)
			return out[id].(string)
		}
		service := made("/services", obj{"authorization_server_id": "default", "name": "Pets"}, "id")
		scope := made("/scopes", obj{"authorization_server_id": "default", "name": "read"}, "id")
		api := made("/apis", obj{"server_id": "default", "service_id": service, "method": "GET", "path": "/pets"}, "id")
		policy := made("/policies", obj{"server_id": "default", "policy_name": "Nobody", "type": "api", "language": "cloudentity", "validators": []any{obj{"name": "false"}}}, "id")
		client := made("/clients", obj{"authorization_server_id": "default", "client_name": "App"}, "client_id")
		gw, _ := w.gateway()
		for _, c := range []struct {
			noun, path string
			read       string // where the version is read, when it is not the path
			body       func(i int) any
		}{
			{"service", admin + "/services/" + service, "", func(i int) any { return obj{"name": "Pets " + strconv.Itoa(i)} }},
			{"scope", admin + "/scopes/" + scope, "", func(i int) any { return obj{"name": "read" + strconv.Itoa(i)} }},
			{"api", admin + "/apis/" + api, "", func(i int) any { return obj{"data_classifications": []string{"tag" + strconv.Itoa(i)}} }},
			{"policy", admin + "/policies/" + policy, "", func(i int) any {
				return obj{"server_id": "default", "policy_name": "Nobody " + strconv.Itoa(i), "type": "api", "language": "cloudentity", "validators": []any{obj{"name": "false"}}}
			}},
			{"client", admin + "/clients/" + client, "", func(i int) any {
				return obj{"authorization_server_id": "default", "client_name": "App " + strconv.Itoa(i)}
			}},
			{"gateway", admin + "/gateways/" + gw.ID, "", func(i int) any { return obj{"name": "AWS " + strconv.Itoa(i)} }},
			{"server", admin + "/servers/default", "", func(i int) any { return obj{"name": "Default " + strconv.Itoa(i)} }},
			{"metadata", admin + "/workspaces/default/metadata", admin + "/workspaces/default", func(i int) any { return obj{"i": i} }},
			{"trusted issuers", admin + "/servers/default/trusted-issuers", "", func(i int) any {
				return obj{"trusted_issuers": []any{obj{"issuer_url": "https://" + strconv.Itoa(i) + ".example.com", "jwks_url": "https://" + strconv.Itoa(i) + ".example.com/jwks", "audiences": []string{"a"}}}}
			}},
			{"execution points", admin + "/servers/default/policy-execution-points", "", func(i int) any {
				p := policy
				if i%2 == 0 {
					p = "block_default_api"
				}
				return obj{"execution_points": []any{obj{"type": "api", "target_fk": api, "policy_id": p}}}
			}},
		} {
			t.Run(c.noun, func(t *testing.T) {
				sub := *w
				sub.t = t
				read := c.read
				if read == "" {
					read = c.path
				}
				tag := sub.callAs(w.root, "GET", read, nil, 200, nil).Get("ETag")
				if tag == "" {
					t.Fatal("no ETag")
				}
				got := sub.together(12, "PUT", c.path, c.body, "If-Match", tag)
				if got.status[200]+got.status[201] != 1 || got.status[412] != 11 {
					t.Errorf("%v, want one success and 11 times 412", got.status)
				}
			})
		}
	})
}

// TestIdempotencyRace: of many requests with one key, one makes the client; the others are answered the same, secret
// included, or told to wait. Nothing of the answer can be read in the database.
func TestIdempotencyRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorldOn(t, st)
		key := strings.Repeat("k", 32)
		body := func(int) any { return obj{"authorization_server_id": "default", "client_name": "App"} }
		for range 3 {
			got := w.together(8, "POST", "/api/admin/default/clients", body, idempotencyKey, key)
			if got.status[201]+got.status[409] != 8 || len(got.bodies) > 1 || got.status[201]-got.replay > 1 {
				t.Errorf("%v, %d answers, %d replays", got.status, len(got.bodies), got.replay)
			}
		}
		got := w.together(2, "POST", "/api/admin/default/clients", body, idempotencyKey, key)
		if got.replay != 2 || len(got.bodies) != 1 {
			t.Errorf("afterwards: %v, %d replays", got.status, got.replay)
		}
		var list struct{ Clients []obj }
		w.call("GET", "/servers/default/clients", nil, 200, &list)
		if len(list.Clients) != 1 {
			t.Errorf("%d clients were made", len(list.Clients))
		}
		// The key of another actor is another key.
		if h := w.callAs(w.token("admin", rootID, rootSecret), "POST", "/api/admin/default/clients", body(0), 201, nil, idempotencyKey, key); h.Get(idempotencyReplays) != "true" {
			t.Error("another token of the same client is another caller")
		}
	})
}

package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"portcullis/control/store/storetest"
)

// process starts `portcullis serve` as a process of its own and waits until it listens.
func process(t *testing.T, args ...string) *server {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	cmd.Stderr = io.Discard
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(2*drainTime, func() { cmd.Process.Kill() })
		defer timer.Stop()
		cmd.Wait()
	})
	s := &server{t: t}
	lines := bufio.NewScanner(out)
	for s.url == "" && lines.Scan() {
		if _, addr, ok := strings.Cut(lines.Text(), " is listening on "); ok {
			s.url = "http://" + addr
		}
	}
	if s.url == "" {
		t.Fatal("the process ended before it was listening")
	}
	go io.Copy(io.Discard, out)
	return s
}

// TestTwoProcesses: two servers, each a process, on one PostgreSQL. A change made at one is in the next answers of the
// other within a second, a revoked client is refused there within a second, both write the same document, and a request
// with an idempotency key is carried out by one of them.
func TestTwoProcesses(t *testing.T) {
	dsn := storetest.PostgresDSN(t)
	masterKey := environment(t)
	const publicURL = "http://portcullis.localhost"
	args := []string{"--database", dsn, "--master-key-file", masterKey, "--public-url", publicURL}
	one := process(t, args...)
	two := process(t, args...)

	admin := one.token("admin", testClient, testSecret)
	var gw struct {
		id
		ClientID string `json:"client_id"`
		Client   struct {
			Secret string `json:"client_secret"`
		} `json:"client"`
	}
	one.call(admin, "POST", "/api/admin/default/gateways", map[string]any{"name": "AWS", "type": "aws", "server_id": "default"}, 201, &gw)
	gateway := two.token("system", gw.ClientID, gw.Client.Secret) // made at one, used at two
	const path = "/api/system/default/gateways/configuration"
	inventory := map[string]any{"api_groups": []any{map[string]any{"id": "g-dev", "name": "PetStore/dev",
		"metadata": map[string]any{"type": "aws", "aws": map[string]any{"api_id": "g", "api_name": "PetStore", "stage": "dev", "region": "us-east-1"}},
		"apis":     []any{map[string]any{"method": "GET", "path": "/pets"}}}}}
	two.call(gateway, "POST", path, inventory, 200, nil)
	var service, api id
	one.call(admin, "POST", "/api/admin/default/services", map[string]any{"authorization_server_id": "default", "name": "Pets"}, 201, &service)
	one.call(admin, "POST", "/api/admin/default/gateways/"+gw.ID+"/groups/g-dev/bind", map[string]any{"service_id": service.ID}, 200, nil)
	var list struct{ APIs []id }
	one.call(admin, "GET", "/api/admin/default/services/"+service.ID+"/apis", nil, 200, &list)
	api = list.APIs[0]

	// poll asks the other server as an authorizer does until the answer has changed, for a second at most.
	poll := func(s *server, tag string) (next string, body []byte) {
		t.Helper()
		changed := time.Now()
		for {
			req, err := http.NewRequest("GET", s.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+gateway)
			req.Header.Set("If-None-Match", tag)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode == 200 {
				return resp.Header.Get("ETag"), body
			}
			if resp.StatusCode != 304 || time.Since(changed) > time.Second {
				t.Fatalf("%d after %v: %s", resp.StatusCode, time.Since(changed), body)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	tagOne, _ := poll(one, "")
	tagTwo, _ := poll(two, "")
	for i, policy := range []string{"block_default_api", "nist-aal-1_default_api", "", "block_default_api"} {
		one.call(admin, "PUT", "/api/admin/default/apis/"+api.ID, map[string]any{"policy_id": policy}, 200, nil)
		var there, here []byte
		tagTwo, there = poll(two, tagTwo)
		tagOne, here = poll(one, tagOne)
		if tagOne != tagTwo || string(here) != string(there) {
			t.Errorf("change %d: the two servers answer different documents\n%s %s\n%s %s", i, tagOne, here, tagTwo, there)
		}
		if policy != "" && !strings.Contains(string(there), policy) {
			t.Errorf("change %d is not in the answer: %s", i, there)
		}
	}

	// A request that names itself is carried out once, whichever server it reaches and however often.
	const key = "a-key-of-at-least-thirty-two-characters"
	answers := make(chan string, 12)
	for i := range cap(answers) {
		go func() {
			s := []*server{one, two}[i%2]
			body := `{"authorization_server_id":"default","client_name":"Once"}`
			req, err := http.NewRequest("POST", s.url+"/api/admin/default/clients", strings.NewReader(body))
			if err != nil {
				answers <- err.Error()
				return
			}
			req.Header.Set("Authorization", "Bearer "+admin)
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("X-Idempotency-Key", key)
			for {
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					answers <- err.Error()
					return
				}
				text, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != 409 {
					answers <- resp.Status + " " + string(text)
					return
				}
				time.Sleep(20 * time.Millisecond)
				req.Body = io.NopCloser(strings.NewReader(body))
			}
		}()
	}
	first := <-answers
	if !strings.HasPrefix(first, "201 ") {
		t.Error(first)
	}
	for range cap(answers) - 1 {
		if again := <-answers; again != first {
			t.Errorf("a repetition was answered\n%s\nand the first request\n%s", again, first)
		}
	}
	var clients struct{ Clients []id }
	two.call(admin, "GET", "/api/admin/default/servers/default/clients", nil, 200, &clients)
	if len(clients.Clients) != 1 {
		t.Errorf("%d clients were made by one request", len(clients.Clients))
	}

	one.call(admin, "DELETE", "/api/admin/default/gateways/"+gw.ID, nil, 204, nil)
	deadline := time.Now().Add(time.Second)
	for {
		req, _ := http.NewRequest("GET", two.url+path, nil)
		req.Header.Set("Authorization", "Bearer "+gateway)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == 401 || resp.StatusCode == 404 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a deleted gateway is still answered %d by the other server", resp.StatusCode)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

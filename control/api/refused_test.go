package api

import (
	"net/http"
	"strings"
	"testing"

	"portcullis/control"
	"portcullis/control/api/openapi/openapitest"
)

// TestEveryOperationRefuses asks every operation for things that are not there, with a body that it does not know: the
// answer is a refusal that the operation declares, in the form of all errors.
func TestEveryOperationRefuses(t *testing.T) {
	w := newWorld(t)
	_, gateway := w.gateway()
	system := w.automation(control.AutomationScopes()...)
	all, err := openapitest.Operations()
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: openapitest.RoundTripper(t, nil)}
	ask := func(token, method, path, body string) int {
		t.Helper()
		req, err := http.NewRequest(method, w.server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, op := range all {
		method, path, _ := strings.Cut(op, " ")
		if !strings.HasPrefix(path, "/api/") {
			continue
		}
		path = parameterPattern.ReplaceAllString(strings.ReplaceAll(path, "{tid}", "default"), "not-there")
		token, wrong := w.root, system // and a token that is good elsewhere
		switch {
		case strings.HasPrefix(path, "/api/system/default/gateways/"):
			token = gateway
		case !strings.HasPrefix(path, "/api/admin/") && !strings.HasPrefix(path, "/api/analytics/"):
			token = system
		}
		if token == system || token == gateway {
			wrong = w.root
		}
		body := ""
		if method != "GET" && method != "DELETE" || strings.HasSuffix(path, "/tokens") {
			body = `{"no_such_member": 1, "no_such_member": 2}`
		}
		query := "?limit=0&order=up&sort=age&mode=never&timestamp_from=x&from=x&use=enc&with_data=x&with_credentials=x&tenant_id=other&dry_run=x"
		if status := ask(token, method, path+query, body); status < 400 || status >= 500 && status != 501 {
			t.Errorf("%s answers nonsense with %d", op, status)
		}
		if status := ask(wrong, method, path, body); status != 401 && status != 403 {
			t.Errorf("%s answers %d to a token of another workspace", op, status)
		}
		if status := ask("no-token", method, path, body); status != 401 {
			t.Errorf("%s answers %d to a token of nobody", op, status)
		}
	}
}

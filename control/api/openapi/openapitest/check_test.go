package openapitest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	jsonType = "application/json"
	gateway  = `{"id":"g1","tenant_id":"default","authorization_server_id":"default","client_id":"c1","name":"AWS","description":"",
		"type":"aws","create_and_bind_services_automatically":false,"default_policy_id":"","last_active":"0001-01-01T00:00:00Z",
		"token_exchange":{"enabled":false,"trusted_idp_ids":[]},"token_exchange_client_id":""}`
	notFound = `{"status_code":404,"error":"there is no gateway g2","error_code":"not_found","details":{}}`
)

func answer(status int, body string, headers ...string) Exchange {
	x := Exchange{Status: status, Header: http.Header{}, Body: []byte(body)}
	if body != "" {
		x.Header.Set("Content-Type", jsonType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		x.Header.Set(headers[i], headers[i+1])
	}
	return x
}

func TestCheck(t *testing.T) {
	const admin, system = "/api/admin/default", "/api/system/default"
	for _, c := range []struct {
		name     string
		request  string // method, target, and the body after another space
		exchange Exchange
		want     []string // parts of the problems, in order
	}{
		{"as declared", "GET " + admin + "/servers/default/gateways", answer(200, `{"gateways":[`+gateway+`]}`), nil},
		{"null array", "GET " + admin + "/servers/default/gateways", answer(200, `{"gateways":null}`), []string{"/gateways: got null, want array"}},
		{"missing member", "GET " + admin + "/servers/default/gateways", answer(200, `{}`), []string{"the body: missing property 'gateways'"}},
		{"undeclared member", "GET " + admin + "/servers/default/gateways", answer(200, `{"gateways":[],"total":0}`), []string{"the member /total is not declared"}},
		{"undeclared member inside", "PUT " + admin + `/gateways/g1 {"name":"AWS"}`, answer(200, strings.Replace(gateway, `"id"`, `"arn":"","id"`, 1)), []string{"the member /arn is not declared"}},
		{"wrong type", "PUT " + admin + `/gateways/g1 {"name":"AWS"}`, answer(200, strings.Replace(gateway, `"name":"AWS"`, `"name":1`, 1)), []string{"/name: got number, want string"}},
		{"wrong form", "PUT " + admin + `/gateways/g1 {"name":"AWS"}`, answer(200, strings.Replace(gateway, "0001-01-01T00:00:00Z", "never", 1)), []string{"/last_active: 'never' is not valid date-time"}},
		{"not in the enum", "PUT " + admin + `/gateways/g1 {"name":"AWS"}`, answer(200, strings.Replace(gateway, `"aws"`, `"gcp"`, 1)), []string{"/type: value must be one of"}},
		{"undeclared status", "GET " + admin + "/servers/default/gateways", answer(202, `{"gateways":[]}`), []string{"the status 202 is not declared"}},
		{"content type", "GET " + admin + "/servers/default/gateways", answer(200, `{"gateways":[]}`, "Content-Type", "text/html"), []string{`the content type "text/html" is not one of [application/json]`}},
		{"not JSON", "GET " + admin + "/servers/default/gateways", answer(200, `{"gateways":`), []string{"the body is not JSON"}},
		{"body of a 204", "DELETE " + admin + "/gateways/g1", answer(204, `{}`), []string{"there is a body of 2 bytes, and none is declared"}},
		{"304 with its tag", "GET " + system + "/gateways/configuration", answer(304, "", "ETag", `"42"`), nil},
		{"an object whose members are free", "POST " + system + "/gateways/introspect token=t", answer(200, `{"active":true,"ext":{"a":{"b":1}},"aud":["c1"]}`), nil},

		{"error", "GET " + admin + "/gateways/g2", answer(404, notFound), nil},
		{"error with another status inside", "GET " + admin + "/gateways/g2", answer(403, notFound), []string{"status_code is 404, and the status is 403"}},
		{"a code that is not listed", "GET " + admin + "/gateways/g2", answer(404, strings.Replace(notFound, "not_found", "gone_fishing", 1)), []string{`the error_code "gone_fishing" is not in docs/reference/errors.md`}},
		{"401 without a challenge", "GET " + admin + "/gateways/g2", answer(401, strings.ReplaceAll(notFound, "404", "401")), []string{"the header WWW-Authenticate is missing"}},
		{"429 without Retry-After", "GET " + admin + "/gateways/g2", answer(429, strings.ReplaceAll(notFound, "404", "429")), []string{"the header Retry-After is missing"}},
		{"429 with a bad Retry-After", "GET " + admin + "/gateways/g2", answer(429, strings.ReplaceAll(notFound, "404", "429"), "Retry-After", "soon"), []string{"the header Retry-After: "}},
		{"429", "GET " + admin + "/gateways/g2", answer(429, strings.ReplaceAll(notFound, "404", "429"), "Retry-After", "3"), nil},
		{"error of the issuer in the wrong form", "POST /default/default/oauth2/token grant_type=x", answer(400, strings.ReplaceAll(notFound, "404", "400")), []string{
			"the body: missing property 'error_description'", "/error_code: got string, want integer"}},

		{"accepted request", "POST " + admin + `/gateways/g1/groups/a-dev/bind {"service_id":"s"}`, answer(200, `{"removed_apis":[],"removed_policies":[],"not_removed_policies":[]}`), nil},
		{"accepted and not allowed", "POST " + admin + `/gateways/g1/groups/a-dev/bind {}`, answer(200, `{"removed_apis":[],"removed_policies":[],"not_removed_policies":[]}`), []string{"the request was accepted: the body: missing property 'service_id'"}},
		{"accepted null array", "POST " + system + `/gateways/configuration {"api_groups":null}`, answer(200, `{"number_of_added_api_groups":0}`), nil},
		{"refused and not allowed", "POST " + admin + `/gateways/g1/groups/a-dev/bind {}`, answer(422, strings.ReplaceAll(notFound, "404", "422")), nil},
		{"undeclared query parameter", "GET " + admin + "/servers/default/gateways?page=2", answer(200, `{"gateways":[]}`), []string{"the request was accepted with the undeclared query parameter page"}},
		{"accepted form", "POST /default/default/oauth2/token grant_type=client_credentials&scope=a", answer(200, `{"access_token":"t","token_type":"bearer","expires_in":3600,"scope":"a"}`), nil},
		{"accepted form without its member", "POST /default/default/oauth2/token scope=a", answer(200, `{"access_token":"t","token_type":"bearer","expires_in":3600}`), []string{"the request was accepted: the body: missing property 'grant_type'"}},

		{"unknown path", "GET /api/admin/default/nothing", answer(404, notFound), nil},
		{"unknown path that answers", "GET /api/admin/default/nothing", answer(200, `{}`), []string{"the contract has no GET here"}},
		{"unknown method", "PATCH " + admin + "/gateways/g1", answer(405, strings.NewReplacer("404", "405", "not_found", "method_not_allowed").Replace(notFound), "Allow", "GET, PUT, DELETE"), nil},
		{"unknown method without Allow", "PATCH " + admin + "/gateways/g1", answer(405, strings.ReplaceAll(notFound, "404", "405")), []string{"405 without the header Allow"}},
		{"not ours", "GET /app/login", answer(200, "<html>", "Content-Type", "text/html"), nil},
		{"HEAD has no body", "HEAD " + admin + "/servers/default/gateways", answer(200, "", "Content-Type", jsonType), nil},
		{"the more literal path", "POST " + admin + `/policies/test {}`, answer(200, `{"status":true,"result":"AUTHORIZED","failures":[],"recovery":[],"output":{"x":1}}`), nil},
		{"an escaped id", "GET " + admin + "/servers/a%2Fb/gateways", answer(200, `{"gateways":[]}`), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			part := strings.SplitN(c.request, " ", 3)
			x := c.exchange
			x.Method, x.Target = part[0], part[1]
			if len(part) == 3 {
				x.Request, x.RequestType = []byte(part[2]), jsonType
				if part[2][0] != '{' {
					x.RequestType = "application/x-www-form-urlencoded"
				}
			}
			got, err := Check(x)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(c.want) {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			for i := range got {
				if !strings.Contains(got[i], c.want[i]) {
					t.Errorf("problem %d: %s", i, cmp.Diff(c.want[i], got[i]))
				}
			}
		})
	}
}

// An operation that is marked as not built may answer 501 and nothing better: whoever builds it takes the mark away.
func TestNotBuilt(t *testing.T) {
	c, err := parse([]byte(`{"openapi":"3.1.0","paths":{"/api/x":{"get":{"x-portcullis-built":false,"responses":{
		"200":{"description":"Done."},"501":{"description":"Not here."}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for status, want := range map[int]int{200: 1, 501: 0} {
		got, err := c.check(Exchange{Method: "GET", Target: "/api/x", Status: status, Header: http.Header{}})
		if err != nil || len(got) != want {
			t.Errorf("%d: %q, %v", status, got, err)
		}
	}
}

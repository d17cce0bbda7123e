package apigateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// load reads the rows of a testdata file; an unknown member is an error, so that a row cannot expect nothing by a typo.
func load[T any](t *testing.T, name string) []T {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	var rows []T
	if err := d.Decode(&rows); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(rows) == 0 {
		t.Fatalf("%s holds no rows", name)
	}
	return rows
}

// rest sends one call of the control plane as a hand-written client would.
func (b *bench) rest(verb, path string, body any) (reply, map[string]any) {
	b.t.Helper()
	payload := ""
	switch v := body.(type) {
	case nil:
	case string:
		payload = v
	default:
		p, err := json.Marshal(v)
		if err != nil {
			b.t.Fatal(err)
		}
		payload = string(p)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), verb, b.url+path, strings.NewReader(payload))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	var m map[string]any
	if len(data) > 0 && strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(data, &m); err != nil {
			b.t.Fatalf("%s %s answered %s: %v", verb, path, data, err)
		}
	}
	return reply{res.StatusCode, res.Header, string(data)}, m
}

// must is rest for calls that have to succeed.
func (b *bench) must(verb, path string, body any) map[string]any {
	b.t.Helper()
	r, m := b.rest(verb, path, body)
	if r.status >= 300 {
		b.t.Fatalf("%s %s answered %d %s", verb, path, r.status, r.body)
	}
	return m
}

// fixtures builds the API that control-errors.yaml describes and returns what stands for the names in braces.
func fixtures(b *bench) *strings.Replacer {
	api := b.must("POST", "/restapis", map[string]any{"name": "PetStore"})
	id, root := api["id"].(string), api["rootResourceId"].(string)
	base := "/restapis/" + id
	pets := b.must("POST", base+"/resources/"+root, map[string]any{"pathPart": "pets"})["id"].(string)
	greedy := b.must("POST", base+"/resources/"+root, map[string]any{"pathPart": "{proxy+}"})["id"].(string)
	authorizer := func(name string) string {
		return b.must("POST", base+"/authorizers", map[string]any{"name": name, "type": "REQUEST", "authorizerUri": functionURI, "identitySource": "method.request.header.Authorization"})["id"].(string)
	}
	used, free := authorizer("used"), authorizer("free")
	b.must("POST", base+"/models", map[string]any{"name": "Pet", "contentType": "application/json", "schema": `{"type":"object"}`})
	validator := b.must("POST", base+"/requestvalidators", map[string]any{"name": "all", "validateRequestBody": true})["id"].(string)
	for _, m := range []struct {
		at   string
		body map[string]any
	}{
		{base + "/resources/" + pets + "/methods/GET", map[string]any{"authorizationType": "CUSTOM", "authorizerId": used, "requestModels": map[string]any{"application/json": "Pet"}}},
		{base + "/resources/" + greedy + "/methods/ANY", map[string]any{"authorizationType": "NONE"}},
	} {
		b.must("PUT", m.at, m.body)
		b.must("PUT", m.at+"/responses/200", map[string]any{})
		b.must("PUT", m.at+"/integration", map[string]any{"type": "MOCK", "requestTemplates": map[string]any{"application/json": `{"statusCode":200}`}})
		b.must("PUT", m.at+"/integration/responses/200", map[string]any{})
	}
	dep := b.must("POST", base+"/deployments", map[string]any{"stageName": "dev"})["id"].(string)
	empty := b.must("POST", "/restapis", map[string]any{"name": "empty"})["id"].(string)
	return strings.NewReplacer("{api}", id, "{root}", root, "{pets}", pets, "{greedy}", greedy, "{used}", used, "{free}", free,
		"{validator}", validator, "{dep}", dep, "{empty}", empty, "{uri}", functionURI)
}

func TestControlPlaneErrors(t *testing.T) {
	type row struct {
		Name, Source, Call, Raw, Code, Message string
		Body                                   any
		Status                                 int
	}
	b := newBench(t, nil)
	for _, r := range load[row](t, "control-errors.yaml") {
		t.Run(r.Name, func(t *testing.T) {
			if r.Source == "" {
				t.Fatal("the row names no source")
			}
			names := fixtures(b) // each row has its own API
			defer func() { b.svc.Reset() }()
			verb, path, _ := strings.Cut(names.Replace(r.Call), " ")
			var body any
			if r.Raw != "" {
				body = r.Raw
			} else if r.Body != nil {
				p, err := json.Marshal(r.Body)
				if err != nil {
					t.Fatal(err)
				}
				body = names.Replace(string(p))
			}
			got, m := b.rest(verb, path, body)
			if got.status != r.Status || got.header.Get("X-Amzn-Errortype") != r.Code {
				t.Fatalf("answered %d %s %s\nwant %d %s %s", got.status, got.header.Get("X-Amzn-Errortype"), got.body, r.Status, r.Code, r.Message)
			}
			if r.Message != "" && m["message"] != r.Message {
				t.Errorf("message %q\nwant    %q", m["message"], r.Message)
			}
		})
	}
}

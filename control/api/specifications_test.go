package api

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/outbound"
	"portcullis/control/specification"
	"portcullis/control/store/storetest"
)

// form writes a multipart form; a name that begins with @ is a file's.
func form(t *testing.T, fields ...string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		name, isFile := strings.CutPrefix(fields[i], "@")
		var err error
		if isFile {
			p, ferr := w.CreateFormFile(name, "petstore.yaml")
			if ferr == nil {
				_, err = p.Write([]byte(fields[i+1]))
			} else {
				err = ferr
			}
		} else {
			err = w.WriteField(name, fields[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	return b.String(), w.FormDataContentType()
}

const petStoreYAML = "openapi: 3.0.3\ninfo: {title: PetStore, version: '1'}\npaths:\n  /pets: {get: {}, post: {}}\n  /pets/{petId}: {get: {}}\n"

// TestImportSpecification: the three ways in and the way out, each answer held against the contract.
func TestImportSpecification(t *testing.T) {
	w := newWorld(t)
	var svc control.Service
	w.call("POST", "/services", map[string]string{"name": "PetStore", "authorization_server_id": "default"}, 201, &svc)
	apis := "/services/" + svc.ID + "/apis"
	type result struct {
		Created  []control.API `json:"created_apis"`
		Removed  []control.API `json:"removed_apis"`
		SetAside []control.API `json:"set_aside_apis"`
		Same     int           `json:"number_of_unchanged_apis"`
		DryRun   bool          `json:"dry_run"`
	}
	var got result
	w.call("POST", apis+"/import/text?dry_run=true", petStoreYAML, 200, &got, "Content-Type", "text/plain; charset=utf-8")
	if len(got.Created) != 3 || !got.DryRun {
		t.Errorf("%+v", got)
	}
	got = result{}
	w.call("POST", apis+"/import/text", petStoreYAML, 200, &got, "Content-Type", "text/plain")
	if len(got.Created) != 3 || got.Created[0].Path != "/pets" || got.DryRun {
		t.Errorf("%+v", got)
	}
	var read struct {
		WithSpecification bool `json:"with_specification"`
	}
	w.call("GET", "/services/"+svc.ID, nil, 200, &read)
	if !read.WithSpecification {
		t.Error("with_specification is false")
	}
	w.call("PUT", "/apis/"+got.Created[1].ID, map[string]string{"policy_id": "block_default_api"}, 200, nil)
	w.call("POST", "/apis", map[string]string{"service_id": svc.ID, "method": "GET", "path": "/x"}, 400, nil)

	body, ct := form(t, "@file", `{"swagger":"2.0","paths":{"/pets":{"get":{}}}}`)
	got = result{}
	w.call("POST", apis+"/import/file?gateway_type=aws", body, 200, &got, "Content-Type", ct)
	if len(got.Created) != 0 || len(got.Removed)+len(got.SetAside) != 2 || len(got.SetAside) != 1 || got.Same != 1 {
		t.Errorf("%+v", got)
	}
	got = result{}
	w.call("POST", apis+"/import/text", json.RawMessage(`{"openapi":"3.1.0","paths":{"/pets":{"get":{},"post":{}},"/pets/{petId}":{"get":{}}}}`), 200, &got)
	if len(got.Created) != 2 || got.Created[0].PolicyID+got.Created[1].PolicyID != "block_default_api" {
		t.Errorf("what was set aside does not return protected: %+v", got)
	}

	var e struct {
		Code    string `json:"error_code"`
		Details struct {
			Fields map[string]string `json:"fields"`
		} `json:"details"`
	}
	w.call("POST", apis+"/import/text", "openapi: 3.0.0\npaths:\n  pets: {get: {}}\n", 422, &e, "Content-Type", "text/plain")
	if e.Code != "invalid_specification" || e.Details.Fields["#/paths/pets"] != "line 3: path must begin with /" {
		t.Errorf("%+v", e)
	}
	body, ct = form(t, "url", "https://169.254.169.254/latest/meta-data")
	w.call("POST", apis+"/import/url", body, 422, &e, "Content-Type", ct)
	if e.Code != "specification_not_fetched" {
		t.Errorf("%+v", e)
	}
	for _, c := range map[string]struct {
		path, body, contentType string
		status                  int
	}{
		"another type":       {"/import/text", "<x/>", "text/xml", 400},
		"no type":            {"/import/file", "x", "text/plain", 400},
		"dry_run":            {"/import/text?dry_run=perhaps", petStoreYAML, "text/plain", 400},
		"too large":          {"/import/text", strings.Repeat(" ", specification.MaxBytes+1), "text/plain", 413},
		"cut off":            {"/import/file", "--x\r\nContent-Disposition: form-data; name=file\r\n\r\nopen", "multipart/form-data; boundary=x", 400},
		"form without field": {"/import/file", "--x--\r\n", "multipart/form-data; boundary=x", 422},
	} {
		w.call("POST", apis+c.path, c.body, c.status, nil, "Content-Type", c.contentType)
	}
	for _, fields := range map[string][]string{"another field": {"text", petStoreYAML}, "twice": {"@file", petStoreYAML, "@file", petStoreYAML}} {
		body, ct = form(t, fields...)
		w.call("POST", apis+"/import/file", body, 422, nil, "Content-Type", ct)
	}
	body, ct = form(t, "@file", strings.Repeat(" ", specification.MaxBytes+100<<10))
	w.call("POST", apis+"/import/file", body, 413, nil, "Content-Type", ct)
	body, ct = form(t, "@file", petStoreYAML)
	w.call("POST", apis+"/import/file?gateway_type=kong", body, 400, nil, "Content-Type", ct)
	w.call("POST", "/services/nowhere/apis/import/text", petStoreYAML, 404, nil, "Content-Type", "text/plain")

	etag := w.call("GET", "/services/"+svc.ID, nil, 200, nil).Get("ETag")
	w.call("DELETE", apis, nil, 412, nil, "If-Match", `"other"`)
	var removed struct {
		APIs []control.API    `json:"removed_apis"`
		Kept []control.Policy `json:"not_removed_policies"`
	}
	w.call("DELETE", apis, nil, 200, &removed, "If-Match", etag)
	if len(removed.APIs) != 3 || len(removed.Kept) != 1 {
		t.Errorf("%+v", removed)
	}
	w.call("DELETE", apis, nil, 400, nil)
}

// TestImportFromURL: a server that is allowed to fetch from this machine does, with a token and without.
func TestImportFromURL(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(petStoreYAML)) }))
	t.Cleanup(site.Close)
	w := newWorldOn(t, storetest.SQLite(t), func(o *admin.Options) {
		o.Outbound = outbound.Client(outbound.Options{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	})
	var svc control.Service
	w.call("POST", "/services", map[string]string{"name": "PetStore", "authorization_server_id": "default"}, 201, &svc)
	body, ct := form(t, "url", site.URL+"/petstore.yaml")
	var got struct {
		Created []control.API `json:"created_apis"`
	}
	for _, dry := range []string{"?dry_run=true", ""} {
		w.call("POST", "/services/"+svc.ID+"/apis/import/url"+dry, body, 200, &got, "Content-Type", ct)
		if len(got.Created) != 3 {
			t.Errorf("%+v", got)
		}
	}
	w.callAs("", "POST", "/api/admin/default/services/"+svc.ID+"/apis/import/url", body, 401, nil, "Content-Type", ct)
}

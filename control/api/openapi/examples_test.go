package openapi

import (
	"bytes"
	"encoding/json"
	"testing"

	"portcullis/docs/reference"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

// What the document shows of a gateway's operations goes through the generated types and comes out the same.
func TestExamplesRoundTrip(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(reference.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	examples := map[string][]any{} // :: schema → examples
	collect := func(m *openapi3.MediaType) {
		if m == nil || m.Schema == nil {
			return
		}
		for _, e := range m.Examples {
			examples[m.Schema.Ref] = append(examples[m.Schema.Ref], e.Value.Value)
		}
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.RequestBody != nil {
				collect(op.RequestBody.Value.Content["application/json"])
			}
			for _, r := range op.Responses.Map() {
				collect(r.Value.Content["application/json"])
			}
		}
	}
	for name, target := range map[string]func() any{
		"SavedAPI":                         func() any { return new(SavedAPI) },
		"BindGroupToServiceRequest":        func() any { return new(BindGroupToServiceRequest) },
		"CreateGatewayRequest":             func() any { return new(CreateGatewayRequest) },
		"Error":                            func() any { return new(Error) },
		"Gateway":                          func() any { return new(Gateway) },
		"GatewayAPIGroupsResponse":         func() any { return new(GatewayAPIGroupsResponse) },
		"GatewayConfiguration":             func() any { return new(GatewayConfiguration) },
		"GatewayRequestEvents":             func() any { return new(GatewayRequestEvents) },
		"GatewayWithClient":                func() any { return new(GatewayWithClient) },
		"GatewaysResponse":                 func() any { return new(GatewaysResponse) },
		"IntrospectResponse":               func() any { return new(IntrospectResponse) },
		"OAuthError":                       func() any { return new(OAuthError) },
		"SavedPolicy":                      func() any { return new(SavedPolicy) },
		"PolicyRequest":                    func() any { return new(PolicyRequest) },
		"RemoveServiceConfigurationResult": func() any { return new(RemoveServiceConfigurationResult) },
		"SetGatewayConfigurationRequest":   func() any { return new(SetGatewayConfigurationRequest) },
		"SetGatewayConfigurationResponse":  func() any { return new(SetGatewayConfigurationResponse) },
		"TokenResponse":                    func() any { return new(TokenResponse) },
		"UpdateAPIRequest":                 func() any { return new(UpdateAPIRequest) },
		"UpdateGatewayRequest":             func() any { return new(UpdateGatewayRequest) },
	} {
		shown := examples["#/components/schemas/"+name]
		if len(shown) == 0 {
			t.Errorf("the document has no example of %s", name)
		}
		for _, e := range shown {
			in, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			v := target()
			dec := json.NewDecoder(bytes.NewReader(in))
			dec.DisallowUnknownFields()
			if err := dec.Decode(v); err != nil {
				t.Errorf("%s: %v in %s", name, err, in)
				continue
			}
			out, err := json.Marshal(v)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if diff := cmp.Diff(plain(t, in), plain(t, out)); diff != "" {
				t.Errorf("%s (-shown +written):\n%s", name, diff)
			}
		}
	}
}

// plain is JSON without members that are null: optional members are left out when they are written.
func plain(t *testing.T, b []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	var strip func(v any)
	strip = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				strip(e)
			}
		case map[string]any:
			for name, m := range v {
				if m == nil {
					delete(v, name)
				}
				strip(m)
			}
		}
	}
	strip(v)
	return v
}

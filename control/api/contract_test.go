package api

import (
	"encoding"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/api/openapi"
	"portcullis/control/api/openapi/openapitest"
	"portcullis/edge/waist"

	"github.com/google/go-cmp/cmp"
)

// TestRoutesAreTheContracts: every operation of the document that is built has a route, and every route an operation.
func TestRoutesAreTheContracts(t *testing.T) {
	plain := func(op string) string { return parameterPattern.ReplaceAllString(op, "{}") }
	declared, err := openapitest.Operations()
	if err != nil {
		t.Fatal(err)
	}
	missing, err := openapitest.NotBuilt()
	if err != nil {
		t.Fatal(err)
	}
	var want, have []string
	for _, op := range declared {
		if strings.Contains(op, " /api/") && !slices.Contains(missing, op) {
			want = append(want, plain(op))
		}
	}
	for _, p := range New(Options{}).patterns {
		have = append(have, plain(p))
	}
	slices.Sort(want)
	slices.Sort(have)
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-document +routes)\n%s", diff)
	}
	if len(have) < 90 {
		t.Errorf("only %d routes", len(have))
	}
}

// member is a member of a struct on the wire.
type member struct {
	t        reflect.Type
	optional bool
}

func wireMembers(t reflect.Type) map[string]member {
	out := map[string]member{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
		case f.Anonymous && name == "":
			for n, m := range wireMembers(f.Type) {
				if _, outer := out[n]; !outer {
					out[n] = m
				}
			}
		default:
			out[name] = member{f.Type, strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")}
		}
	}
	return out
}

// sameOnTheWire says in what a type of ours differs, as JSON, from the one that is generated from the contract.
func sameOnTheWire(t *testing.T, at string, ours, theirs reflect.Type, above ...reflect.Type) {
	t.Helper()
	if slices.Contains(above, ours) { // a type that holds itself
		return
	}
	above = append(slices.Clip(above), ours)
	for ours.Kind() == reflect.Pointer {
		ours = ours.Elem()
	}
	for theirs.Kind() == reflect.Pointer {
		theirs = theirs.Elem()
	}
	if theirs.Kind() == reflect.Interface || theirs.Kind() == reflect.Map || ours == reflect.TypeFor[json.RawMessage]() || ours.Kind() == reflect.Interface ||
		ours.Kind() == reflect.Map && ours.Elem().Kind() == reflect.Interface ||
		reflect.PointerTo(theirs).Implements(reflect.TypeFor[json.Marshaler]()) && theirs != reflect.TypeFor[time.Time]() {
		return // anything may stand there, or a choice that has no type in Go; openapitest looks at the values
	}
	kind := ours.Kind()
	if ours != reflect.TypeFor[time.Time]() && (ours.Implements(reflect.TypeFor[encoding.TextMarshaler]()) || ours.Implements(reflect.TypeFor[json.Marshaler]())) {
		kind = reflect.String
	}
	if kind >= reflect.Int && kind <= reflect.Float64 && theirs.Kind() >= reflect.Int && theirs.Kind() <= reflect.Float64 {
		return // both are numbers
	}
	if kind != theirs.Kind() || (ours == reflect.TypeFor[time.Time]()) != (theirs == reflect.TypeFor[time.Time]()) {
		t.Errorf("%s is a %s here and a %s in the contract", at, ours, theirs)
		return
	}
	switch {
	case ours == reflect.TypeFor[time.Time]():
	case kind == reflect.Slice:
		sameOnTheWire(t, at+"[]", ours.Elem(), theirs.Elem(), above...)
	case kind == reflect.Struct:
		have, want := wireMembers(ours), wireMembers(theirs)
		for _, name := range slices.Sorted(maps.Keys(have)) {
			w, ok := want[name]
			if !ok {
				t.Errorf("%s.%s is not in the contract", at, name)
				continue
			}
			if have[name].optional && !w.optional {
				t.Errorf("%s.%s may be left out here, and the contract requires it", at, name)
			}
			sameOnTheWire(t, at+"."+name, have[name].t, w.t, above...)
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if _, ok := have[name]; !ok && !want[name].optional {
				t.Errorf("%s.%s is required by the contract and not here", at, name)
			}
		}
	}
}

// TestNounsAreTheContracts: a noun that is written as it is has the members of the contract's type, in the contract's form.
func TestNounsAreTheContracts(t *testing.T) {
	for _, c := range []struct{ ours, theirs any }{
		{server{}, openapi.ServerResponse{}},
		{noted{}, openapi.Workspace{}},
		{control.Service{}, openapi.ServiceWithAudience{}},
		{control.ServiceSummary{}, openapi.ServiceResponse{}},
		{control.Scope{}, openapi.ScopeWithServiceID{}},
		{scope{}, openapi.ScopeWithService{}},
		{control.API{}, openapi.API{}},
		{control.Policy{}, openapi.Policy{}},
		{control.PolicyTest{}, openapi.TestPolicyRequest{}},
		{control.PolicyTestResult{}, openapi.TestPolicyResponse{}},
		{warnings{}, openapi.PolicyWarningsResponse{}},
		{client{}, openapi.ClientAdminResponse{}},
		{gateway{}, openapi.Gateway{}},
		{gatewayWithClient{}, openapi.GatewayWithClient{}},
		{control.GatewayCreate{}, openapi.CreateGatewayRequest{}},
		{control.APIGroup{}, openapi.GatewayAPIGroup{}},
		{control.BindResult{}, openapi.RemoveServiceConfigurationResult{}},
		{secret{}, openapi.Secret{}},
		{auditEvent{}, openapi.AuditEvent{}},
		{executionPoints{}, openapi.PolicyExecutionPoints{}},
		{trustedIssuers{}, openapi.TrustedIssuers{}},
		{waist.Configuration{}, openapi.GatewayConfiguration{}},
		{waist.Inventory{}, openapi.SetGatewayConfigurationRequest{}},
		{waist.InventoryResult{}, openapi.SetGatewayConfigurationResponse{}},
		{waist.RequestEvents{}, openapi.GatewayRequestEvents{}},
		{waist.RequestEventsResult{}, openapi.GatewayRequestsEventsResponse{}},
		{waist.Error{}, openapi.Error{}},
		{control.TreeServer{}, openapi.TreeServer{}},
	} {
		ours := reflect.TypeOf(c.ours)
		sameOnTheWire(t, ours.String(), ours, reflect.TypeOf(c.theirs))
	}
}

package authorizer

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fillEvent gives every field below v a value of its own.
func fillEvent(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("<%d> \"ü\"", *n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillEvent(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fillEvent(v.Field(i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range 3 {
			x := reflect.New(v.Type().Elem()).Elem()
			fillEvent(x, n)
			v.SetMapIndex(reflect.ValueOf(fmt.Sprintf("%s-%d-%d", v.Type(), i, *n)), x)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fillEvent(v.Index(i), n)
		}
	default:
		panic("fillEvent does not know " + v.Type().String())
	}
}

// TestScanEventKnowsEveryMember: with every member set, the quick way reads all of them. Who adds one to event and not to
// eventscan.go is told here.
func TestScanEventKnowsEveryMember(t *testing.T) {
	var want event
	n := 0
	fillEvent(reflect.ValueOf(&want).Elem(), &n)
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := scanEvent(string(raw))
	if !ok {
		t.Fatalf("not read: %s", raw)
	}
	if d := cmp.Diff(&want, got); d != "" {
		t.Errorf("eventscan.go misses something of event: %s", d)
	}
}

// checkEvent holds the quick way against encoding/json: the same kind, the same request.
func checkEvent(t *testing.T, text string) bool {
	t.Helper()
	got, ok := scanEvent(text)
	if !ok {
		return false
	}
	want := &event{}
	if err := json.Unmarshal([]byte(text), want); err != nil {
		t.Errorf("read, and refused by encoding/json: %v\n%s", err, text)
		return true
	}
	if got.kind() != want.kind() {
		t.Errorf("%s: kind %d, by encoding/json %d", text, got.kind(), want.kind())
	}
	for _, e := range []*event{got, want} { // what the two may hold in two ways
		e.MultiValueHeaders, e.Headers = joinValues(e.Headers, e.MultiValueHeaders), nil
		e.MultiValueQuery, e.QueryStringParameters = joinValues(e.QueryStringParameters, e.MultiValueQuery), nil
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %s", text, cmp.Diff(want, got))
	}
	a, soundA := got.request(got.kind())
	b, soundB := want.request(want.kind())
	if soundA != soundB || !reflect.DeepEqual(a, b) {
		t.Errorf("%s: %+v (%v), by encoding/json %+v (%v)", text, a, soundA, b, soundB)
	}
	return true
}

var scannedEvents = []struct {
	text string
	ok   bool
}{
	{string(get("/pets", "Bearer x", "Bearer y").event()), true},
	{string(get("/pets/{petId}").event()), true},
	{`{"type":"TOKEN","authorizationToken":"Bearer x","methodArn":"arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/GET/pets"}`, true},
	{`{"version":"2.0","type":"REQUEST","routeArn":"arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/GET/pets","routeKey":"GET /pets","rawPath":"/pets","identitySource":["a"],"cookies":["a=b"],"headers":{"authorization":"Bearer a,Bearer b"},"requestContext":{"apiId":"abc123","stage":"dev","authentication":{"clientCert":{"clientCertPem":"x","validity":{"notBefore":"May"}}},"http":{"method":"GET","sourceIp":"::1"}}}`, true},
	{`{"headers":{"A":"1","B":"2","B":"3","c":null},"multiValueHeaders":{"A":["1","9"],"d":null,"e":[]}}`, true},
	{`{"headers":{"A":"1"},"multiValueHeaders":null}`, true},
	{`{"headers":{},"multiValueHeaders":{},"queryStringParameters":{"a":"1"}}`, true},
	{`{"multiValueHeaders":{"A":["1"],"A":["2","3"]}}`, true},
	{`{"requestContext":null,"pathParameters":null}`, true},
	{`{"requestContext":{"identity":null,"authentication":null,"http":{}}}`, true},
	{`{"portcullis":"plan","format":"terraform"}`, true},
	{`{"version":"0","id":"x","detail-type":"Scheduled Event","source":"aws.events","resources":["arn"],"detail":{}}`, true},
	{`{}`, true},
	{`{"TYPE":"TOKEN"}`, false},
	{`{"type":"TOKEN","type":"REQUEST"}`, false},
	{`{"type":7}`, false},
	{`{"headers":{"A":7}}`, false},
	{`{"headers":["A"],"multiValueHeaders":{"A":["1"]}}`, false},
	{`{"multiValueHeaders":{"A":"1"}}`, false},
	{`{"headers":{"A":"1"}`, false},
	{`[]`, false},
	{"{\"path\":\"\xff\"}", false},
}

func TestScanEventAgreesWithEncodingJSON(t *testing.T) {
	for _, c := range scannedEvents {
		if checkEvent(t, c.text) != c.ok {
			t.Errorf("%s: read is not %v", c.text, c.ok)
		}
	}
}

func FuzzScanEvent(f *testing.F) {
	for _, c := range scannedEvents {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkEvent(t, text) })
}

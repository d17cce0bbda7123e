package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portcullis/aws/attach"
	"portcullis/aws/discover"
	"portcullis/aws/local"
	"portcullis/aws/signed"
	"portcullis/deploy"
	"portcullis/edge/authorizer"
	"portcullis/edge/waist"
)

// The tests in this file show that the role policies of package deploy are enough, and that nothing in them is too much:
// the function's own code (discovery, attachment, the store, the secret) runs against the local AWS with the credentials
// of a role, and IAM there is enforced.

const (
	roleSecret    = "arn:aws:secretsmanager:" + region + ":" + account + ":secret:portcullis/authorizer-AbCdEf"
	roleParameter = "arn:aws:ssm:" + region + ":" + account + ":parameter/portcullis/authorizer"
	otherFunction = "arn:aws:lambda:" + region + ":" + account + ":function:other"
	roleStore     = "s3://my-bucket/conf"
)

var roleValues = deploy.Values{Region: region, Account: account, Function: deploy.DefaultFunction, SecretARN: roleSecret, Store: roleStore}

// list reads what a policy may write as one string or several.
type list []string

func (l *list) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*l = list{s}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}

type iamStatement struct {
	Sid, Effect      string
	Action, Resource list
	Condition        map[string]map[string]string `json:",omitempty"`
}

type iamPolicy struct {
	Version   string
	Statement []iamStatement
}

func (p iamPolicy) text(t *testing.T) string {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func rolePolicy(t *testing.T, v deploy.Values, parts ...deploy.Part) iamPolicy {
	t.Helper()
	b, err := deploy.RolePolicy(v, parts...)
	if err != nil {
		t.Fatal(err)
	}
	var p iamPolicy
	if err := json.Unmarshal(b, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// denial is one answer of IAM.
type denial struct{ action, resource string }

var denialText = regexp.MustCompile(`is not authorized to perform: (\S+) on resource: (\S+)`)

// roleWorld is an account with a REST API and a role session.
type roleWorld struct {
	t           *testing.T
	admin, role *signed.Client
	api         string
	work        *syncWork

	mu      sync.Mutex
	denials []denial
	outcome []string // errors and problems, as the function reports them
}

func newRoleWorld(t *testing.T, policy string) *roleWorld {
	t.Helper()
	w := &roleWorld{t: t}
	aws, err := local.New(local.Options{ManualSchedule: true})
	if err != nil {
		t.Fatal(err)
	}
	h := aws.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if m := denialText.FindStringSubmatch(rec.Body.String()); m != nil && strings.Contains(rec.Body.String()+rec.Header().Get("X-Amzn-Errortype"), "AccessDenied") {
			w.mu.Lock()
			w.denials = append(w.denials, denial{m[1], m[2]})
			w.mu.Unlock()
		}
		for k, v := range rec.Header() {
			rw.Header()[k] = v
		}
		rw.WriteHeader(rec.Code)
		_, _ = rw.Write(rec.Body.Bytes())
	}))
	aws.SetPublicURL(server.URL)
	t.Cleanup(func() { server.Close(); aws.Close() })
	client := func(key, secret, token string) *signed.Client {
		c := signed.New(region)
		env := map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}
		c.Getenv = func(k string) string { return env[k] }
		c.Sleep = func(context.Context, time.Duration) error { return nil }
		return c
	}
	w.admin = client("AKIAIOSFODNN7EXAMPLE", "x", "")

	w.query("iam", "2010-05-08", url.Values{"Action": {"CreateRole"}, "RoleName": {"authorizer"}, "AssumeRolePolicyDocument": {
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com","AWS":"arn:aws:iam::` + account + `:root"},"Action":"sts:AssumeRole"}]}`}})
	w.query("iam", "2010-05-08", url.Values{"Action": {"PutRolePolicy"}, "RoleName": {"authorizer"}, "PolicyName": {"authorizer"}, "PolicyDocument": {policy}})
	var session struct {
		Key    string `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		Secret string `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
		Token  string `xml:"AssumeRoleResult>Credentials>SessionToken"`
	}
	answer := w.query("sts", "2011-06-15", url.Values{"Action": {"AssumeRole"}, "RoleArn": {"arn:aws:iam::" + account + ":role/authorizer"}, "RoleSessionName": {"function"}})
	if err := xml.Unmarshal(answer, &session); err != nil || session.Token == "" {
		t.Fatalf("%v in %s", err, answer)
	}
	w.role = client(session.Key, session.Secret, session.Token)
	w.work = &syncWork{scanner: &discover.Scanner{Client: w.role}, attacher: &attach.Attacher{Client: w.role, Apply: true, Replace: true}, arn: functionARN, region: region}
	w.furnish()
	return w
}

func (w *roleWorld) query(service, version string, v url.Values) []byte {
	w.t.Helper()
	v.Set("Version", version)
	b, err := w.admin.DoRaw(w.t.Context(), signed.Call{Service: service, Operation: v.Get("Action"), Method: "POST", Path: "/", Raw: []byte(v.Encode()), ContentType: "application/x-www-form-urlencoded"}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// do is a step of the account's owner.
func (w *roleWorld) do(c signed.Call, out any) {
	w.t.Helper()
	c.Operation = c.Method + " " + c.Path + c.Target
	if err := w.admin.Do(w.t.Context(), c, out); err != nil {
		w.t.Fatal(err)
	}
}

func (w *roleWorld) deploy() {
	w.t.Helper()
	w.do(signed.Call{Service: "apigateway", Method: "POST", Path: "/restapis/" + w.api + "/deployments", Body: map[string]any{"stageName": "dev"}}, nil)
}

// furnish makes what an account has before the function comes: the function itself (only its name matters here), a bucket, a
// secret and a parameter, and PetStore with somebody else's authorizer in front of GET /pets, deployed.
func (w *roleWorld) furnish() {
	w.t.Helper()
	var code bytes.Buffer // nothing here invokes the function
	z := zip.NewWriter(&code)
	_, err := z.Create("bootstrap")
	if err := errors.Join(err, z.Close()); err != nil {
		w.t.Fatal(err)
	}
	w.do(signed.Call{Service: "lambda", Method: "POST", Path: "/2015-03-31/functions", Body: map[string]any{"FunctionName": deploy.DefaultFunction, "Runtime": "provided.al2023",
		"Handler": "bootstrap", "Role": "arn:aws:iam::" + account + ":role/authorizer", "Code": map[string]any{"ZipFile": code.Bytes()}}}, nil)
	w.do(signed.Call{Service: "s3", Method: "PUT", Path: "/my-bucket", Raw: []byte(`<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>` + region + `</LocationConstraint></CreateBucketConfiguration>`)}, nil)
	w.do(target("secretsmanager", "CreateSecret", "secretsmanager", map[string]string{"Name": "portcullis/authorizer", "SecretString": secretText, "ClientRequestToken": "11112222-3333-4444-5555-666677778888"}, ""), nil)
	w.do(target("ssm", "PutParameter", "AmazonSSM", map[string]string{"Name": "/portcullis/authorizer", "Value": secretText, "Type": "SecureString"}, ""), nil)

	var api, authorizer struct{ ID string }
	w.do(signed.Call{Service: "apigateway", Method: "POST", Path: "/restapis", Query: url.Values{"mode": {"import"}}, Raw: []byte(petStore)}, &api)
	w.api = api.ID
	w.do(signed.Call{Service: "apigateway", Method: "POST", Path: "/restapis/" + w.api + "/authorizers", Body: map[string]any{"name": "theirs", "type": "TOKEN",
		"identitySource": "method.request.header.Authorization", "authorizerUri": "arn:aws:apigateway:" + region + ":lambda:path/2015-03-31/functions/" + otherFunction + "/invocations"}}, &authorizer)
	w.do(signed.Call{Service: "apigateway", Method: "PATCH", Path: "/restapis/" + w.api + "/resources/" + w.resource("/pets") + "/methods/GET", Body: map[string]any{"patchOperations": []map[string]string{
		{"op": "replace", "path": "/authorizationType", "value": "CUSTOM"}, {"op": "replace", "path": "/authorizerId", "value": authorizer.ID}}}}, nil)
	w.deploy()
}

func (w *roleWorld) resources() []discover.Resource {
	w.t.Helper()
	var list struct {
		Item []struct {
			ID, Path string
			Methods  map[string]discover.Method `json:"resourceMethods"`
		}
	}
	w.do(signed.Call{Service: "apigateway", Method: "GET", Path: "/restapis/" + w.api + "/resources", Query: url.Values{"embed": {"methods"}}}, &list)
	var out []discover.Resource
	for _, r := range list.Item {
		out = append(out, discover.Resource{ID: r.ID, Path: r.Path, Methods: r.Methods})
	}
	return out
}

func (w *roleWorld) resource(path string) string {
	w.t.Helper()
	for _, r := range w.resources() {
		if r.Path == path {
			return r.ID
		}
	}
	w.t.Fatalf("no resource %s", path)
	return ""
}

// methods is the edited state as the owner sees it: "GET /pets" -> name of its authorizer, or "NONE".
func (w *roleWorld) methods() map[string]string {
	w.t.Helper()
	names, out := map[string]string{}, map[string]string{}
	for _, a := range w.authorizers() {
		names[a.ID] = a.Name
	}
	for _, r := range w.resources() {
		for verb, m := range r.Methods {
			out[verb+" "+r.Path] = strings.TrimSpace(strings.TrimPrefix(m.AuthorizationType+" "+names[m.AuthorizerID], "CUSTOM "))
		}
	}
	return out
}

func (w *roleWorld) authorizers() []discover.Authorizer {
	w.t.Helper()
	var list struct{ Item []discover.Authorizer }
	w.do(signed.Call{Service: "apigateway", Method: "GET", Path: "/restapis/" + w.api + "/authorizers"}, &list)
	return list.Item
}

func (w *roleWorld) note(err error) {
	if err != nil {
		w.outcome = append(w.outcome, err.Error())
	}
}

// sync is one scheduled event: discovery, then attachment to the bound groups.
func (w *roleWorld) sync(bound ...string) []waist.APIGroup {
	w.t.Helper()
	found, err := w.work.discover(w.t.Context())
	w.note(err)
	wanted := authorizer.Wanted{Bound: bound, Revision: 1, Caching: map[string]authorizer.Caching{}}
	for _, id := range bound { // as policies would have it that read nothing but the token and the path
		wanted.Caching[id] = authorizer.Caching{Key: authorizer.CacheRequest, Why: "test"}
	}
	done, err := w.work.attach(w.t.Context(), wanted)
	w.note(err)
	w.outcome = append(w.outcome, slices.Concat(found.Problems, done.Problems)...)
	if done.Groups != nil {
		return done.Groups
	}
	return found.Groups
}

// life is everything that the function does with these parts of its role, from the first start to the last method that it
// gives back. It goes on after a failure, as the function does. After each step the account is compared with what has to
// be there, unless something was refused.
func (w *roleWorld) life(parts ...deploy.Part) {
	w.t.Helper()
	has := func(p deploy.Part) bool { return slices.Contains(parts, p) }
	w.work.attacher.Replace = has(deploy.Replace)
	if has(deploy.Cache) {
		w.work.attacher.TTL = 300
	}
	if has(deploy.Secret) {
		for _, arn := range []string{w.secretARN(), roleParameter} {
			s, err := clientSecret(w.t.Context(), w.role, arn)
			w.note(err)
			w.expect(s == secretText, "the secret of %s was not read", arn)
		}
	}
	if has(deploy.Store) {
		keep, err := keepAt(w.role, settings{LocalConfiguration: roleStore, IssuerURL: "https://portcullis.example.com/default/system", ClientID: "gw"})
		if err != nil {
			w.t.Fatal(err)
		}
		_, err = keep.Load(w.t.Context()) // nothing there yet
		w.note(err)
		w.note(keep.Save(w.t.Context(), []byte("kept")))
		b, err := keep.Load(w.t.Context())
		w.note(err)
		w.expect(string(b) == "kept", "the stored configuration reads %q", b)
	}

	front := map[string]string{"GET /pets": "theirs", "OPTIONS /pets": "NONE", "GET /pets/{petId}": "NONE"}
	before := fmt.Sprint(front)
	groups := w.sync()
	w.expect(len(groups) == 1 && len(groups[0].APIs) == 3, "groups %+v", groups)
	if has(deploy.Attach) {
		bound := waist.GroupID(w.api, "dev")
		front["GET /pets/{petId}"] = attach.Name
		if has(deploy.Replace) {
			front["GET /pets"] = attach.Name
		}
		w.sync(bound)
		w.expect(fmt.Sprint(w.methods()) == fmt.Sprint(front), "attached: %v, want %v", w.methods(), front)

		w.disturb()
		w.deploy()
		groups = w.sync(bound)
		for _, a := range w.authorizers() {
			w.expect(a.Name != attach.Name || a.TTL != nil && *a.TTL == w.work.attacher.TTL, "not repaired: %+v", a)
		}
		for _, g := range groups {
			for _, a := range g.APIs {
				if a.Authorizer == waist.AuthorizerOurs && a.Deployed == nil {
					w.outcome = append(w.outcome, "whose authorizer is deployed is not known: "+a.Path)
				}
			}
		}
		w.sync()
		w.expect(fmt.Sprint(w.methods()) == before, "detached: %v, want %v", w.methods(), before)
		if has(deploy.Cache) { // the mark goes when no deployment keeps answers any more
			w.deploy()
			w.sync()
		}
		var api struct{ Tags map[string]string }
		w.do(signed.Call{Service: "apigateway", Method: "GET", Path: "/restapis/" + w.api}, &api)
		w.expect(len(api.Tags) == 0, "tags are left: %v", api.Tags)
	}
}

// disturb gives our authorizer a cache, as a hand in the console may.
func (w *roleWorld) disturb() {
	w.t.Helper()
	for _, a := range w.authorizers() {
		if a.Name == attach.Name {
			w.do(signed.Call{Service: "apigateway", Method: "PATCH", Path: "/restapis/" + w.api + "/authorizers/" + a.ID, Body: map[string]any{"patchOperations": []map[string]string{
				{"op": "replace", "path": "/identitySource", "value": "method.request.header.Authorization"}, {"op": "replace", "path": "/authorizerResultTtlInSeconds", "value": "3600"}}}}, nil)
		}
	}
}

// secretARN is the secret's, with the six characters that the service chose.
func (w *roleWorld) secretARN() string {
	w.t.Helper()
	var d struct{ ARN string }
	w.do(target("secretsmanager", "DescribeSecret", "secretsmanager", map[string]string{"SecretId": "portcullis/authorizer"}, ""), &d)
	return d.ARN
}

func (w *roleWorld) expect(ok bool, format string, args ...any) {
	w.t.Helper()
	if !ok && len(w.denials) == 0 {
		w.t.Errorf(format, args...)
	}
}

func (w *roleWorld) expectNoDenial() {
	w.t.Helper()
	if len(w.denials) > 0 || len(w.outcome) > 0 {
		w.t.Errorf("refused: %v\nreported: %q", w.denials, w.outcome)
	}
}

// wholePolicy is these parts; both kinds of secret, whose ARN is any of that name.
func wholePolicy(t *testing.T, parts ...deploy.Part) iamPolicy {
	t.Helper()
	v := roleValues
	p := rolePolicy(t, v, parts...)
	v.SecretARN = roleParameter
	p.Statement = append(p.Statement, rolePolicy(t, v, deploy.Secret).Statement...)
	for i := range p.Statement {
		if p.Statement[i].Sid == "ReadSecret" { // the local AWS chooses the six characters
			p.Statement[i].Resource[0] = strings.TrimSuffix(roleSecret, "AbCdEf") + "??????"
		}
	}
	return p
}

// TestRolePolicies: the guide's broad policy, and ours by parts, each with the life that it is for.
func TestRolePolicies(t *testing.T) {
	broad := iamPolicy{"2012-10-17", []iamStatement{{Effect: "Allow", Action: list{"apigateway:*"}, Resource: list{"*"}}, {Effect: "Allow", Action: list{"lambda:*"}, Resource: list{functionARN}}}}
	anywhere := roleValues
	anywhere.Region, anywhere.Account = "*", "*"
	for _, c := range []struct {
		name   string
		policy iamPolicy
		parts  []deploy.Part
	}{
		{"the guide's", broad, []deploy.Part{deploy.Discover, deploy.Attach, deploy.Replace, deploy.Cache}},
		{"whole", wholePolicy(t, deploy.Parts()...), deploy.Parts()},
		{"discover", rolePolicy(t, roleValues, deploy.Discover), []deploy.Part{deploy.Discover}},
		{"discover and attach", rolePolicy(t, roleValues, deploy.Discover, deploy.Attach), []deploy.Part{deploy.Discover, deploy.Attach}},
		{"any region and account", rolePolicy(t, anywhere, deploy.Discover, deploy.Attach, deploy.Replace), []deploy.Part{deploy.Discover, deploy.Attach, deploy.Replace}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newRoleWorld(t, c.policy.text(t))
			w.life(c.parts...)
			w.expectNoDenial()
		})
	}
}

// without is a policy that lacks something, and what that allowed.
type without struct {
	name    string
	policy  iamPolicy
	removed iamStatement
}

// reductions are all policies that lack one statement, one action of a statement or one resource of a statement.
func reductions(p iamPolicy) []without {
	var out []without
	add := func(name string, i int, removed iamStatement, rest ...iamStatement) {
		q := iamPolicy{p.Version, slices.Concat(p.Statement[:i], rest, p.Statement[i+1:])}
		out = append(out, without{name, q, removed})
	}
	cut := func(l list, j int) list { return slices.Delete(slices.Clone(l), j, j+1) }
	for i, s := range p.Statement {
		add(s.Sid, i, s)
		for j := range s.Action {
			if len(s.Action) > 1 {
				rest, removed := s, s
				rest.Action, removed.Action = cut(s.Action, j), list{s.Action[j]}
				add(s.Sid+" "+s.Action[j], i, removed, rest)
			}
		}
		for j := range s.Resource {
			if len(s.Resource) > 1 {
				rest, removed := s, s
				rest.Resource, removed.Resource = cut(s.Resource, j), list{s.Resource[j]}
				add(s.Sid+" "+s.Resource[j], i, removed, rest)
			}
		}
	}
	return out
}

// allows tells whether a statement speaks of an action on a resource.
func (s iamStatement) allows(d denial) bool {
	return slices.Contains(s.Action, d.action) && slices.ContainsFunc(s.Resource, func(pattern string) bool {
		re := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
		return regexp.MustCompile("^" + re + "$").MatchString(d.resource)
	})
}

// TestNothingInTheRolePolicyIsTooMuch takes each statement, action and resource away in turn: exactly what it allowed is
// then refused, and the function says so.
func TestNothingInTheRolePolicyIsTooMuch(t *testing.T) {
	// Replace and Cache both write tags and differ in the keys of the tags only, which the local AWS does not look at: each
	// is tried without the other.
	for _, other := range []deploy.Part{deploy.Cache, deploy.Replace} {
		parts := slices.DeleteFunc(deploy.Parts(), func(p deploy.Part) bool { return p == other })
		whole := wholePolicy(t, parts...)
		cases := reductions(whole)
		if len(cases) < len(whole.Statement)+10 {
			t.Fatalf("%d policies of %d statements", len(cases), len(whole.Statement))
		}
		for _, c := range cases {
			t.Run("without "+string(other)+", "+c.name, func(t *testing.T) { lacking(t, c, parts) })
		}
	}
}

// lacking lives under a policy that lacks something.
func lacking(t *testing.T, c without, parts []deploy.Part) {
	t.Helper()
	w := newRoleWorld(t, c.policy.text(t))
	w.life(parts...)
	if len(w.denials) == 0 {
		t.Fatalf("nothing was refused without %+v", c.removed)
	}
	for _, d := range w.denials {
		if !c.removed.allows(d) {
			t.Errorf("%s on %s was refused without %+v", d.action, d.resource, c.removed)
		}
	}
	d := w.denials[0]
	said := strings.Join(w.outcome, "\n")
	switch {
	case strings.HasSuffix(d.resource, "/exports/oas30"): // the rest of the stage is reported without it
		if !strings.Contains(said, "whose authorizer is deployed is not known") {
			t.Errorf("refused %+v, reported %q", d, said)
		}
	case strings.HasPrefix(d.action, "s3:"): // S3 answers in XML; the function names what it asked for
		if !strings.Contains(said, "403") || !strings.Contains(said, "the function's role needs s3:") {
			t.Errorf("refused %+v, reported %q", d, said)
		}
	default:
		if !strings.Contains(said, "AccessDeniedException") || !strings.Contains(said, d.action+" on resource: "+d.resource) {
			t.Errorf("refused %+v, reported %q", d, said)
		}
	}
}

// TestRolePolicyRefuses: what the role must not be able to do, each with the policy that has every part.
func TestRolePolicyRefuses(t *testing.T) {
	w := newRoleWorld(t, wholePolicy(t, deploy.Parts()...).text(t))
	uri := "arn:aws:apigateway:" + region + ":lambda:path/2015-03-31/functions/" + otherFunction + "/invocations"
	api := "/restapis/" + w.api
	method := api + "/resources/" + w.resource("/pets") + "/methods/GET"
	for _, c := range []struct {
		what, service, method, path string
		body                        any
	}{
		{"an authorizer that calls another function", "apigateway", "POST", api + "/authorizers", map[string]any{"name": "x", "type": "REQUEST", "authorizerUri": uri, "authorizerResultTtlInSeconds": 0}},
		{"an authorizer without a function", "apigateway", "POST", api + "/authorizers", map[string]any{"name": "x", "type": "COGNITO_USER_POOLS"}},
		{"delete an authorizer", "apigateway", "DELETE", api + "/authorizers/abc123", nil},
		{"test an authorizer", "apigateway", "POST", api + "/authorizers/abc123", map[string]any{}},
		{"deploy", "apigateway", "POST", api + "/deployments", map[string]any{"stageName": "dev"}},
		{"change a stage", "apigateway", "PATCH", api + "/stages/dev", map[string]any{}},
		{"change an API", "apigateway", "PATCH", api, map[string]any{}},
		{"delete an API", "apigateway", "DELETE", api, nil},
		{"make an API", "apigateway", "POST", "/restapis", map[string]any{"name": "x"}},
		{"read a method with its integration", "apigateway", "GET", method, nil},
		{"replace a method", "apigateway", "PUT", method, map[string]any{"authorizationType": "NONE"}},
		{"delete a method", "apigateway", "DELETE", method, nil},
		{"export in another format", "apigateway", "GET", api + "/stages/dev/exports/swagger", nil},
		{"read API keys", "apigateway", "GET", "/apikeys", nil},
		{"read tags", "apigateway", "GET", "/tags/" + url.PathEscape("arn:aws:apigateway:"+region+"::"+api), nil},
		{"tag something else", "apigateway", "PUT", "/tags/" + url.PathEscape("arn:aws:apigateway:"+region+"::/domainnames/example.com"), map[string]any{"tags": map[string]string{"a": "b"}}},
		{"invoke the function", "lambda", "POST", "/2015-03-31/functions/" + deploy.DefaultFunction + "/invocations", map[string]any{}},
		{"read the function's configuration", "lambda", "GET", "/2015-03-31/functions/" + deploy.DefaultFunction, nil},
		{"permit calls of another function", "lambda", "POST", "/2015-03-31/functions/other/policy", map[string]any{"StatementId": "x", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}},
		{"read another object", "s3", "GET", "/my-bucket/conf/other.conf", nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			err := w.role.Do(t.Context(), signed.Call{Service: c.service, Operation: c.what, Method: c.method, Path: c.path, Body: c.body}, nil)
			var e *signed.Error
			if !errors.As(err, &e) || !e.Denied() {
				t.Errorf("%s: %v", c.what, err)
			}
		})
	}
}

// TestInstallersPermission: the script and the module add API Gateway's permission under the id that the function uses, so
// that there is one statement and not two.
func TestInstallersPermission(t *testing.T) {
	w := newRoleWorld(t, rolePolicy(t, roleValues, deploy.Discover).text(t))
	w.work.attacher.Apply = false
	if _, err := w.work.discover(t.Context()); err != nil {
		t.Fatal(err)
	}
	done, err := w.work.attach(t.Context(), authorizer.Wanted{Bound: []string{waist.GroupID(w.api, "dev")}})
	if err != nil || len(done.Plan) == 0 {
		t.Fatalf("%v, %+v", err, done)
	}
	id := regexp.MustCompile(`--statement-id (\S+)`).FindStringSubmatch(done.Plan[0])
	if id == nil {
		t.Fatalf("no statement id in %s", done.Plan[0])
	}
	for file, want := range map[string]string{"cli/install.sh": "--statement-id " + id[1] + " ", "terraform/main.tf": `= "` + id[1] + `"`} {
		text, err := fs.ReadFile(deploy.Files(), file)
		if err != nil || strings.Count(string(text), want) != 1 {
			t.Errorf("%s: %v, no %q", file, err, want)
		}
	}
}

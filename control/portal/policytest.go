package portal

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"portcullis/control"
	"portcullis/control/analytics"
)

// testInput is the request that the test starts from.
const testInput = `{
  "authn_ctx": {
    "sub": "",
    "client_id": "my-application",
    "scp": ["pets.read"],
    "amr": ["pwd"]
  },
  "contexts": {},
  "request": {
    "method": "GET",
    "path": "/pets",
    "headers": {"X-Custom": ["value"]},
    "path_params": {},
    "query_params": {"limit": ["10"]}
  }
}`

// testCaller is a caller that a test can start from: its claims.
type testCaller struct{ id, text, claims string }

var testCallers = []testCaller{
	{"anonymous", "Nobody: a request without a token", `{}`},
	{"user", "A user who logged in with a password", `{"sub": "joe", "client_id": "my-application", "scp": ["pets.read"], "amr": ["pwd"], "groups": ["users"]}`},
	{"mfa", "A user who logged in with a second factor", `{"sub": "joe", "client_id": "my-application", "scp": ["pets.read"], "amr": ["pwd", "mfa"], "groups": ["users"]}`},
	{"machine", "An application with its own token", `{"sub": "my-application", "client_id": "my-application", "scp": ["pets.read"]}`},
}

// Limits of what a test can start from.
const (
	maxTestAPIs     = 50
	maxTestRecorded = 20
)

// fillTest puts what was chosen into the request of the test: a caller replaces the claims, an API the request, a recorded
// decision both.
func (p *portal) fillTest(r *request, v *policyPage) error {
	v.fill = clip(r.value("fill"), 256)
	kind, id, _ := strings.Cut(v.fill, ":")
	switch kind {
	case "decision":
		d, err := r.decisionByID(id)
		if err != nil {
			return err
		}
		v.input, v.from = inputOf(d), &d
	case "caller":
		i := slices.IndexFunc(testCallers, func(c testCaller) bool { return c.id == id })
		if i >= 0 {
			v.input = replaced(v.input, "authn_ctx", json.RawMessage(testCallers[i].claims))
		}
	case "api":
		api, err := p.admin.GetAPI(r.ctx(), r.actor, id)
		if err != nil || api.ServerID != r.wid() {
			return control.Errorf(control.NotFound, "", "There is no such API in this workspace.")
		}
		s, _, err := p.admin.GetService(r.ctx(), r.actor, api.ServiceID)
		if err != nil {
			return err
		}
		v.input = replaced(v.input, "request", requestOf(api, s.Name))
	}
	return nil
}

// replaced is a test's input with one member put in; what is no JSON is replaced by the input that a test starts from.
func replaced(input, member string, value json.RawMessage) string {
	var whole struct {
		AuthnCtx json.RawMessage `json:"authn_ctx"`
		Contexts json.RawMessage `json:"contexts,omitempty"`
		Now      json.RawMessage `json:"now,omitempty"`
		Request  json.RawMessage `json:"request"`
	}
	if json.Unmarshal([]byte(input), &whole) != nil {
		if err := json.Unmarshal([]byte(testInput), &whole); err != nil {
			return testInput
		}
	}
	if member == "authn_ctx" {
		whole.AuthnCtx = value
	} else {
		whole.Request = value
	}
	out, err := json.MarshalIndent(whole, "", "  ")
	if err != nil {
		return testInput
	}
	return string(out)
}

// requestOf is a request to an API, with 1 for every parameter of its path.
func requestOf(api control.API, service string) json.RawMessage {
	params, path := map[string]string{}, []string{}
	for part := range strings.SplitSeq(api.Path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok && strings.HasSuffix(name, "}") {
			params[strings.TrimSuffix(strings.TrimSuffix(name, "}"), "+")] = "1"
			part = "1"
		}
		path = append(path, part)
	}
	method := api.Method
	if method == "ANY" {
		method = "GET"
	}
	out, err := json.Marshal(struct {
		Method   string              `json:"method"`
		Path     string              `json:"path"`
		Template string              `json:"template"`
		Service  string              `json:"service"`
		Params   map[string]string   `json:"path_params"`
		Query    map[string][]string `json:"query_params"`
		Headers  map[string][]string `json:"headers"`
		Source   string              `json:"source_ip"`
	}{method, strings.Join(path, "/"), api.Path, service, params, map[string][]string{}, map[string][]string{}, "192.0.2.7"})
	if err != nil {
		return json.RawMessage(`{}`)
	}
	return out
}

// recordedOf are the latest decisions of a policy, to test it with.
func (p *portal) recordedOf(r *request, policy string) ([]analytics.Decision, error) {
	return p.analytics.Recent(r.ctx(), r.actor, r.wid(), analytics.Filter{PolicyID: policy, Limit: maxTestRecorded})
}

// decisionWords is a recorded decision in one line.
func decisionWords(d analytics.Decision) string {
	word := "denied"
	if allowed(d) {
		word = "allowed"
	}
	who := caller(d)
	if who != "" {
		who = ", " + who
	}
	return d.At.UTC().Format("2 Jan 15:04:05") + " " + d.Method + " " + d.Path + ": " + word + who
}

func (p *portal) testPolicy(r *request) error {
	pol, err := r.policy()
	if err != nil {
		return err
	}
	next, v, places, ok := typed(r, pol)
	if !ok {
		return p.renderPolicy(r, http.StatusUnprocessableEntity, v)
	}
	if r.value("do") == "fill" {
		if err := p.fillTest(r, &v); err != nil {
			return err
		}
		return p.renderPolicy(r, http.StatusOK, v)
	}
	var t control.PolicyTest
	dec := json.NewDecoder(strings.NewReader(v.input))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t.Input); err != nil {
		v.tested = formErrors{fields: map[string]string{"input": "This JSON cannot be read: " + strings.TrimPrefix(err.Error(), "json: ")}}
		return p.renderPolicy(r, http.StatusUnprocessableEntity, v)
	}
	t.WorkspaceID = r.wid()
	t.Policy.Definition, t.Policy.Language, t.Policy.Type, t.Policy.Validators = next.Definition, next.Language, next.Type, next.Validators
	result, err := p.admin.TestPolicy(r.ctx(), r.actor, t)
	if err != nil {
		return p.refusePolicy(r, v, places, err)
	}
	v.result = &result
	return p.renderPolicy(r, http.StatusOK, v)
}

// runPolicyCases runs the file of cases in the form against the text in the editor.
func (p *portal) runPolicyCases(r *request) error {
	pol, err := r.policy()
	if err != nil {
		return err
	}
	next, v, places, ok := typed(r, pol)
	if !ok {
		return p.renderPolicy(r, http.StatusUnprocessableEntity, v)
	}
	ran, err := p.admin.RunPolicyCases(r.ctx(), r.actor, next, v.cases)
	if err != nil {
		var refused *control.Error
		if errors.As(err, &refused) && refused.Fields["cases"] != "" {
			v.casesFailed = formErrors{fields: map[string]string{"cases": "The cases " + refused.Fields["cases"]}}
			return p.renderPolicy(r, http.StatusUnprocessableEntity, v)
		}
		return p.refusePolicy(r, v, places, err)
	}
	v.ran = &ran
	return p.renderPolicy(r, http.StatusOK, v)
}

func resultIcon(ok bool) string {
	if ok {
		return "disc"
	}
	return "close"
}

func resultHeading(ok bool) string {
	if ok {
		return "Allowed: AUTHORIZED"
	}
	return "Denied: UNAUTHORIZED"
}

// asJSON shows a value that came out of JSON.
func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "(not representable)"
	}
	return string(b)
}

// outcomeState is how the outcome of a step is shown.
func outcomeState(outcome string) (kind, symbol, text string) {
	switch outcome {
	case "holds":
		return "good", "tick", "Holds"
	case "fails":
		return "bad", "close", "Fails"
	}
	return "warn", "warn", "Unknown"
}

// stepName is a step as its author knows it: a card's place, a rule or a statement.
func stepName(s control.PolicyStep) string {
	name := strings.NewReplacer("validators", "", ".conf", "", "[", " ", "]", "").Replace(s.Path)
	if !strings.HasPrefix(s.Path, "validators") {
		return s.Path
	}
	var out []string
	for _, part := range strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '.' }) {
		switch part {
		case "fields":
			part = "field"
		default:
			if n, err := strconv.Atoi(part); err == nil {
				part = itoa(n + 1)
			}
		}
		out = append(out, part)
	}
	return "Card " + strings.Join(out, " ")
}

// testAPIs are the APIs that use the policy and whose requests a test can start from.
func (v policyPage) testAPIs() []control.APIState {
	var out []control.APIState
	for _, s := range v.usedBy {
		for _, a := range s.APIs {
			if len(out) == maxTestAPIs {
				return out
			}
			out = append(out, a)
		}
	}
	return out
}

// micro is a short time in words.
func micro(us float64) string {
	if us >= 1000 {
		return fmt.Sprintf("%.2f ms", us/1000)
	}
	return fmt.Sprintf("%.1f µs", us)
}

func lines(list []string) string { return strings.Join(list, "\n") }

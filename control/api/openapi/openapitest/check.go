package openapitest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Exchange is one request and its answer.
type Exchange struct {
	Method      string
	Target      string // path and query, as sent: "/api/admin/default/servers?limit=10"
	RequestType string // Content-Type of the request
	Request     []byte
	Status      int
	Header      http.Header // of the answer
	Body        []byte      // of the answer
}

// Check says in what an exchange breaks the contract; nothing when it does not. Paths that are neither in the document nor
// below /api/ are none of the contract's business.
func Check(x Exchange) ([]string, error) {
	c, err := loaded()
	if err != nil {
		return nil, fmt.Errorf("docs/reference/openapi.yaml: %w", err)
	}
	return c.check(x)
}

func (c *contract) check(x Exchange) ([]string, error) {
	u, err := url.ParseRequestURI(x.Target)
	if err != nil {
		return nil, err
	}
	r, found := c.find(u.EscapedPath())
	if !found {
		if !strings.HasPrefix(u.Path, "/api/") {
			return nil, nil
		}
		return c.unknown(x, "Error", http.StatusNotFound)
	}
	method := strings.ToLower(x.Method)
	if method == "head" {
		method = "get"
	}
	if r.item[method] == nil {
		body := "Error"
		if !strings.HasPrefix(r.template, "/api/") {
			body = "OAuthError"
		}
		return c.unknown(x, body, http.StatusMethodNotAllowed)
	}
	problems, err := c.answer(pointer("paths", r.template, method), x)
	if err != nil {
		return nil, err
	}
	if x.Status/100 == 2 {
		more, err := c.accepted(r, method, u.Query(), x)
		if err != nil {
			return nil, err
		}
		problems = append(problems, more...)
	}
	return problems, nil
}

// unknown is the answer where the document has no operation.
func (c *contract) unknown(x Exchange, schema string, want int) ([]string, error) {
	switch {
	case x.Status == http.StatusUnauthorized || x.Status == http.StatusNotFound || x.Status == http.StatusNotImplemented:
	case x.Status == want:
		if x.Header.Get("Allow") == "" {
			return []string{"405 without the header Allow (RFC 9110 15.5.6)"}, nil
		}
	default:
		return []string{fmt.Sprintf("the contract has no %s here, and the status is %d and not %d", x.Method, x.Status, want)}, nil
	}
	if x.Method == http.MethodHead {
		return nil, nil
	}
	return c.json(pointer("components", "schemas", schema), x)
}

// answer checks status, headers and body.
func (c *contract) answer(operation string, x Exchange) ([]string, error) {
	status := strconv.Itoa(x.Status)
	v, where, err := c.at(operation + pointer("responses", status))
	if err != nil {
		return nil, err
	}
	if v == nil {
		return []string{"the status " + status + " is not declared"}, nil
	}
	response := object(v)
	problems, err := c.headers(where, response, x.Header)
	if err != nil {
		return nil, err
	}
	if op, _, _ := c.at(operation); object(op)["x-portcullis-built"] == false && x.Status < 400 {
		problems = append(problems, "the operation is marked x-portcullis-built: false, and it answers; take the mark and its 501 away")
	}
	content := object(response["content"])
	if len(content) == 0 {
		if len(x.Body) > 0 {
			problems = append(problems, fmt.Sprintf("there is a body of %d bytes, and none is declared", len(x.Body)))
		}
		return problems, nil
	}
	media, _, err := mime.ParseMediaType(x.Header.Get("Content-Type"))
	if err != nil || content[media] == nil {
		return append(problems, fmt.Sprintf("the content type %q is not one of %v", x.Header.Get("Content-Type"), slices.Sorted(maps.Keys(content)))), nil
	}
	if x.Method == http.MethodHead || media != "application/json" {
		return problems, nil
	}
	more, err := c.json(where+pointer("content", media, "schema"), x)
	return append(problems, more...), err
}

func (c *contract) headers(response string, v map[string]any, got http.Header) ([]string, error) {
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(object(v["headers"]))) {
		h, where, err := c.at(response + pointer("headers", name))
		if err != nil {
			return nil, err
		}
		values := got.Values(name)
		if len(values) == 0 {
			if object(h)["required"] == true {
				problems = append(problems, "the header "+name+" is missing")
			}
			continue
		}
		s, err := c.schema(where + "/schema")
		if err != nil {
			return nil, err
		}
		if err := s.Validate(scalar(s, values[0])); err != nil {
			problems = append(problems, fmt.Sprintf("the header %s: %s", name, brief(err)))
		}
	}
	return problems, nil
}

// scalar reads a header or parameter as the type that its schema asks for.
func scalar(s *jsonschema.Schema, text string) any {
	if s.Types != nil && slices.Contains(s.Types.ToStrings(), "integer") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	}
	return text
}

// json checks a JSON body against the schema at a pointer. The status in the body is the status.
func (c *contract) json(schema string, x Exchange) ([]string, error) {
	if media, _, err := mime.ParseMediaType(x.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return []string{fmt.Sprintf("the content type is %q", x.Header.Get("Content-Type"))}, nil
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(x.Body))
	if err != nil {
		return []string{"the body is not JSON: " + err.Error()}, nil
	}
	s, err := c.schema(schema)
	if err != nil {
		return nil, err
	}
	problems := violations(s.Validate(v))
	undeclared := c.undeclared(schema, v, "")
	slices.Sort(undeclared)
	problems = append(problems, undeclared...)
	if x.Status >= 400 {
		// The issuer's error_code is a number.
		if code, ok := object(v)["error_code"].(string); ok && !slices.Contains(c.codes, code) {
			problems = append(problems, fmt.Sprintf("the error_code %q is not in docs/reference/errors.md", code))
		}
		if code := fmt.Sprint(object(v)["status_code"]); code != strconv.Itoa(x.Status) {
			problems = append(problems, fmt.Sprintf("status_code is %s, and the status is %d", code, x.Status))
		}
	}
	return problems, nil
}

// undeclared names the members that no part of the schema knows.
func (c *contract) undeclared(schema string, v any, at string) []string {
	var out []string
	switch v := v.(type) {
	case []any:
		items := c.parts(schema, "items")
		for i, e := range v {
			for _, p := range items {
				out = append(out, c.undeclared(p, e, at+"/"+strconv.Itoa(i))...)
			}
		}
	case map[string]any:
		open := c.parts(schema, "additionalProperties")
		for name, member := range v {
			declared := c.parts(schema, "properties", name)
			if len(declared) == 0 {
				declared = open
			}
			if len(declared) == 0 {
				out = append(out, fmt.Sprintf("the member %s/%s is not declared", at, name))
			}
			for _, p := range declared {
				out = append(out, c.undeclared(p, member, at+"/"+name)...)
			}
		}
	}
	return out
}

// parts are the pointers to what a schema, or a schema that it is made of, has under the tokens.
func (c *contract) parts(schema string, tokens ...string) []string {
	v, where, err := c.at(schema)
	if err != nil {
		return nil
	}
	if v == true { // additionalProperties: true
		return []string{where}
	}
	var out []string
	sub := v
	for _, t := range tokens {
		sub = object(sub)[t]
	}
	if sub != nil && sub != false {
		out = append(out, where+pointer(tokens...))
	}
	for i := range list(object(v)["allOf"]) {
		out = append(out, c.parts(where+pointer("allOf", strconv.Itoa(i)), tokens...)...)
	}
	if v != nil && len(object(v)) == 0 { // {}: anything
		out = append(out, where)
	}
	return out
}

// accepted checks the request of a success.
func (c *contract) accepted(r route, method string, query url.Values, x Exchange) ([]string, error) {
	var problems []string
	known := map[string]bool{}
	for _, at := range []string{pointer("paths", r.template, "parameters"), pointer("paths", r.template, method, "parameters")} {
		v, where, err := c.at(at)
		if err != nil {
			return nil, err
		}
		for i := range list(v) {
			p, _, err := c.at(where + pointer(strconv.Itoa(i)))
			if err != nil {
				return nil, err
			}
			if object(p)["in"] == "query" {
				known[fmt.Sprint(object(p)["name"])] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !known[name] {
			problems = append(problems, "the request was accepted with the undeclared query parameter "+name)
		}
	}
	body, where, err := c.at(pointer("paths", r.template, method, "requestBody"))
	if err != nil || body == nil {
		return problems, err
	}
	media, _, _ := mime.ParseMediaType(x.RequestType)
	if media == "" {
		media = "application/json"
	}
	if object(object(body)["content"])[media] == nil {
		return append(problems, fmt.Sprintf("the request was accepted with the undeclared content type %q", x.RequestType)), nil
	}
	var v any
	switch media {
	case "application/json", "application/merge-patch+json", "application/json-patch+json":
		if v, err = jsonschema.UnmarshalJSON(bytes.NewReader(x.Request)); err != nil {
			return append(problems, "the request was accepted and is not JSON: "+err.Error()), nil
		}
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(x.Request))
		if err != nil {
			return append(problems, "the request was accepted and is no form: "+err.Error()), nil
		}
		members := map[string]any{}
		for name := range form {
			members[name] = form.Get(name)
		}
		v = members
	default:
		return problems, nil
	}
	s, err := c.schema(where + pointer("content", media, "schema"))
	if err != nil {
		return nil, err
	}
	for _, p := range violations(s.Validate(v)) {
		problems = append(problems, "the request was accepted: "+p)
	}
	return problems, nil
}

// violations are the leaves of a validation error, one line each.
func violations(err error) []string {
	var ve *jsonschema.ValidationError
	if !errors.As(err, &ve) {
		if err != nil {
			return []string{err.Error()}
		}
		return nil
	}
	var out []string
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) > 0 {
			return // it only holds what is wrong below it
		}
		at := pointer(e.InstanceLocation...)
		if at == "" {
			at = "the body"
		}
		text := e.Error()
		if u := e.BasicOutput(); u.Error != nil {
			text = u.Error.String()
		}
		if line := at + ": " + text; !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	walk(ve)
	return out
}

func brief(err error) string { return strings.Join(violations(err), "; ") }

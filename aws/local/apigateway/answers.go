package apigateway

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// answer is what goes back to the caller.
type answer struct {
	status    int
	header    http.Header
	body      []byte
	errorType string // x-amzn-ErrorType; "" for answers of an integration
}

// gatewayResponse turns a failure into the answer that API Gateway gives, customised as the deployment says.
func (x *exchange) gatewayResponse(err error) *answer {
	var f *failure
	if !errors.As(err, &f) {
		f = internalError(500, err.Error())
	}
	x.fail = f
	x.svc.opt.Logger.Info("api gateway response", "type", f.kind, "detail", f.detail, "method", x.verb, "path", x.path, "requestId", x.requestID)
	kind := responseKinds[f.kind]
	status, _ := strconv.Atoi(kind.status)
	if f.status != 0 {
		status = f.status
	}
	if status == 0 {
		status = http.StatusInternalServerError
	}
	out := &answer{status: status, header: http.Header{"Content-Type": {"application/json"}}, errorType: kind.errorType}
	if f.errorType != "" {
		out.errorType = f.errorType
	}
	if out.errorType == "" {
		out.errorType = "InternalServerErrorException"
		if status < 500 {
			out.errorType = "BadRequestException"
		}
	}
	custom := x.customResponse(f.kind, status)
	if custom == nil {
		out.body = []byte(f.body)
		if f.body == "" {
			out.body = []byte(`{"message":` + jsonString(*f.message) + `}`)
		}
		x.status = out.status
		return out
	}
	if n, err := strconv.Atoi(custom.StatusCode); err == nil {
		out.status = n
	}
	x.status = out.status
	for to, from := range custom.ResponseParameters {
		if v, ok := x.gatewayValue(from); ok {
			out.header.Set(strings.TrimPrefix(to, "gatewayresponse.header."), v)
		}
	}
	contentType, template := pickTemplate(custom.ResponseTemplates, x.header.Get("Accept"))
	if contentType != "" {
		out.header.Set("Content-Type", contentType)
	}
	out.body = []byte(x.substitute(template))
	return out
}

// customResponse is the customised gateway response that applies: the type's own, else the fall-back of its class.
func (x *exchange) customResponse(kind string, status int) *gatewayResponse {
	if x.def == nil {
		return nil
	}
	if g := x.def.GatewayResponses[kind]; g != nil {
		return g
	}
	if status >= 500 {
		return x.def.GatewayResponses["DEFAULT_5XX"]
	}
	return x.def.GatewayResponses["DEFAULT_4XX"]
}

// pickTemplate chooses by the Accept header, else JSON, else the first by name.
func pickTemplate(templates map[string]string, accept string) (contentType, template string) {
	for a := range strings.SplitSeq(accept, ",") {
		a, _, _ = strings.Cut(strings.TrimSpace(a), ";")
		if t, ok := templates[a]; ok {
			return a, t
		}
	}
	if t, ok := templates["application/json"]; ok {
		return "application/json", t
	}
	for _, k := range sortedKeys(templates) {
		return k, templates[k]
	}
	return "", ""
}

// gatewayValue is the value of a gateway response parameter: a literal in single quotes or a mapping source.
func (x *exchange) gatewayValue(from string) (string, bool) {
	if lit, ok := literal(from); ok {
		return lit, true
	}
	v := x.source(from)
	return v, v != ""
}

func literal(s string) (string, bool) {
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return s[1 : len(s)-1], true
	}
	return "", false
}

var gatewayVariable = regexp.MustCompile(`\$\{?(context|stageVariables|method\.request)\.([a-zA-Z0-9_\-]+(?:\.[a-zA-Z0-9_\-]+)*)\}?`)

// substitute replaces the variables of a gateway response template. There is no VTL in these templates.
func (x *exchange) substitute(template string) string {
	return gatewayVariable.ReplaceAllStringFunc(template, func(v string) string {
		m := gatewayVariable.FindStringSubmatch(v)
		if m[1] == "context" {
			s, _ := x.contextValue(m[2])
			return s
		}
		return x.source(m[1] + "." + m[2])
	})
}

// remapped are response headers that a REST API renames. Source: Developer Guide, "Amazon API Gateway important notes".
var remapped = []string{"Www-Authenticate"}

// write sends the answer with the headers that every answer of the data plane has.
func (x *exchange) write(w http.ResponseWriter, out *answer) {
	h := w.Header()
	for k, v := range out.header {
		h[k] = v
	}
	for _, name := range remapped {
		if v, ok := h[name]; ok {
			h.Del(name)
			h["X-Amzn-Remapped-"+name] = v
		}
	}
	for _, name := range []string{"Connection", "Transfer-Encoding", "Keep-Alive", "Trailer", "Upgrade"} { // the caller's connection is not the backend's
		h.Del(name)
	}
	h["x-amzn-RequestId"] = []string{x.requestID} // in the spelling of the service
	h["x-amz-apigw-id"] = []string{x.extendedID}
	if out.errorType != "" {
		h["x-amzn-ErrorType"] = []string{out.errorType}
	}
	h.Set("Content-Length", strconv.Itoa(len(out.body)))
	w.WriteHeader(out.status)
	if x.ctx.Method != http.MethodHead {
		w.Write(out.body)
	}
}

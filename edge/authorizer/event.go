package authorizer

import (
	"encoding/json"
	"strings"
)

// kind tells the events apart.
type kind int

const (
	kindUnknown   kind = iota
	kindRequest        // REST API or HTTP API payload 1.0, REQUEST
	kindToken          // REST API, TOKEN
	kindHTTP2          // HTTP API, payload 2.0
	kindWebSocket      // WebSocket API, $connect
	kindSchedule       // EventBridge
	kindSelfCheck      // {"portcullis":"self-check"}, with "plan":"terraform" for the plan as well
	kindPlan           // {"portcullis":"plan","format":"terraform"}
)

// event is the union of the event shapes of API Gateway ("Input to an API Gateway Lambda authorizer", "Working with AWS
// Lambda authorizers for HTTP APIs", "Create a Lambda REQUEST authorizer function" for WebSocket APIs) and EventBridge.
// Unknown members are ignored, since AWS adds some; null and absent are the same.
type event struct {
	Version string `json:"version"`
	Type    string `json:"type"`

	MethodARN             string              `json:"methodArn"`
	RouteARN              string              `json:"routeArn"`
	AuthorizationToken    string              `json:"authorizationToken"`
	Resource              string              `json:"resource"`
	Path                  string              `json:"path"`
	HTTPMethod            string              `json:"httpMethod"`
	Headers               map[string]string   `json:"headers"`
	MultiValueHeaders     map[string][]string `json:"multiValueHeaders"`
	QueryStringParameters map[string]string   `json:"queryStringParameters"`
	MultiValueQuery       map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters        map[string]string   `json:"pathParameters"`

	RouteKey string          `json:"routeKey"` // HTTP API 2.0
	RawPath  string          `json:"rawPath"`
	Context  *requestContext `json:"requestContext"`

	Source     string `json:"source"`      // EventBridge
	DetailType string `json:"detail-type"` // EventBridge
	Portcullis string `json:"portcullis"`  // direct invocation
	Format     string `json:"format"`      // of a plan
	Plan       string `json:"plan"`        // format of the plan that goes with a self-check
}

type requestContext struct {
	APIID        string   `json:"apiId"`
	Stage        string   `json:"stage"`
	RequestID    string   `json:"requestId"`
	AccountID    string   `json:"accountId"`
	HTTPMethod   string   `json:"httpMethod"`
	ResourcePath string   `json:"resourcePath"`
	RouteKey     string   `json:"routeKey"`
	EventType    string   `json:"eventType"` // WebSocket: CONNECT
	Identity     identity `json:"identity"`
	// HTTP API 2.0:
	Authentication struct {
		ClientCert *clientCert `json:"clientCert"`
	} `json:"authentication"`
	HTTP struct {
		Method    string `json:"method"`
		Path      string `json:"path"`
		SourceIP  string `json:"sourceIp"`
		UserAgent string `json:"userAgent"`
	} `json:"http"`
}

type identity struct {
	SourceIP   string      `json:"sourceIp"`
	UserAgent  string      `json:"userAgent"`
	ClientCert *clientCert `json:"clientCert"`
}

type clientCert struct {
	PEM string `json:"clientCertPem"`
}

// decodeEvent reads an event and says what it is. An event that is no JSON object, or whose members have other types
// than AWS's, is kindUnknown with an error.
func decodeEvent(payload []byte) (*event, kind, error) {
	e, plain := scanEvent(string(payload))
	if !plain {
		e = &event{}
		if err := json.Unmarshal(payload, e); err != nil {
			return nil, kindUnknown, err
		}
	}
	return e, e.kind(), nil
}

func (e *event) kind() kind {
	switch {
	case e.Type == "TOKEN":
		return kindToken
	case e.Type == "REQUEST" && e.Version == "2.0":
		return kindHTTP2
	case e.Type == "REQUEST" && e.Context != nil && e.Context.EventType == "CONNECT":
		return kindWebSocket
	case e.Type == "REQUEST":
		return kindRequest
	case e.Type != "":
		return kindUnknown
	case e.Portcullis == "self-check":
		return kindSelfCheck
	case e.Portcullis == "plan":
		return kindPlan
	case e.Portcullis == "sync", e.Source == "aws.events", e.Source == "aws.scheduler", e.DetailType == "Scheduled Event":
		return kindSchedule
	}
	return kindUnknown
}

// request is one authorizer call, read once; nothing behind it sees the event.
type request struct {
	kind     kind
	arn      arn
	apiID    string
	stage    string
	method   string // concrete verb, upper case
	template string // resource template; empty for TOKEN
	rest     bool   // a REST API's REQUEST: the only one that our own authorizers send
	path     string // concrete path

	id         string // requestContext.requestId
	headers    map[string][]string
	query      map[string][]string
	pathParams map[string]string
	sourceIP   string
	userAgent  string
	cert       string // client certificate, PEM; empty when none was shown

	credential    credential
	credentialErr string // reason code
}

// request reads an authorizer event. ok is false when it contradicts itself or lacks what decides; the request is then
// good for a Deny only.
func (e *event) request(k kind) (r *request, ok bool) {
	r = &request{kind: k}
	text := e.MethodARN
	if k == kindHTTP2 {
		text = e.RouteARN
	}
	a, valid := parseARN(text)
	r.arn = a
	if !valid {
		return r, false
	}
	r.apiID, r.stage, r.method, r.path = a.apiID, a.stage, a.verb, a.path
	if k == kindToken {
		r.credential, r.credentialErr = parseAuthorization([]string{e.AuthorizationToken})
		return r, true
	}
	c := e.Context
	if c == nil || c.APIID != a.apiID || c.Stage != a.stage {
		return r, false
	}
	r.id, r.sourceIP, r.userAgent = c.RequestID, c.Identity.SourceIP, c.Identity.UserAgent
	r.pathParams = e.PathParameters
	r.headers = joinValues(e.Headers, e.MultiValueHeaders)
	r.query = joinValues(e.QueryStringParameters, e.MultiValueQuery)
	if c.Identity.ClientCert != nil {
		r.cert = c.Identity.ClientCert.PEM
	}
	switch k {
	case kindRequest:
		r.method, r.template, r.path = strings.ToUpper(e.HTTPMethod), e.Resource, e.Path
		r.rest = e.Version == ""
		if e.Version == "1.0" && r.template == "" { // HTTP API
			r.template = routeTemplate(c.RouteKey)
		}
		if a.verb != r.method || c.ResourcePath != "" && c.ResourcePath != r.template {
			ok = false
			return r, ok
		}
	case kindHTTP2:
		r.method, r.path, r.template = strings.ToUpper(c.HTTP.Method), e.RawPath, routeTemplate(e.RouteKey)
		r.sourceIP, r.userAgent = c.HTTP.SourceIP, c.HTTP.UserAgent
		if c.Authentication.ClientCert != nil {
			r.cert = c.Authentication.ClientCert.PEM
		}
	case kindWebSocket:
		r.method, r.template, r.path = "CONNECT", "$connect", "$connect"
	}
	r.credential, r.credentialErr = parseAuthorization(valuesOf(r.headers, "Authorization"))
	return r, r.method != "" && r.template != ""
}

// routeTemplate cuts the verb off a route key: "GET /items/{id}" is "/items/{id}", "$default" stays.
func routeTemplate(routeKey string) string {
	if _, path, ok := strings.Cut(routeKey, " "); ok {
		return path
	}
	return routeKey
}

// joinValues prefers the multi-value map, entry by entry: the single-value one holds the last value only.
func joinValues(single map[string]string, multi map[string][]string) map[string][]string {
	if len(single) == 0 && multi != nil {
		return multi
	}
	out := make(map[string][]string, max(len(single), len(multi)))
	for k, v := range multi {
		out[k] = v
	}
	for k, v := range single {
		if _, there := out[k]; !there {
			out[k] = []string{v}
		}
	}
	return out
}

// valuesOf returns the values of a header whatever its case: edge-optimised endpoints canonicalise names, regional ones
// pass them through, HTTP APIs lower them.
func valuesOf(headers map[string][]string, name string) []string {
	var out []string
	for k, v := range headers {
		if len(k) == len(name) && strings.EqualFold(k, name) {
			out = append(out, v...)
		}
	}
	return out
}

// arn is a method ARN: arn:{partition}:execute-api:{region}:{account}:{apiId}/{stage}/{verb}/{path}.
type arn struct {
	text                       string
	partition, region, account string
	apiID, stage, verb, path   string
}

// ofStage is the part that all methods of the stage share, up to the slash before the verb.
func (a *arn) ofStage() string {
	return "arn:" + a.partition + ":execute-api:" + a.region + ":" + a.account + ":" + a.apiID + "/" + a.stage + "/"
}

// parseARN splits on the first five colons only: a path may contain more of them.
func parseARN(text string) (arn, bool) {
	p := strings.SplitN(text, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[2] != "execute-api" {
		return arn{}, false
	}
	a := arn{text: text, partition: p[1], region: p[3], account: p[4]}
	r := strings.SplitN(p[5], "/", 4)
	if len(r) < 3 || r[0] == "" || r[1] == "" || r[2] == "" {
		return a, false
	}
	a.apiID, a.stage, a.verb = r[0], r[1], strings.ToUpper(r[2])
	a.path = "/"
	if len(r) == 4 {
		a.path = "/" + r[3]
	}
	return a, true
}

package apigateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const maxBackendBody = 10 << 20

// callHTTP sends a request to the integration's endpoint within the integration's time-out.
func (x *exchange) callHTTP(in *integration, m mappedRequest, header http.Header, query url.Values, body string) (*backend, error) {
	target, err := x.endpoint(in, m)
	if err != nil {
		return nil, err
	}
	q := target.Query()
	for k, v := range query {
		q[k] = v
	}
	target.RawQuery = q.Encode()
	verb := in.HTTPMethod
	if verb == "ANY" {
		verb = x.verb
	}
	ctx, cancel := context.WithTimeout(x.ctx.Context(), time.Duration(in.TimeoutInMillis)*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, verb, target.String(), strings.NewReader(body))
	if err != nil {
		return nil, internalError(500, "the integration's request: "+err.Error())
	}
	req.Header = header
	req.Header.Set("X-Amzn-Apigateway-Api-Id", x.def.API.ID)
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "AmazonAPIGateway_"+x.def.API.ID)
	}
	if verb == http.MethodGet || verb == http.MethodHead {
		if body == "" {
			req.Body, req.ContentLength = http.NoBody, 0
		}
	}
	res, err := x.client(in).Do(req)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, spaced("INTEGRATION_TIMEOUT", 504, "Endpoint request timed out", target.Host+": "+err.Error())
		}
		return nil, spaced("INTEGRATION_FAILURE", 504, "Network error communicating with endpoint", err.Error())
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxBackendBody+1))
	if err != nil {
		return nil, spaced("INTEGRATION_FAILURE", 504, "Network error communicating with endpoint", err.Error())
	}
	if len(data) > maxBackendBody {
		return nil, internalError(500, "the endpoint's answer is above 10 MB")
	}
	return &backend{status: res.StatusCode, header: res.Header, body: data, selector: strconv.Itoa(res.StatusCode)}, nil
}

var uriVariable = regexp.MustCompile(`\{[^{}]+\}`)

// endpoint is the URI with stage variables and path parameters filled in. A {name} is filled only by a request parameter
// integration.request.path.name, as on AWS.
func (x *exchange) endpoint(in *integration, m mappedRequest) (*url.URL, error) {
	uri := x.substituteVariables(in.URI)
	var missing string
	uri = uriVariable.ReplaceAllStringFunc(uri, func(v string) string {
		name := strings.TrimSuffix(strings.Trim(v, "{}"), "+")
		value, ok := m.path[name]
		if !ok {
			missing = name
		}
		return value
	})
	if missing != "" {
		return nil, internalError(500, "the integration's URI has {"+missing+"}, but no request parameter integration.request.path."+missing+" fills it")
	}
	if !strings.Contains(uri, "://") {
		uri = "http://" + uri // a stage variable may hold the host alone
	}
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return nil, internalError(500, "the integration's URI is not a URL: "+uri)
	}
	return u, nil
}

// httpProxy passes the request on whole and the answer back whole.
func (x *exchange) httpProxy(in *integration) (*answer, error) {
	m := x.mapRequest(in)
	header := x.forwardedHeaders()
	header.Del("Host")
	header.Del("Content-Length")
	header.Del("X-Http-Method-Override")
	for k, v := range m.header {
		header[k] = v
	}
	query := url.Values{}
	for k, v := range x.query {
		query[k] = v
	}
	for k, v := range m.query {
		query[k] = v
	}
	b, err := x.callHTTP(in, m, header, query, string(x.body))
	if err != nil {
		return nil, err
	}
	out := &answer{status: b.status, header: http.Header{}, body: b.body}
	for k, v := range b.header {
		switch k {
		case "Date", "Server", "Connection", "Content-Length":
			out.header["X-Amzn-Remapped-"+k] = v
		case "Transfer-Encoding", "Keep-Alive", "Trailer", "Upgrade":
		default:
			out.header[k] = v
		}
	}
	return out, nil
}

// httpCustom sends what mappings and templates say, and maps the answer by its status.
func (x *exchange) httpCustom(in *integration) (*answer, error) {
	body, err := x.requestBody(in)
	if err != nil {
		return nil, err
	}
	m := x.mapRequest(in)
	if m.header.Get("Content-Type") == "" {
		m.header.Set("Content-Type", x.contentType())
	}
	b, err := x.callHTTP(in, m, m.header, m.query, body)
	if err != nil {
		return nil, err
	}
	return x.mapResponse(in, b)
}

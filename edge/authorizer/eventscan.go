package authorizer

import "portcullis/edge/scan"

// The members that scanEvent knows. A test compares them with the types.
var (
	eventFields = []string{"version", "type", "methodArn", "routeArn", "authorizationToken", "resource", "path", "httpMethod", "headers", "multiValueHeaders",
		"queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "routeKey", "rawPath", "requestContext", "source", "detail-type", "portcullis", "format", "plan"}
	contextFields        = []string{"apiId", "stage", "requestId", "accountId", "httpMethod", "resourcePath", "routeKey", "eventType", "identity", "authentication", "http"}
	identityFields       = []string{"sourceIp", "userAgent", "clientCert"}
	authenticationFields = []string{"clientCert"}
	certFields           = []string{"clientCertPem"}
	httpFields           = []string{"method", "path", "sourceIp", "userAgent"}
)

// scanEvent reads a plain event as encoding/json would; ok is false when it is not plain. One thing differs, and no
// request shows it: of the single-value maps only the entries are read that the multi-value ones do not have.
func scanEvent(text string) (e *event, ok bool) {
	t := scan.Of(text)
	e = &event{}
	var headers, query string // single-value maps, for afterwards
	for name := range t.Fields(eventFields) {
		switch name {
		case "version":
			e.Version = t.String()
		case "type":
			e.Type = t.String()
		case "methodArn":
			e.MethodARN = t.String()
		case "routeArn":
			e.RouteARN = t.String()
		case "authorizationToken":
			e.AuthorizationToken = t.String()
		case "resource":
			e.Resource = t.String()
		case "path":
			e.Path = t.String()
		case "httpMethod":
			e.HTTPMethod = t.String()
		case "headers":
			headers = t.Raw()
		case "multiValueHeaders":
			e.MultiValueHeaders = scanLists(t)
		case "queryStringParameters":
			query = t.Raw()
		case "multiValueQueryStringParameters":
			e.MultiValueQuery = scanLists(t)
		case "pathParameters":
			e.PathParameters = scanTexts(t, nil)
		case "routeKey":
			e.RouteKey = t.String()
		case "rawPath":
			e.RawPath = t.String()
		case "requestContext":
			e.Context = scanContext(t)
		case "source":
			e.Source = t.String()
		case "detail-type":
			e.DetailType = t.String()
		case "portcullis":
			e.Portcullis = t.String()
		case "format":
			e.Format = t.String()
		case "plan":
			e.Plan = t.String()
		}
	}
	if !t.Done() {
		return nil, false
	}
	if e.Headers, ok = singles(headers, e.MultiValueHeaders); !ok {
		return nil, false
	}
	e.QueryStringParameters, ok = singles(query, e.MultiValueQuery)
	return e, ok
}

func scanContext(t *scan.Text) *requestContext {
	if t.Null() {
		return nil
	}
	c := &requestContext{}
	for name := range t.Fields(contextFields) {
		switch name {
		case "apiId":
			c.APIID = t.String()
		case "stage":
			c.Stage = t.String()
		case "requestId":
			c.RequestID = t.String()
		case "accountId":
			c.AccountID = t.String()
		case "httpMethod":
			c.HTTPMethod = t.String()
		case "resourcePath":
			c.ResourcePath = t.String()
		case "routeKey":
			c.RouteKey = t.String()
		case "eventType":
			c.EventType = t.String()
		case "identity":
			for name := range t.Fields(identityFields) {
				switch name {
				case "sourceIp":
					c.Identity.SourceIP = t.String()
				case "userAgent":
					c.Identity.UserAgent = t.String()
				case "clientCert":
					c.Identity.ClientCert = scanCert(t)
				}
			}
		case "authentication":
			for range t.Fields(authenticationFields) {
				c.Authentication.ClientCert = scanCert(t)
			}
		case "http":
			for name := range t.Fields(httpFields) {
				switch name {
				case "method":
					c.HTTP.Method = t.String()
				case "path":
					c.HTTP.Path = t.String()
				case "sourceIp":
					c.HTTP.SourceIP = t.String()
				case "userAgent":
					c.HTTP.UserAgent = t.String()
				}
			}
		}
	}
	return c
}

func scanCert(t *scan.Text) *clientCert {
	if t.Null() {
		return nil
	}
	c := &clientCert{}
	for range t.Fields(certFields) {
		c.PEM = t.String()
	}
	return c
}

// usualHeaders is how many entries a map gets room for at once: about what a browser sends through API Gateway.
const usualHeaders = 16

// scanLists reads an object of lists of texts; null is nil. The lists share memory.
func scanLists(t *scan.Text) map[string][]string {
	if t.Null() {
		return nil
	}
	m := make(map[string][]string, usualHeaders)
	all := make([]string, 0, usualHeaders)
	for name := range t.Members() {
		if t.Null() {
			m[name] = nil
			continue
		}
		start := len(all)
		for range t.Elements() {
			all = append(all, t.String())
		}
		m[name] = all[start:len(all):len(all)]
	}
	return m
}

// scanTexts reads an object of texts, without the names that but has; null is nil.
func scanTexts(t *scan.Text, but map[string][]string) map[string]string {
	var m map[string]string
	if t.Null() {
		return nil
	}
	if len(but) == 0 {
		m = map[string]string{}
	}
	for name := range t.Members() {
		value := t.String()
		if _, there := but[name]; there {
			continue
		}
		if m == nil {
			m = map[string]string{}
		}
		m[name] = value
	}
	return m
}

// singles reads a single-value map, which was found to be sound JSON, as far as the multi-value one does not have it.
func singles(text string, multi map[string][]string) (map[string]string, bool) {
	if text == "" {
		return nil, true
	}
	t := scan.Of(text)
	m := scanTexts(t, multi)
	return m, t.Done()
}

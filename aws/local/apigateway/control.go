package apigateway

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"portcullis/aws/local/wire"
)

// route is one operation of the control plane: verb and path pattern on the wire, and what answers it.
type route struct {
	verb, path string
	operation  string
	status     int // on success
	handle     func(s *Service, q *request) (any, error)
	unlocked   bool // the handler takes s.mu itself, because it calls a function
}

// request is one call of an operation, parsed.
type request struct {
	*wire.Call
	operation string
	params    map[string]string // :: variable of the path pattern → decoded value
	query     url.Values
	account   *account
}

// raw is an answer that is not JSON.
type raw struct {
	contentType, disposition string
	body                     []byte
}

// ServeAWS answers one call of the control plane.
func (s *Service) ServeAWS(w http.ResponseWriter, c *wire.Call) {
	rt, params := s.match(c.Request)
	if rt == nil {
		wire.WriteError(w, c, wire.NotImplemented("apigateway", c.Request.Method+" "+c.Request.URL.Path))
		return
	}
	q := &request{Call: c, operation: rt.operation, params: params, query: c.Request.URL.Query()}
	sc := scope{Partition: c.Partition, Account: c.Account, Region: c.Region}
	if sc.Partition == "" {
		sc.Partition = "aws"
	}
	if err := s.allow(q, sc); err != nil {
		wire.WriteError(w, c, err)
		return
	}
	if s.opt.ControlThrottles {
		if err := s.control.takeControl(sc, rt.operation); err != nil {
			wire.WriteError(w, c, err)
			return
		}
	}
	out, err := s.run(rt, q, sc)
	if err != nil {
		wire.WriteError(w, c, err)
		return
	}
	switch v := out.(type) {
	case nil:
		w.Header().Set("X-Amzn-RequestId", c.RequestID)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(rt.status)
	case raw:
		w.Header().Set("X-Amzn-RequestId", c.RequestID)
		w.Header().Set("Content-Type", v.contentType)
		if v.disposition != "" {
			w.Header().Set("Content-Disposition", v.disposition)
		}
		w.WriteHeader(rt.status)
		w.Write(v.body)
	default:
		if !acceptsJSON(c.Request) && !strings.HasPrefix(c.Request.URL.Path, "/v2/") {
			v = hal(v, c.Request.URL.Path)
			w.Header().Set("Content-Type", "application/hal+json")
		}
		wire.WriteJSON(w, c, rt.status, v)
	}
}

func (s *Service) run(rt *route, q *request, sc scope) (any, error) {
	if rt.unlocked {
		return rt.handle(s, q)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q.account = s.account(sc)
	out, err := rt.handle(s, q)
	if err != nil {
		return nil, err
	}
	if out == nil {
		return nil, nil
	}
	if r, ok := out.(raw); ok {
		return r, nil
	}
	// Encoded under the lock: the answer may share maps with state that the next call changes.
	body, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	return json.RawMessage(body), nil
}

// match finds the route by the escaped path, so that a tag's ARN with encoded slashes stays one segment.
func (s *Service) match(r *http.Request) (*route, map[string]string) {
	segs := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
next:
	for i := range s.routes {
		rt := &s.routes[i]
		path, query, _ := strings.Cut(rt.path, "?")
		pat := strings.Split(strings.Trim(path, "/"), "/")
		if rt.verb != r.Method || len(pat) != len(segs) {
			continue
		}
		if k, v, ok := strings.Cut(query, "="); ok && r.URL.Query().Get(k) != v {
			continue
		}
		params := map[string]string{}
		for j, p := range pat {
			if name, ok := strings.CutPrefix(p, "{"); ok {
				v, err := url.PathUnescape(segs[j])
				if err != nil || v == "" {
					continue next
				}
				params[strings.TrimSuffix(name, "}")] = v
			} else if p != segs[j] {
				continue next
			}
		}
		return rt, params
	}
	return nil, nil
}

// decode reads a JSON body into v. An empty body leaves v as it is.
func (q *request) decode(v any) error {
	if len(q.Body) == 0 {
		return nil
	}
	if err := json.Unmarshal(q.Body, v); err != nil {
		return &wire.Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: "Invalid request body: " + err.Error()}
	}
	return nil
}

// api returns the API that the path names, or the 404 that most operations answer.
func (q *request) api() (*api, error) {
	id := q.params["restapi_id"]
	if a := q.account.apis[id]; a != nil {
		return a, nil
	}
	return nil, notFound("Invalid API identifier specified " + q.Account + ":" + id)
}

// page cuts one page out of items (:: id → item), ordered by id. The position is opaque: it names the last id shown, so
// deletions and creations between two pages neither repeat nor skip anything else.
func page[T any](q *request, items map[string]T, view func(T) any) (any, error) {
	limit := 25
	if l := q.query.Get("limit"); l != "" {
		n, err := strconv.Atoi(l)
		if err != nil || n < 1 || n > 500 {
			return nil, badRequest("Invalid limit specified. The limit must be between 1 and 500")
		}
		limit = n
	}
	after := ""
	if p := q.query.Get("position"); p != "" {
		b, err := base64.RawURLEncoding.DecodeString(p)
		if err != nil {
			return nil, badRequest("Invalid position parameter")
		}
		after = string(b)
	}
	out := map[string]any{}
	list := []any{}
	for _, id := range slices.Sorted(maps.Keys(items)) {
		if after != "" && id <= after {
			continue
		}
		if len(list) == limit {
			out["position"] = base64.RawURLEncoding.EncodeToString([]byte(after))
			break
		}
		list = append(list, view(items[id]))
		after = id
	}
	out["item"] = list
	return out, nil
}

func same[T any](v T) any { return v }

func acceptsJSON(r *http.Request) bool {
	for _, a := range r.Header.Values("Accept") {
		if strings.Contains(a, "application/json") {
			return true
		}
	}
	return false
}

// hal shapes an answer as the service does for a client that does not ask for application/json: members of a list move
// to _embedded.item, a single one without the array, and _links.self names the resource.
func hal(v any, self string) any {
	b, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var m map[string]any
	if json.Unmarshal(b, &m) != nil {
		return v
	}
	m["_links"] = map[string]any{"self": map[string]any{"href": self}}
	if items, ok := m["item"].([]any); ok {
		delete(m, "item")
		switch len(items) {
		case 0:
		case 1:
			m["_embedded"] = map[string]any{"item": items[0]}
		default:
			m["_embedded"] = map[string]any{"item": items}
		}
	}
	return m
}

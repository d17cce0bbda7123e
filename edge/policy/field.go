package policy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A field names one part of the input. The paths are those of the published validators:
//
//	authnCtx.sub                     a claim; authn_ctx is the same
//	authnCtx.cnf.x5t#S256            a nested claim
//	authnCtx["https://x.example/r"]  a claim whose name holds dots; also authnCtx.https://x\.example/r
//	authnCtx.aud[0]                  one element of a list
//	request.method, .path, .body, .sourceIp, .service, .template
//	request.headers.x-name           case does not matter, the rest of the path is the name
//	request.pathParams.petId         the rest of the path is the name
//	request.queryParams.limit        the rest of the path is the name, case matters
//	request.mtls.x5t#S256
//	contexts.client.client_id, contexts.developer.…, contexts.scopes.…
//	login.verified_recovery_methods  a member of contexts.login
//	now                              the decision's clock, Unix seconds
type field struct {
	src  string // as written, for messages
	root root
	path []segment // below the root: for headers and parameters exactly one name
}

// segment is a member name, or an element number when index is set.
type segment struct {
	name  string
	index int
	elem  bool
}

type root uint8

const (
	rootClaims root = iota
	rootContexts
	rootMethod
	rootPath
	rootBody
	rootSourceIP
	rootService
	rootTemplate
	rootTags
	rootHeader
	rootPathParam
	rootQueryParam
	rootMTLS
	rootNow
)

// requestMembers maps the members of "request" to their roots; both spellings of the documents are understood.
var requestMembers = map[string]root{
	"method": rootMethod, "path": rootPath, "body": rootBody, "service": rootService, "template": rootTemplate,
	"sourceIp": rootSourceIP, "source_ip": rootSourceIP,
	"headers": rootHeader, "mtls": rootMTLS, "tags": rootTags,
	"pathParams": rootPathParam, "path_params": rootPathParam,
	"queryParams": rootQueryParam, "query_params": rootQueryParam,
}

const maxPathSegments = 16

// parseField reads an absolute path.
func parseField(src string) (field, error) {
	segs, err := splitPath(src)
	if err != nil {
		return field{}, err
	}
	f := field{src: src, path: segs[1:]}
	switch segs[0].name {
	case "authnCtx", "authn_ctx":
		f.root = rootClaims
	case "contexts":
		f.root = rootContexts
	case "login":
		f.root, f.path = rootContexts, segs
	case "now":
		f.root = rootNow
		if len(segs) > 1 {
			return field{}, errors.New(`"now" has no members`)
		}
		return f, nil
	case "request":
		return parseRequestField(src, segs)
	default:
		return field{}, fmt.Errorf("field %q must start with authnCtx, request, contexts, login or now", src)
	}
	if len(f.path) == 0 {
		return field{}, fmt.Errorf("field %q names a whole document; name one of its members", src)
	}
	return f, nil
}

func parseRequestField(src string, segs []segment) (field, error) {
	if len(segs) < 2 {
		return field{}, errors.New(`field "request" names a whole document; name one of its members`)
	}
	r, ok := requestMembers[segs[1].name]
	if !ok {
		return field{}, fmt.Errorf("request has no member %q; it has method, path, headers, pathParams, queryParams, body, mtls, sourceIp, service, template and tags", segs[1].name)
	}
	f := field{src: src, root: r, path: segs[2:]}
	switch r {
	case rootHeader, rootPathParam, rootQueryParam, rootTags:
		if len(f.path) == 0 {
			return field{}, fmt.Errorf("field %q needs the name of one header, parameter or tag", src)
		}
		f.path = joinName(f.path)
	case rootMTLS:
		if len(f.path) == 0 {
			return field{}, fmt.Errorf(`field %q needs a member, e.g. request.mtls.x5t#S256`, src)
		}
	default:
		if len(f.path) > 0 {
			return field{}, fmt.Errorf("request.%s is a text and has no members", segs[1].name)
		}
	}
	return f, nil
}

// joinName puts the rest of a path back together: header and parameter names may hold dots. A trailing [n] stays.
func joinName(segs []segment) []segment {
	names := make([]string, 0, len(segs))
	for i, s := range segs {
		if s.elem && i == len(segs)-1 && i > 0 {
			return []segment{{name: strings.Join(names, ".")}, s}
		}
		names = append(names, s.name)
	}
	return []segment{{name: strings.Join(names, ".")}}
}

// splitPath cuts "a.b[0]["c.d"].e\.f" into segments.
func splitPath(src string) ([]segment, error) {
	var segs []segment
	var name strings.Builder
	flush := func(i int) error {
		if name.Len() == 0 {
			return fmt.Errorf("field %q has an empty name at position %d", src, i+1)
		}
		segs = append(segs, segment{name: name.String()})
		name.Reset()
		return nil
	}
	if src == "" {
		return nil, errors.New("the field is empty")
	}
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c == '\\' && i+1 < len(src) && strings.IndexByte(`.[\`, src[i+1]) >= 0:
			i++
			name.WriteByte(src[i])
		case c == '.':
			if i > 0 && src[i-1] == ']' && name.Len() == 0 {
				if i == len(src)-1 {
					return nil, fmt.Errorf("field %q ends in a dot", src)
				}
				continue
			}
			if err := flush(i); err != nil {
				return nil, err
			}
			if i == len(src)-1 {
				return nil, fmt.Errorf("field %q ends in a dot", src)
			}
		case c == '[':
			if name.Len() > 0 {
				if err := flush(i); err != nil {
					return nil, err
				}
			}
			seg, n, err := bracket(src, i)
			if err != nil {
				return nil, err
			}
			segs = append(segs, seg)
			i += n - 1
		default:
			name.WriteByte(c)
		}
	}
	if name.Len() > 0 {
		if err := flush(len(src)); err != nil {
			return nil, err
		}
	}
	if len(segs) > maxPathSegments {
		return nil, fmt.Errorf("field %q has %d parts; %d are allowed", src, len(segs), maxPathSegments)
	}
	if segs[0].elem || segs[0].name == "" {
		return nil, fmt.Errorf("field %q must start with a name", src)
	}
	return segs, nil
}

// bracket reads [12] or ["name"] at src[i] and returns how many bytes it took.
func bracket(src string, i int) (segment, int, error) {
	rest := src[i+1:]
	if strings.HasPrefix(rest, `"`) {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil || !strings.HasPrefix(rest[len(quoted):], "]") {
			return segment{}, 0, fmt.Errorf("field %q: the name in brackets at position %d is not closed", src, i+1)
		}
		name, err := strconv.Unquote(quoted)
		if err != nil {
			return segment{}, 0, fmt.Errorf("field %q: the name in brackets at position %d: %v", src, i+1, err)
		}
		return segment{name: name}, len(quoted) + 2, nil
	}
	digits, _, ok := strings.Cut(rest, "]")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 || n > 9999 {
		return segment{}, 0, fmt.Errorf(`field %q: brackets at position %d must hold a number or a "quoted name"`, src, i+1)
	}
	return segment{name: digits, index: n, elem: true}, len(digits) + 2, nil
}

// get reads the field. What is not there is absent; a path through something that is not an object is absent as well.
func (f *field) get(e *env) value {
	switch f.root {
	case rootClaims:
		return walk(e.in.AuthnCtx, f.path)
	case rootContexts:
		return walk(e.in.Contexts, f.path)
	case rootMTLS:
		return walk(e.in.Request.MTLS, f.path)
	case rootMethod:
		return textOf(e.in.Request.Method)
	case rootPath:
		return textOf(e.in.Request.Path)
	case rootBody:
		return textOf(e.in.Request.Body)
	case rootSourceIP:
		return optionalText(e.in.Request.SourceIP)
	case rootService:
		return optionalText(e.in.Request.Service)
	case rootTemplate:
		return optionalText(e.in.Request.Template)
	case rootHeader:
		return f.element(textsOf(e.in.Request.header(f.path[0].name)))
	case rootPathParam:
		return f.mapped(e.in.Request.PathParams)
	case rootTags:
		return f.mapped(e.in.Request.Tags)
	case rootQueryParam:
		return f.element(textsOf(e.in.Request.QueryParams[f.path[0].name]))
	case rootNow:
		return value{kind: kindNumber, n: e.clock()}
	}
	return value{}
}

// text is get for the fields that usually are one text; it reports false for everything else.
func (f *field) text(in *Input) (string, bool) {
	switch f.root {
	case rootClaims:
		if len(f.path) == 1 {
			s, ok := in.AuthnCtx[f.path[0].name].(string)
			return s, ok
		}
	case rootPathParam:
		if len(f.path) == 1 {
			s, ok := in.Request.PathParams[f.path[0].name]
			return s, ok
		}
	case rootMethod:
		return in.Request.Method, true
	case rootPath:
		return in.Request.Path, true
	}
	return "", false
}

func optionalText(s string) value {
	if s == "" {
		return value{}
	}
	return textOf(s)
}

func (f *field) mapped(m map[string]string) value {
	s, ok := m[f.path[0].name]
	if !ok {
		return value{}
	}
	return f.element(textOf(s))
}

// element applies the [n] of "request.headers.x-name[0]".
func (f *field) element(v value) value {
	if len(f.path) == 1 {
		return v
	}
	if i := f.path[1].index; i < v.size() {
		return v.at(i)
	}
	return value{}
}

func walk(m map[string]any, path []segment) value {
	if len(path) == 1 { // most claims
		return valueOf(m[path[0].name])
	}
	var x any = m
	for i := range path {
		switch node := x.(type) {
		case map[string]any:
			x = node[path[i].name]
		case []any:
			if !path[i].elem || path[i].index >= len(node) {
				return value{}
			}
			x = node[path[i].index]
		case []string:
			if !path[i].elem || path[i].index >= len(node) || i != len(path)-1 {
				return value{}
			}
			return textOf(node[path[i].index])
		default:
			return value{}
		}
	}
	return valueOf(x)
}

// env is one evaluation.
type env struct {
	in    *Input
	set   *Set
	now   time.Time
	ctx   context.Context
	depth int    // of embedded policies
	runs  int    // embedded policies evaluated so far
	quiet bool   // only the decision is asked for
	fault string // reason code of an embedded policy that could not be evaluated
}

// envs spares one allocation per evaluation: an env is passed through interfaces, so it cannot live on the stack.
var envs = sync.Pool{New: func() any { return new(env) }}

func (e *env) clock() number {
	if ns := e.now.Nanosecond(); ns != 0 {
		return floatNumber(float64(e.now.Unix()) + float64(ns)/1e9)
	}
	return wholeNumber(e.now.Unix())
}

package web

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"portcullis/control"
)

// maxDepth bounds the nesting of a request body.
const maxDepth = 64

// DecodeJSON reads the body into v, a pointer to a struct, strictly: at most maxBytes bytes of valid UTF-8, one value and
// nothing behind it, at most 64 levels deep, no member twice, no member that v does not have (the error names it). Members
// listed in neutral belong to the published API but not to this server: they may come with an empty value only (null,
// false, 0, "", "0s", [], {} or an object of such), because clients send them; anything else is refused.
//
// v is changed only when there is no error.
func DecodeJSON(r *http.Request, v any, maxBytes int64, neutral ...string) error {
	return decode(r, v, maxBytes, true, neutral)
}

// Contract says which members the body of a request may have, by the types of the published contract, where that is more
// than the struct that it is read into.
type Contract struct {
	// Request is the contract's type of the request; the body is read into it as well. Answers are its types of what is
	// read, which may be sent back.
	Request any   // a pointer to a struct
	Answers []any // structs
	// Reads are members that the noun lacks and that may have any value: the caller looks at them in Request, or ignores
	// what it sent itself. Members that an answer always has are ignored without being named.
	Reads []string
	// Empty are further members of the published API; like all members that the noun lacks, they may come with an empty
	// value only.
	Empty []string
}

// DecodeContract is DecodeJSON of a body that the contract knows, into its type and into a noun of ours, a pointer to a
// struct whose JSON names are the contract's.
func DecodeContract(r *http.Request, noun any, maxBytes int64, c Contract) error {
	body, err := readBody(r, maxBytes)
	if err != nil {
		return err
	}
	w := walker{strict: true, neutral: slices.Clone(c.Empty), fields: map[reflect.Type]map[string]reflect.Type{}, top: map[string]reflect.Type{}}
	of := w.members(reflect.TypeOf(noun).Elem())
	for i, t := range append([]any{reflect.ValueOf(c.Request).Elem().Interface()}, c.Answers...) {
		for name, mt := range w.members(reflect.TypeOf(t)) {
			_, ours := of[name]
			_, known := w.top[name]
			switch {
			case known:
			case ours, slices.Contains(c.Reads, name), i > 0 && mt.Kind() != reflect.Pointer: // an optional member is a pointer
				w.top[name] = mt
			default:
				w.neutral = append(w.neutral, name)
			}
		}
	}
	return w.decode(body, c.Request, noun)
}

// DecodeJSONLenient is DecodeJSON for the system API, where unknown members are ignored. All else is as strict.
func DecodeJSONLenient(r *http.Request, v any, maxBytes int64) error {
	return decode(r, v, maxBytes, false, nil)
}

func decode(r *http.Request, v any, maxBytes int64, strict bool, neutral []string) error {
	body, err := readBody(r, maxBytes)
	if err != nil {
		return err
	}
	return decodeBytes(body, v, strict, neutral)
}

func readBody(r *http.Request, maxBytes int64) ([]byte, error) {
	if ct := r.Header.Get("Content-Type"); ct != "" {
		mt, _, err := mime.ParseMediaType(ct)
		if err != nil || mt != "application/json" && !strings.HasSuffix(mt, "+json") {
			return nil, control.Errorf(control.Malformed, "content_type", "the body must be application/json, not %q", clip(ct, 64))
		}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBytes+1))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge) || int64(len(body)) > maxBytes:
		return nil, control.Errorf(control.Malformed, "body_too_large", "the body is larger than the %d bytes that are accepted here", maxBytes)
	case err != nil:
		return nil, control.Errorf(control.Malformed, "malformed_json", "the body could not be read to its end; send it again")
	case len(bytes.TrimSpace(body)) == 0:
		return nil, control.Errorf(control.Malformed, "malformed_json", "the body is empty; a JSON object is expected")
	case !utf8.Valid(body):
		return nil, control.Errorf(control.Malformed, "malformed_json", "the body is not valid UTF-8")
	}
	return body, nil
}

func decodeBytes(body []byte, v any, strict bool, neutral []string) error {
	w := walker{strict: strict, neutral: neutral, fields: map[reflect.Type]map[string]reflect.Type{}}
	return w.decode(body, v)
}

// decode checks the body next to the first target's type and reads it into all of them, or into none.
func (w *walker) decode(body []byte, targets ...any) error {
	w.dec = json.NewDecoder(bytes.NewReader(body))
	w.dec.UseNumber()
	if err := w.value(reflect.TypeOf(targets[0]).Elem(), "", 0); err != nil {
		return err
	}
	if _, err := w.dec.Token(); err != io.EOF {
		return control.Errorf(control.Malformed, "malformed_json", "there is something behind the end of the JSON value, at byte %d", w.dec.InputOffset())
	}
	fresh := make([]reflect.Value, len(targets))
	for i, v := range targets {
		fresh[i] = reflect.New(reflect.TypeOf(v).Elem())
		if err := json.Unmarshal(body, fresh[i].Interface()); err != nil {
			return unmarshalError(err)
		}
	}
	for i, v := range targets {
		reflect.ValueOf(v).Elem().Set(fresh[i].Elem())
	}
	return nil
}

func unmarshalError(err error) error {
	var te *json.UnmarshalTypeError
	if errors.As(err, &te) {
		if te.Field == "" {
			return control.Errorf(control.Malformed, "malformed_json", "the body is a JSON %s; a JSON object is expected", te.Value)
		}
		return invalidMember(te.Field, fmt.Sprintf("is a JSON %s; %s is expected", te.Value, jsonKind(te.Type)))
	}
	return control.Errorf(control.Invalid, "", "%s", clip(err.Error(), 300))
}

func invalidMember(path, what string) error {
	e := control.Errorf(control.Invalid, "", "%s %s", path, what)
	e.Fields = map[string]string{path: what}
	return e
}

func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Pointer:
		return jsonKind(t.Elem())
	}
	return "a number that fits"
}

// walker goes through the tokens next to the Go type they are for.
type walker struct {
	dec     *json.Decoder
	strict  bool
	neutral []string
	top     map[string]reflect.Type                  // :: JSON name → type, of the outermost object where it is not that of its struct
	fields  map[reflect.Type]map[string]reflect.Type // :: struct type → JSON name → type
}

var (
	unmarshalerType = reflect.TypeFor[json.Unmarshaler]()
	textType        = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// value checks one value. t nil means that anything may stand here.
func (w *walker) value(t reflect.Type, path string, depth int) error {
	tok, err := w.dec.Token()
	if err != nil {
		return w.syntax(err)
	}
	d, ok := tok.(json.Delim)
	if !ok {
		return nil
	}
	if depth >= maxDepth {
		return control.Errorf(control.Malformed, "malformed_json", "the body is nested more than %d levels deep", maxDepth)
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t != nil && (reflect.PointerTo(t).Implements(unmarshalerType) || reflect.PointerTo(t).Implements(textType)) {
		t = nil
	}
	if d == '[' {
		var elem reflect.Type
		if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
			elem = t.Elem()
		}
		for i := 0; w.dec.More(); i++ {
			if err := w.value(elem, fmt.Sprintf("%s[%d]", path, i), depth+1); err != nil {
				return err
			}
		}
	} else if err := w.object(t, path, depth); err != nil {
		return err
	}
	_, err = w.dec.Token() // the closing delimiter
	if err != nil {
		return w.syntax(err)
	}
	return nil
}

func (w *walker) object(t reflect.Type, path string, depth int) error {
	var members map[string]reflect.Type // nil: any member
	var elem reflect.Type
	if t != nil && t.Kind() == reflect.Struct {
		if members = w.members(t); depth == 0 && w.top != nil {
			members = w.top
		}
	} else if t != nil && t.Kind() == reflect.Map {
		elem = t.Elem()
	}
	seen := map[string]bool{}
	for w.dec.More() {
		tok, err := w.dec.Token()
		if err != nil {
			return w.syntax(err)
		}
		name, _ := tok.(string)
		at := clip(name, 64)
		if path != "" {
			at = path + "." + at
		}
		key := name
		if members != nil { // encoding/json would take "NAME" for "name"
			key = strings.ToLower(name)
		}
		if seen[key] {
			e := control.Errorf(control.Malformed, "malformed_json", "the member %s comes twice", at)
			e.Fields = map[string]string{at: "comes twice"}
			return e
		}
		seen[key] = true
		mt := elem
		if members != nil {
			var known bool
			if mt, known = members[name]; !known {
				if path == "" && slices.Contains(w.neutral, name) {
					if err := w.neutralValue(name); err != nil {
						return err
					}
					continue
				}
				if _, folded := members[key]; folded {
					return invalidMember(at, "is written in another case here")
				}
				if w.strict {
					return invalidMember(at, "is not a member of this request")
				}
			}
		}
		if err := w.value(mt, at, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// neutralValue reads the value of a member of the published API that this server has no use for.
func (w *walker) neutralValue(name string) error {
	var v any
	if err := w.dec.Decode(&v); err != nil {
		return w.syntax(err)
	}
	if !control.EmptyValue(v) {
		return invalidMember(name, "is not supported by this server; leave it out")
	}
	return nil
}

func (w *walker) syntax(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return control.Errorf(control.Malformed, "malformed_json", "the JSON ends too early, at byte %d", w.dec.InputOffset())
	}
	return control.Errorf(control.Malformed, "malformed_json", "the body is not JSON: %s, at byte %d", clip(err.Error(), 120), w.dec.InputOffset())
}

// members are the JSON names of a struct, those of embedded structs included, as encoding/json sees them.
func (w *walker) members(t reflect.Type) map[string]reflect.Type {
	if m, ok := w.fields[t]; ok {
		return m
	}
	m := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case f.Anonymous && name == "":
			et := f.Type
			if et.Kind() == reflect.Pointer {
				et = et.Elem()
			}
			for n, ft := range w.members(et) {
				if _, outer := m[n]; !outer {
					m[n] = ft
				}
			}
		case f.IsExported() && name == "":
			m[f.Name] = f.Type
		case f.IsExported():
			m[name] = f.Type
		}
	}
	w.fields[t] = m
	return m
}

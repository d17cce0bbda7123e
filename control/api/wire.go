package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/web"
)

// Limits of request bodies, in bytes.
const (
	maxBody      = 1 << 20
	maxInventory = 32 << 20
	maxEvents    = 4 << 20
)

// reply writes v with no array null in it.
func reply(w http.ResponseWriter, status int, v any) error {
	web.WriteJSON(w, status, noNulls(v))
	return nil
}

// replyObject is reply with the ETag that if-match takes.
func replyObject(w http.ResponseWriter, status int, v any) error {
	v = noNulls(v)
	w.Header().Set("ETag", etag(v))
	web.WriteJSON(w, status, v)
	return nil
}

// replySaved is the answer to a save that says more than reading does: its ETag is that of what is read.
func replySaved(w http.ResponseWriter, status int, read, answer any) error {
	w.Header().Set("ETag", etag(read))
	web.WriteJSON(w, status, noNulls(answer))
	return nil
}

// etag names a representation by its content.
func etag(v any) string {
	b, err := json.Marshal(noNulls(v))
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

// precondition checks if-match (RFC 9110 13.1.1) against what stands now, and returns the request with a context in which
// the change happens only if it still stands when the change has the workspace's lock.
func precondition(r *http.Request, actor control.Actor, now func(*http.Request, control.Actor) (any, error)) (*http.Request, error) {
	want := r.Header.Get("If-Match")
	if want == "" {
		return r, nil
	}
	check := func(ctx context.Context) error {
		v, err := now(r.WithContext(ctx), actor)
		if err != nil {
			return err
		}
		return matches(want, etag(v))
	}
	if err := check(r.Context()); err != nil {
		return nil, err
	}
	return r.WithContext(admin.OnlyIf(r.Context(), check)), nil
}

// matches is nil when have is among the entity tags of an If-Match.
func matches(want, have string) error {
	for tag := range strings.SplitSeq(want, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == have {
			return nil
		}
	}
	return control.Errorf(control.PreconditionFailed, "", "this object has changed since it was read (its etag is %s now); read it again and repeat the change", have)
}

// decode reads a body into the contract's type T, which is generated from docs/reference/openapi.yaml, and into the noun
// that it means. answers are the contract's types of what is read: that may be sent back.
func decode[T any](r *http.Request, noun any, c web.Contract) (in T, err error) {
	c.Request = &in
	err = web.DecodeContract(r, noun, maxBody, c)
	return in, err
}

// value is what an optional member points at; the zero value where it was left out.
func value[T any](member *T) (v T) {
	if member != nil {
		v = *member
	}
	return v
}

// noNulls makes every nil slice and map in v an empty one, so that arrays are never null on the wire.
func noNulls(v any) any {
	rv := reflect.ValueOf(v)
	if !rv.IsValid() {
		return v
	}
	out := reflect.New(rv.Type()).Elem()
	out.Set(rv)
	fill(out)
	return out.Interface()
}

var rawMessage = reflect.TypeFor[json.RawMessage]()

// fill works on a settable value; slices are copied before anything in them changes, because they may be shared.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || v.Elem().Kind() != reflect.Struct {
			return
		}
		c := reflect.New(v.Type().Elem())
		c.Elem().Set(v.Elem())
		fill(c.Elem())
		v.Set(c)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Type() == rawMessage || v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(c, v)
		if k := v.Type().Elem().Kind(); k == reflect.Struct || k == reflect.Slice || k == reflect.Map || k == reflect.Pointer {
			for i := range c.Len() {
				fill(c.Index(i))
			}
		}
		v.Set(c)
	case reflect.Map:
		c := reflect.MakeMapWithSize(v.Type(), v.Len())
		for it := v.MapRange(); it.Next(); {
			e := reflect.New(v.Type().Elem()).Elem()
			e.Set(it.Value())
			fill(e)
			c.SetMapIndex(it.Key(), e)
		}
		v.Set(c)
	}
}

// sameTenant takes the tenant of the path; a body may repeat it and may not name another.
func sameTenant(member *string, r *http.Request) error {
	return sameID(member, "tenant_id", r.PathValue("tid"))
}

// sameID takes an id of the path; a body may repeat it and may not name another.
func sameID(member *string, name, id string) error {
	if *member != "" && *member != id {
		e := control.Errorf(control.Invalid, "", "%s is %q in the body and %q in the path; leave it out or send the same", name, *member, id)
		e.Fields = map[string]string{name: "differs from the path"}
		return e
	}
	*member = id
	return nil
}

// no400 makes a malformed body a 422: the operation's contract declares no 400.
func no400(err error) error {
	if e, ok := err.(*control.Error); ok && e.Kind == control.Malformed && e.Code != "body_too_large" {
		c := *e
		c.Kind = control.Invalid
		return &c
	}
	return err
}

// pageOf reads search_phrase, sort (id, name), order (asc, desc), after_{noun}_id or before_{noun}_id, and limit (1–100,
// default 20).
func pageOf(r *http.Request, noun string) (p control.Page, err error) {
	q := r.URL.Query()
	p = control.Page{Search: q.Get("search_phrase"), After: q.Get("after_" + noun + "_id"), Before: q.Get("before_" + noun + "_id"), Limit: 20}
	if s := q.Get("limit"); s != "" {
		if p.Limit, err = strconv.Atoi(s); err != nil || p.Limit < 1 || p.Limit > 100 {
			return p, badParameter("limit", "must be 1 to 100")
		}
	}
	switch q.Get("sort") {
	case "", "id":
	case "name":
		p.ByName = true
	default:
		return p, badParameter("sort", "must be id or name")
	}
	switch q.Get("order") {
	case "", "asc":
	case "desc":
		p.Desc = true
	default:
		return p, badParameter("order", "must be asc or desc")
	}
	if p.After != "" && p.Before != "" {
		return p, badParameter("after_"+noun+"_id", "and before_"+noun+"_id exclude each other")
	}
	return p, nil
}

func badParameter(name, what string) error {
	e := control.Errorf(control.Malformed, "", "the query parameter %s %s", name, what)
	e.Fields = map[string]string{name: what}
	return e
}

// queryList reads a parameter that may come several times, or once with commas.
func queryList(r *http.Request, name string) []string {
	var out []string
	for _, v := range r.URL.Query()[name] {
		for s := range strings.SplitSeq(v, ",") {
			if s = strings.TrimSpace(s); s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}

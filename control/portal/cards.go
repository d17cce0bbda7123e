package portal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"portcullis/control"
	"portcullis/edge/waist"
)

// The card editor shows a visual policy as cards, one per validator, with a row per field. It is a plain form: every
// button posts the cards as they are typed, and the answer shows them changed; only Save changes the policy. Validators
// that are not made of rows (groups, if-else, …) stay as they are and are edited as text.

// kinds are the validators that are made of rows, or of nothing, in the order of the drop-down.
var kinds = []struct {
	wire, title, field string // field: an example of one
}{
	{"identity-context", "Authentication context", "amr"},
	{"attributes", "Attributes", "request.queryParams.limit"},
	{"header", "Request headers", "X-Api-Version"},
	{"client", "Client", "client_id"},
	{"developer", "Developer", "email"},
	{"true", "Pass", ""},
	{"false", "Fail", ""},
}

// comparatorWords are the comparators of package policy; list: the value is one, none: there is no value.
var comparatorWords = []struct {
	wire, words string
	list, none  bool
}{
	{"equals", "equals", false, false},
	{"not_equals", "does not equal", false, false},
	{"contains", "contains", false, false},
	{"not_contains", "does not contain", false, false},
	{"contains_all", "contains all of", true, false},
	{"contains_any", "contains any of", true, false},
	{"in", "is one of", true, false},
	{"not_in", "is none of", true, false},
	{"present", "is present", false, true},
	{"absent", "is absent", false, true},
	{"starts_with", "starts with", false, false},
	{"ends_with", "ends with", false, false},
	{"matches", "matches", false, false},
	{"greater_than", "is greater than", false, false},
	{"greater_or_equal", "is at least", false, false},
	{"less_than", "is less than", false, false},
	{"less_or_equal", "is at most", false, false},
	{"in_cidr", "is in the network", false, false},
}

// card is one validator as it is typed.
type card struct {
	name     string
	rows     []cardRow
	fixed    string // JSON of a validator that has no rows to edit; empty otherwise
	recovery string // JSON of the validator's recovery; kept as it is
	err      string
}

type cardRow struct {
	field, comparator, value string
	errs                     formErrors
}

func (c card) title() string {
	for _, k := range kinds {
		if k.wire == c.name {
			return k.title
		}
	}
	return c.name
}

func (c card) example() string {
	for _, k := range kinds {
		if k.wire == c.name {
			return k.field
		}
	}
	return ""
}

// summary is the card in one sentence.
func (c card) summary() string {
	switch {
	case c.fixed != "":
		return "Edited as YAML."
	case c.name == "true":
		return "Always passes."
	case c.name == "false":
		return "Never passes: the policy denies everybody."
	}
	var parts []string
	for _, r := range c.rows {
		word := r.comparator
		for _, w := range comparatorWords {
			if w.wire == r.comparator {
				word = w.words
				if w.none {
					r.value = ""
				}
			}
		}
		parts = append(parts, strings.TrimSpace(nameOr(r.field, "…")+" "+word+" "+r.value))
	}
	return "Passes when " + strings.Join(parts, " and ") + "."
}

func bare(name string) bool { return name == "true" || name == "false" }

func hasRows(name string) bool {
	for _, k := range kinds {
		if k.wire == name {
			return !bare(name)
		}
	}
	return false
}

type rowJSON struct {
	Field      string          `json:"field"`
	Comparator string          `json:"comparator"`
	Value      json.RawMessage `json:"value"`
}

type rowsJSON struct {
	Fields []rowJSON `json:"fields"`
}

// cardsOf shows validators as cards.
func cardsOf(validators []waist.Validator) ([]card, error) {
	var out []card
	for _, v := range validators {
		c := card{name: v.Name}
		if len(v.Recovery) > 0 {
			b, err := json.Marshal(v.Recovery)
			if err != nil {
				return nil, err
			}
			c.recovery = string(b)
		}
		fixed := false
		empty := len(v.Conf) == 0 || string(v.Conf) == "null"
		var conf rowsJSON
		dec := json.NewDecoder(bytes.NewReader(v.Conf))
		dec.DisallowUnknownFields()
		switch {
		case bare(v.Name) && empty:
		case hasRows(v.Name) && !empty && dec.Decode(&conf) == nil:
			for _, f := range conf.Fields {
				value, ok := shownValue(f.Value, f.Comparator)
				c.rows = append(c.rows, cardRow{field: f.Field, comparator: f.Comparator, value: value})
				fixed = fixed || !ok
			}
		default:
			fixed = true
		}
		if fixed {
			b, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			c.fixed, c.rows = string(b), nil
		}
		out = append(out, c)
	}
	return out, nil
}

// shownValue is a JSON value as it is typed: a text as it is, a list of words with commas, unless that would be read as
// something else. ok is false when there is no way to type it.
func shownValue(raw json.RawMessage, comparator string) (text string, ok bool) {
	var b bytes.Buffer
	if len(raw) == 0 || string(raw) == "null" {
		return "", takesNone(comparator)
	}
	if json.Compact(&b, raw) != nil {
		return "", false
	}
	same := func(s string) bool {
		got, err := typedValue(s, takesList(comparator))
		return err == nil && sameJSON(got, raw)
	}
	var word string
	if json.Unmarshal(raw, &word) == nil && same(word) {
		return word, true
	}
	var words []string
	if json.Unmarshal(raw, &words) == nil && same(strings.Join(words, ", ")) {
		return strings.Join(words, ", "), true
	}
	return b.String(), same(b.String())
}

// sameJSON reports whether two texts are the same JSON value, however each is written.
func sameJSON(a, b []byte) bool {
	read := func(raw []byte) (v any, err error) {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		err = dec.Decode(&v)
		return v, err
	}
	x, err1 := read(a)
	y, err2 := read(b)
	return err1 == nil && err2 == nil && reflect.DeepEqual(x, y)
}

// typedValue is what was typed as a JSON value: a list in brackets (or, where a list is due, separated by commas), a text
// in quotes, a number, true, false; anything else is a text as it stands.
func typedValue(s string, list bool) (json.RawMessage, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return json.RawMessage(`""`), nil
	case s[0] == '[' || s[0] == '"' || s[0] == '\'':
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(s), &n); err != nil || len(n.Content) != 1 {
			return nil, errors.New("this is no list such as [pwd, mfa] and no quoted text")
		}
		w := walker{places: map[string]position{}}
		out := w.toJSON(n.Content[0], "", 0)
		if len(w.problems) > 0 {
			return nil, errors.New(w.problems[0].text)
		}
		return out, nil
	case list && !strings.HasPrefix(s, "$"):
		var parts []json.RawMessage
		for part := range strings.SplitSeq(s, ",") {
			one, err := typedValue(part, false)
			if err != nil {
				return nil, err
			}
			parts = append(parts, one)
		}
		return json.Marshal(parts)
	case s == "true" || s == "false" || json.Valid([]byte(s)) && strings.ContainsRune("-0123456789", rune(s[0])):
		return json.RawMessage(s), nil
	}
	return json.Marshal(s)
}

// validatorsOf turns cards back; a row whose value cannot be read gets its error, and ok is false.
func validatorsOf(cards []card) (out []waist.Validator, ok bool) {
	ok = true
	for i := range cards {
		c := &cards[i]
		if c.fixed != "" {
			var v waist.Validator
			if json.Unmarshal([]byte(c.fixed), &v) != nil {
				c.err, ok = "This validator could not be read; open the policy anew.", false
			}
			out = append(out, v)
			continue
		}
		v := waist.Validator{Name: c.name}
		if c.recovery != "" && json.Unmarshal([]byte(c.recovery), &v.Recovery) != nil {
			c.err, ok = "This validator's recovery could not be read; open the policy anew.", false
		}
		if !bare(c.name) {
			conf := rowsJSON{Fields: []rowJSON{}}
			for j := range c.rows {
				r := &c.rows[j]
				value, err := typedValue(r.value, takesList(r.comparator))
				if err != nil {
					r.errs.fields, ok = map[string]string{"value": sentence(err.Error())}, false
				}
				conf.Fields = append(conf.Fields, rowJSON{r.field, r.comparator, value})
			}
			raw, err := json.Marshal(conf)
			if err != nil { // a value that failed above
				raw = nil
			}
			v.Conf = raw
		}
		out = append(out, v)
	}
	return out, ok
}

func takesList(comparator string) bool {
	for _, w := range comparatorWords {
		if w.wire == comparator {
			return w.list
		}
	}
	return false
}

// takesNone reports whether a comparator looks at no value.
func takesNone(comparator string) bool {
	for _, w := range comparatorWords {
		if w.wire == comparator {
			return w.none
		}
	}
	return false
}

// The most cards and rows that a form is read for; package policy allows no more of either.
const maxCards = 64

// postedCards reads the cards of the form.
func postedCards(r *request) []card {
	number := func(name string) int {
		n, err := strconv.Atoi(r.value(name))
		if err != nil {
			return 0
		}
		return min(max(n, 0), maxCards)
	}
	var out []card
	for i := range number("cards") {
		at := fmt.Sprintf("c%d.", i)
		c := card{name: r.value(at + "name"), fixed: r.PostForm.Get(at + "fixed"), recovery: r.PostForm.Get(at + "recovery")}
		for j := range number(at + "rows") {
			row := fmt.Sprintf("%s%d.", at, j)
			c.rows = append(c.rows, cardRow{field: r.value(row + "field"), comparator: r.value(row + "comparator"), value: r.value(row + "value")})
		}
		out = append(out, c)
	}
	return out
}

// arranged applies a button to the cards: "add", "remove 2", "up 2", "down 2", "row 2", "unrow 2 1". What does not fit
// the cards does nothing.
func arranged(cards []card, do, kind string) []card {
	words := strings.Fields(do)
	at := func(i int) int {
		if i >= len(words) {
			return -1
		}
		n, err := strconv.Atoi(words[i])
		if err != nil || n < 0 {
			return -1
		}
		return n
	}
	if len(words) == 0 {
		return cards
	}
	i := at(1)
	if words[0] == "add" {
		if len(cards) < maxCards && (bare(kind) || hasRows(kind)) {
			c := card{name: kind}
			if hasRows(kind) {
				c.rows = []cardRow{{comparator: "equals"}}
			}
			cards = append(cards, c)
		}
		return cards
	}
	if i < 0 || i >= len(cards) {
		return cards
	}
	switch words[0] {
	case "remove":
		return slices.Delete(cards, i, i+1)
	case "up":
		if i > 0 {
			cards[i-1], cards[i] = cards[i], cards[i-1]
		}
	case "down":
		if i+1 < len(cards) {
			cards[i], cards[i+1] = cards[i+1], cards[i]
		}
	case "row":
		if hasRows(cards[i].name) && len(cards[i].rows) < maxCards {
			cards[i].rows = append(cards[i].rows, cardRow{comparator: "equals"})
		}
	case "unrow":
		if j := at(2); j >= 0 && j < len(cards[i].rows) {
			cards[i].rows = slices.Delete(cards[i].rows, j, j+1)
		}
	}
	return cards
}

// visualPolicy is the policy of the address, which must be a visual one.
func (r *request) visualPolicy() (control.Policy, error) {
	pol, err := r.policy()
	if err == nil && pol.Language != waist.LanguageVisual {
		err = control.Errorf(control.NotFound, "", "Only visual policies have cards; this one is written in %s.", languageName(pol.Language))
	}
	return pol, err
}

func (p *portal) editCards(r *request) error {
	pol, err := r.visualPolicy()
	if err != nil {
		return err
	}
	v := cardsPage{policy: pol}
	if v.cards, err = cardsOf(pol.Validators); err != nil {
		return err
	}
	return r.render(http.StatusOK, cardsView(r.frame(nameOr(pol.PolicyName, pol.ID), "policies"), v))
}

func (p *portal) postCards(r *request) error {
	pol, err := r.visualPolicy()
	if err != nil {
		return err
	}
	if err := r.needManager(); err != nil {
		return err
	}
	v := cardsPage{policy: pol, cards: postedCards(r), changed: true}
	f := r.frame(nameOr(pol.PolicyName, pol.ID), "policies")
	if do := r.value("do"); do != "save" {
		v.cards = arranged(v.cards, do, r.value("kind"))
		return r.render(http.StatusOK, cardsView(f, v))
	}
	validators, ok := validatorsOf(v.cards)
	if !ok {
		return r.render(http.StatusUnprocessableEntity, cardsView(f, v))
	}
	pol.Validators = validators
	if _, err := p.admin.UpdatePolicy(r.ctx(), r.actor, pol); err != nil {
		status, errs, ok := formProblem(err)
		if !ok {
			return err
		}
		var e *control.Error
		if errors.As(err, &e) {
			v.place(e)
		}
		if !v.placed {
			v.errs = errs
		}
		return r.render(status, cardsView(f, v))
	}
	return r.done(in(r.wid(), "policies", pol.ID, "visual"), "policy-saved")
}

var cardMember = regexp.MustCompile(`^validators\[(\d+)\](?:\.conf\.fields\[(\d+)\]\.(field|comparator|value))?`)

// place puts what admin says of members beside the rows they are in.
func (v *cardsPage) place(e *control.Error) {
	for _, member := range sortedKeys(e.Fields) {
		text := sentence(e.Fields[member])
		m := cardMember.FindStringSubmatch(member)
		if m == nil {
			v.errs.text = strings.TrimSpace(v.errs.text + "\n" + text)
			v.placed = true
			continue
		}
		i, _ := strconv.Atoi(m[1])
		if i >= len(v.cards) {
			continue
		}
		v.placed = true
		j, err := strconv.Atoi(m[2])
		if err != nil || j >= len(v.cards[i].rows) {
			v.cards[i].err = strings.TrimSpace(v.cards[i].err + "\n" + text)
			continue
		}
		row := &v.cards[i].rows[j]
		if row.errs.fields == nil {
			row.errs.fields = map[string]string{}
		}
		row.errs.fields[m[3]] = text
	}
}

package portal

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"portcullis/edge/waist"
)

// The card editor shows a visual policy as cards: one per validator, with a row per field, and cards within cards for
// groups and if / else. It is a plain form: every button posts the cards as they are typed, and the answer shows them
// changed; only Save changes the policy. What the cards cannot show stays as it is and is edited as text.

// card is one validator as it is typed.
type card struct {
	name     string
	rows     []cardRow
	when     cardTime
	policy   string     // id of the embedded one
	lists    []cardList // of a group, in the order of its kind
	fixed    string     // JSON of a validator that the cards cannot show; empty otherwise
	recovery string     // JSON of the validator's recovery; kept as it is
	err      string
	errs     formErrors // by member: policy_id, zone, days, from, to

	focus string // which of its controls gets the focus: what was pressed last
	gone  bool   // taken away; see tidy
}

type cardRow struct {
	field, comparator, value string
	errs                     formErrors
}

type cardTime struct {
	zone, from, to string
	days           []string
}

// cardList is one member of a group that holds cards.
type cardList struct {
	member string // validators, if, then, else
	cards  []card
	err    string
}

func (c card) title() string { return nameOr(kindOf(c.name).title, c.name) }

// shape is how the card is shown.
func (c card) shape() shape {
	if c.fixed != "" {
		return shapeFixed
	}
	return kindOf(c.name).shape
}

type rowJSON struct {
	Field      string          `json:"field"`
	Comparator string          `json:"comparator"`
	Value      json.RawMessage `json:"value"`
}

type rowsJSON struct {
	Fields []rowJSON `json:"fields"`
}

type timeJSON struct {
	Zone string   `json:"zone,omitempty"`
	Days []string `json:"days,omitempty"`
	From string   `json:"from,omitempty"`
	To   string   `json:"to,omitempty"`
}

type policyJSON struct {
	PolicyID string `json:"policy_id"`
}

type groupJSON struct {
	Validators []leanJSON `json:"validators"`
}

type branchJSON struct {
	If   []leanJSON `json:"if"`
	Then []leanJSON `json:"then"`
	Else []leanJSON `json:"else,omitempty"`
}

// leanJSON is a validator inside a group, without the members that say nothing.
type leanJSON struct {
	Name     string           `json:"name"`
	Conf     json.RawMessage  `json:"conf,omitempty"`
	Recovery []waist.Recovery `json:"recovery,omitempty"`
}

func lean(list []waist.Validator) []leanJSON {
	out := make([]leanJSON, 0, len(list))
	for _, v := range list {
		if string(v.Conf) == "null" {
			v.Conf = nil
		}
		out = append(out, leanJSON(v))
	}
	return out
}

// cardsOf shows validators as cards.
func cardsOf(validators []waist.Validator) ([]card, error) {
	out := make([]card, 0, len(validators))
	for _, v := range validators {
		c := card{name: v.Name}
		if len(v.Recovery) > 0 {
			b, err := json.Marshal(v.Recovery)
			if err != nil {
				return nil, err
			}
			c.recovery = string(b)
		}
		if !c.show(v.Conf) {
			b, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			c = card{name: v.Name, recovery: c.recovery, fixed: string(b)}
		}
		out = append(out, c)
	}
	return out, nil
}

// show fills the card from a conf; false means that the card could not be turned back into the same.
func (c *card) show(conf json.RawMessage) bool {
	empty := len(conf) == 0 || string(bytes.TrimSpace(conf)) == "null"
	kind := kindOf(c.name)
	if kind.shape == shapeBare {
		return empty
	}
	if empty {
		return false
	}
	switch kind.shape {
	case shapeRows:
		var rows rowsJSON
		if !strictly(conf, &rows) || rows.Fields == nil {
			return false
		}
		for _, f := range rows.Fields {
			value, ok := shownValue(f.Value, f.Comparator)
			if !ok || !typable(f.Field) || !typable(f.Comparator) {
				return false
			}
			c.rows = append(c.rows, cardRow{field: f.Field, comparator: f.Comparator, value: value})
		}
		return true
	case shapeTime:
		return c.showTime(conf)
	case shapePolicy:
		var one struct {
			PolicyID *string `json:"policy_id"`
		}
		if !strictly(conf, &one) || one.PolicyID == nil {
			return false
		}
		c.policy = *one.PolicyID
		return typable(c.policy)
	case shapeLists:
		return c.showLists(conf, kind)
	}
	return false
}

func (c *card) showTime(conf json.RawMessage) bool {
	var t timeJSON
	if !strictly(conf, &t) {
		return false
	}
	c.when = cardTime{zone: t.Zone, from: t.From, to: t.To, days: t.Days}
	for i, d := range t.Days {
		if dayIndex(d) < 0 || slices.Contains(t.Days[:i], d) {
			return false
		}
	}
	for _, s := range [...]string{t.Zone, t.From, t.To} {
		if !typable(s) {
			return false
		}
	}
	slices.SortFunc(c.when.days, func(a, b string) int { return dayIndex(a) - dayIndex(b) })
	return true
}

func dayIndex(wire string) int {
	for i, d := range weekdays {
		if d.wire == wire {
			return i
		}
	}
	return -1
}

func (c *card) showLists(conf json.RawMessage, kind cardKind) bool {
	var members map[string]json.RawMessage
	if !strictly(conf, &members) {
		return false
	}
	for name := range members {
		if !slices.Contains(kind.lists, name) {
			return false
		}
	}
	for _, name := range kind.lists {
		l := cardList{member: name}
		raw := members[name]
		there := len(raw) > 0 && string(raw) != "null"
		if !there && name != "else" {
			return false
		}
		if there {
			var inside []waist.Validator
			if !strictly(raw, &inside) {
				return false
			}
			var err error
			if l.cards, err = cardsOf(inside); err != nil {
				return false
			}
		}
		c.lists = append(c.lists, l)
	}
	return true
}

// typable reports whether a text comes back from an input as it is: browsers take line ends and NUL out, and space around
// it is not counted.
func typable(s string) bool {
	return s == strings.TrimSpace(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// strictly reads JSON of which every member is known.
func strictly(raw []byte, into any) bool {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(into) == nil
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
		if !typable(s) {
			return false
		}
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
	out = make([]waist.Validator, 0, len(cards))
	for i := range cards {
		c := &cards[i]
		v := waist.Validator{Name: c.name}
		if c.fixed != "" {
			if json.Unmarshal([]byte(c.fixed), &v) != nil {
				c.err, ok = "This validator could not be read; open the policy anew.", false
			}
			out = append(out, v)
			continue
		}
		if c.recovery != "" && json.Unmarshal([]byte(c.recovery), &v.Recovery) != nil {
			c.err, ok = "This validator's recovery could not be read; open the policy anew.", false
		}
		conf, good := c.conf()
		ok = ok && good
		if conf != nil {
			raw, err := json.Marshal(conf)
			if err != nil { // a value that failed in conf
				raw = nil
			}
			v.Conf = raw
		}
		out = append(out, v)
	}
	return out, ok
}

// conf is what the card says, nil for a card that says nothing.
func (c *card) conf() (conf any, ok bool) {
	kind := kindOf(c.name)
	switch kind.shape {
	case shapeTime:
		return timeJSON{c.when.zone, c.when.days, c.when.from, c.when.to}, true
	case shapePolicy:
		return policyJSON{c.policy}, true
	case shapeLists:
		inside := make([][]leanJSON, len(c.lists))
		ok = true
		for i := range c.lists {
			list, good := validatorsOf(c.lists[i].cards)
			inside[i], ok = lean(list), ok && good
		}
		if c.name == "if-else" {
			return branchJSON{inside[0], inside[1], inside[2]}, ok
		}
		return groupJSON{inside[0]}, ok
	case shapeRows:
		rows := rowsJSON{Fields: []rowJSON{}}
		ok = true
		for j := range c.rows {
			r := &c.rows[j]
			value, err := typedValue(r.value, takesList(r.comparator))
			if err != nil {
				r.errs.fields, ok = map[string]string{"value": sentence(err.Error())}, false
			}
			rows.Fields = append(rows.Fields, rowJSON{r.field, r.comparator, value})
		}
		return rows, ok
	}
	return nil, true
}

package portal

import (
	"slices"
	"strings"
)

// shape is what a card of one kind holds.
type shape int

const (
	shapeFixed  shape = iota // JSON that the cards cannot show; edited as YAML
	shapeBare                // nothing
	shapeRows                // comparisons of fields
	shapeTime                // days and hours in a zone
	shapePolicy              // another policy
	shapeLists               // other cards: see cardKind.lists
)

// cardKind is a validator of package policy as the cards know it.
type cardKind struct {
	wire, title string
	shape       shape
	field       string   // an example of one
	lists       []string // members of conf that hold validators
	hidden      bool     // shown where it is there, not offered for new cards
}

// kinds in the order of the drop-down.
var kinds = []cardKind{
	{wire: "identity-context", title: "Authentication context", shape: shapeRows, field: "amr"},
	{wire: "attributes", title: "Attributes", shape: shapeRows, field: "request.queryParams.limit"},
	{wire: "header", title: "Request headers", shape: shapeRows, field: "X-Api-Version"},
	{wire: "scopes", title: "Scopes", shape: shapeRows, field: "pets.read"},
	{wire: "dynamic-scopes", title: "Dynamic scopes", shape: shapeRows, field: "users.*", hidden: true},
	{wire: "authentication-factors", title: "Authentication factors", shape: shapeRows, field: "login.verified_recovery_methods", hidden: true},
	{wire: "client", title: "Client", shape: shapeRows, field: "client_id"},
	{wire: "developer", title: "Developer", shape: shapeRows, field: "email"},
	{wire: "time", title: "Time", shape: shapeTime},
	{wire: "embedded-policy", title: "Embedded policy", shape: shapePolicy},
	{wire: "any", title: "OR group", shape: shapeLists, lists: []string{"validators"}},
	{wire: "all", title: "AND group", shape: shapeLists, lists: []string{"validators"}},
	{wire: "not", title: "NOT group", shape: shapeLists, lists: []string{"validators"}},
	{wire: "if-else", title: "If / else", shape: shapeLists, lists: []string{"if", "then", "else"}},
	{wire: "true", title: "Pass", shape: shapeBare},
	{wire: "false", title: "Fail", shape: shapeBare},
}

// kindOf is the kind of a validator; the zero kind is one that the cards do not know.
func kindOf(name string) cardKind {
	for _, k := range kinds {
		if k.wire == name {
			return k
		}
	}
	return cardKind{}
}

// comparatorWords are the comparators of package policy; list: the value is one.
var comparatorWords = []struct {
	wire, words string
	list        bool
}{
	{"equals", "equals", false},
	{"not_equals", "does not equal", false},
	{"contains", "contains", false},
	{"not_contains", "does not contain", false},
	{"contains_all", "contains all of", true},
	{"contains_any", "contains any of", true},
	{"in", "is one of", true},
	{"not_in", "is none of", true},
	{"present", "is present", false},
	{"absent", "is absent", false},
	{"starts_with", "starts with", false},
	{"ends_with", "ends with", false},
	{"matches", "matches", false},
	{"greater_than", "is greater than", false},
	{"greater_or_equal", "is at least", false},
	{"less_than", "is less than", false},
	{"less_or_equal", "is at most", false},
	{"in_cidr", "is in the network", false},
}

// comparatorText is a comparator in words.
func comparatorText(wire string) string {
	for _, w := range comparatorWords {
		if w.wire == wire {
			return w.words
		}
	}
	return wire
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
	return comparator == "present" || comparator == "absent"
}

func knownComparator(name string) bool { return comparatorText(name) != name }

// weekdays of a time card, Monday first.
var weekdays = []struct{ wire, short string }{{"mon", "Mon"}, {"tue", "Tue"}, {"wed", "Wed"}, {"thu", "Thu"}, {"fri", "Fri"}, {"sat", "Sat"}, {"sun", "Sun"}}

// maxSentence is how long the sentence of a card may be; longer ones end in an ellipsis.
const maxSentence = 400

// summary is the card in one sentence.
func (c card) summary() string {
	text := c.sentence()
	if r := []rune(text); len(r) > maxSentence {
		text = string(r[:maxSentence]) + "…"
	}
	switch {
	case c.fixed != "":
		return "Edited as YAML."
	case c.name == "true":
		return "Always passes."
	case c.name == "false":
		return "Never passes: nobody gets by."
	}
	return "Passes when " + text + "."
}

// sentence is what has to hold for the card to pass, to be put into a sentence.
func (c card) sentence() string {
	switch {
	case c.fixed != "":
		return "what the YAML says holds"
	case c.name == "true":
		return "anything"
	case c.name == "false":
		return "nothing"
	}
	switch kindOf(c.name).shape {
	case shapeTime:
		return c.when.sentence()
	case shapePolicy:
		return "policy " + nameOr(c.policy, "…") + " allows"
	case shapeLists:
		return c.groupSentence()
	}
	parts := make([]string, 0, len(c.rows))
	for _, r := range c.rows {
		parts = append(parts, r.sentence(c.name))
	}
	return strings.Join(parts, " and ")
}

func (r cardRow) sentence(kind string) string {
	field, value := nameOr(r.field, "…"), r.value
	if takesNone(r.comparator) {
		value = ""
	}
	if kind == "scopes" || kind == "dynamic-scopes" {
		switch r.comparator {
		case "present":
			return "scope " + field + " is granted"
		case "absent":
			return "scope " + field + " is not granted"
		}
		field = "scope " + field
	}
	if kind == "header" {
		field = "header " + field
	}
	return strings.TrimSpace(field + " " + comparatorText(r.comparator) + " " + value)
}

// compound reports whether a group's sentence needs brackets beside others.
func (c card) compound() bool {
	return c.name == "if-else" || (c.name == "any" || c.name == "all") && c.fixed == "" && len(c.lists[0].cards) > 1
}

func (c card) groupSentence() string {
	joined := func(l cardList, word, nothing string) string {
		parts := make([]string, 0, len(l.cards))
		for _, x := range l.cards {
			text := x.sentence()
			if len(l.cards) > 1 && (x.compound() || len(x.rows) > 1) {
				text = "(" + text + ")"
			}
			parts = append(parts, text)
		}
		return nameOr(strings.Join(parts, word), nothing)
	}
	switch c.name {
	case "any":
		return joined(c.lists[0], " or ", "…")
	case "all":
		return joined(c.lists[0], " and ", "…")
	case "not":
		return "not (" + joined(c.lists[0], " and ", "…") + ")"
	}
	cond, then, other := joined(c.lists[0], " and ", "…"), joined(c.lists[1], " and ", "…"), joined(c.lists[2], " and ", "")
	if other == "" {
		return bracketed(c.lists[0], cond) + " and " + bracketed(c.lists[1], then)
	}
	return "either " + bracketed(c.lists[0], cond) + " and " + bracketed(c.lists[1], then) + ", or not (" + cond + ") and " + bracketed(c.lists[2], other)
}

// bracketed puts what one card says into brackets where it would be misread beside an "and".
func bracketed(l cardList, text string) string {
	if len(l.cards) == 1 && l.cards[0].compound() {
		return "(" + text + ")"
	}
	return text
}

func (w cardTime) sentence() string {
	var days []string
	for _, d := range weekdays {
		if slices.Contains(w.days, d.wire) {
			days = append(days, d.short)
		}
	}
	text := "it is " + nameOr(strings.Join(days, ", "), "any day")
	if w.from != "" || w.to != "" {
		text += " from " + nameOr(w.from, "…") + " to " + nameOr(w.to, "…")
	}
	return text + " in " + nameOr(w.zone, "UTC")
}

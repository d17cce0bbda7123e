package portal

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis/control"
	"portcullis/edge/waist"
)

// anyValidators draws visual policies: mostly ones that cards can show, nested, and some that they cannot.
func anyValidators(depth int) *rapid.Generator[[]waist.Validator] {
	return rapid.Custom(func(t *rapid.T) []waist.Validator {
		out := []waist.Validator{}
		for range rapid.IntRange(0, 3).Draw(t, "validators") {
			out = append(out, anyValidator(t, depth))
		}
		return out
	})
}

func anyValidator(t *rapid.T, depth int) waist.Validator {
	kind := kinds[int(rapid.Byte().Draw(t, "kind"))*7%len(kinds)] // rapid prefers what comes first
	v := waist.Validator{Name: kind.wire}
	if rapid.IntRange(0, 5).Draw(t, "recovery") == 0 {
		v.Recovery = []waist.Recovery{{Type: "mfa"}}
	}
	var conf any
	switch {
	case rapid.IntRange(0, 12).Draw(t, "odd") == 0:
		v.Name = rapid.SampledFrom([]string{kind.wire, "consent", "tomorrow", ""}).Draw(t, "name")
		conf = anyValue(2).Draw(t, "conf")
	case kind.shape == shapeRows:
		rows := []map[string]any{}
		for range rapid.IntRange(0, 3).Draw(t, "rows") {
			rows = append(rows, map[string]any{"field": anyText().Draw(t, "field"), "comparator": rapid.SampledFrom(comparatorWords).Draw(t, "comparator").wire,
				"value": rapid.OneOf(anyValue(0), rapid.Map(rapid.SliceOfN(anyValue(0), 0, 3), func(l []any) any { return l })).Draw(t, "value")})
		}
		conf = map[string]any{"fields": rows}
	case kind.shape == shapeTime:
		members := map[string]any{}
		var days []string
		for _, d := range weekdays {
			if rapid.Bool().Draw(t, d.wire) {
				days = append(days, d.wire)
			}
		}
		if len(days) > 0 {
			members["days"] = days
		}
		for _, name := range []string{"zone", "from", "to"} {
			if s := rapid.SampledFrom([]string{"", "08:00", "Europe/Berlin", "x\ny", " z"}).Draw(t, name); s != "" {
				members[name] = s
			}
		}
		conf = members
	case kind.shape == shapePolicy:
		conf = map[string]any{"policy_id": anyText().Draw(t, "policy")}
	case kind.shape == shapeLists && depth > 0:
		members := map[string]any{}
		for _, name := range kind.lists {
			if name == "else" && rapid.Bool().Draw(t, "without else") {
				continue
			}
			members[name] = anyValidators(depth-1).Draw(t, name)
		}
		conf = members
	case kind.shape == shapeLists:
		v.Name = "true"
	}
	if conf != nil {
		raw, err := json.Marshal(conf)
		if err != nil {
			t.Skip("no JSON")
		}
		v.Conf = raw
	}
	return v
}

// meaning is validators as JSON values without what says nothing: null, a recovery of nothing, an else of nothing, and the
// "" of a comparator that looks at no value.
func meaning(t *rapid.T, list []waist.Validator) any {
	raw, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return bareOf(v)
}

func bareOf(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			list, isList := x.([]any)
			if x == nil || isList && len(list) == 0 && (k == "recovery" || k == "else") || k == "value" && x == "" {
				delete(v, k)
				continue
			}
			v[k] = bareOf(x)
		}
	case []any:
		for i := range v {
			v[i] = bareOf(v[i])
		}
	}
	return v
}

// plainCards is cards without what is only for the page.
func plainCards(cards []card) []card {
	out := make([]card, 0, len(cards))
	for _, c := range cards {
		c = c.clone()
		c.errs, c.err, c.focus = formErrors{}, "", ""
		if len(c.rows) == 0 {
			c.rows = nil
		}
		if len(c.lists) == 0 {
			c.lists = nil
		}
		if len(c.when.days) == 0 {
			c.when.days = nil
		}
		for i := range c.lists {
			c.lists[i].cards = plainCards(c.lists[i].cards)
		}
		out = append(out, c)
	}
	return out
}

var compareCards = cmp.AllowUnexported(card{}, cardRow{}, cardTime{}, cardList{}, formErrors{})

// TestCardsReadBack: whatever a policy holds, the cards that show it say the same; what is posted of their page is those
// cards; and so are they behind the YAML of what they say.
func TestCardsReadBack(t *testing.T) {
	seen := map[shape]int{}
	rapid.Check(t, func(t *rapid.T) {
		stored := anyValidators(3).Draw(t, "policy")
		cards, err := cardsOf(stored)
		if err != nil {
			t.Fatal(err)
		}
		said, ok := validatorsOf(cards)
		if !ok {
			t.Fatalf("the cards of %+v cannot be written", stored)
		}
		if diff := cmp.Diff(meaning(t, stored), meaning(t, said)); diff != "" {
			t.Fatalf("the cards say something else (-stored +said):\n%s", diff)
		}

		posted := postedCards(&request{Request: &http.Request{PostForm: shownForm(t, cards)}})
		if diff := cmp.Diff(plainCards(cards), plainCards(posted), compareCards); diff != "" {
			t.Fatalf("the page posts other cards (-shown +posted):\n%s", diff)
		}

		text, err := visualText(said)
		if err != nil {
			t.Fatal(err)
		}
		read, _, problems := readVisual(text)
		if len(problems) > 0 {
			t.Fatalf("%v in\n%s", problems, text)
		}
		again, err := cardsOf(read)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plainCards(cards), plainCards(again), compareCards, cmp.Comparer(sameFixed)); diff != "" {
			t.Fatalf("behind the YAML the cards are others (-before +after):\n%s\nof\n%s", diff, text)
		}
		tally(cards, seen)
	})
	for s := shapeFixed; s <= shapeLists; s++ {
		if seen[s] == 0 {
			t.Errorf("no card of shape %d was drawn", s)
		}
	}
}

// sameFixed compares texts; where both are JSON, what they say.
func sameFixed(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && strings.HasPrefix(a, "{") {
		return reflect.DeepEqual(bareOf(x), bareOf(y))
	}
	return a == b
}

func tally(cards []card, seen map[shape]int) {
	for _, c := range cards {
		seen[c.shape()]++
		for _, l := range c.lists {
			tally(l.cards, seen)
		}
	}
}

var (
	controls  = regexp.MustCompile(`(?s)<(input|select|option|/select)\b([^>]*)>`)
	attribute = regexp.MustCompile(`([\w-]+)(?:="([^"]*)")?`)
)

// shownForm is what a browser would post of the page of the cards.
func shownForm(t *rapid.T, cards []card) url.Values {
	var out strings.Builder
	f := frame{workspace: &control.Workspace{ID: "w"}, assets: loadAssets(), manage: true}
	v := cardsPage{policy: control.Policy{ID: "p", Language: waist.LanguageVisual}, cards: cards}
	if err := cardsView(f, v).Render(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	selected, options := "", []string{}
	chosen := false
	for _, m := range controls.FindAllStringSubmatch(out.String(), -1) {
		attrs, has := map[string]string{}, map[string]bool{}
		for _, a := range attribute.FindAllStringSubmatch(m[2], -1) {
			attrs[a[1]], has[a[1]] = html.UnescapeString(a[2]), true
		}
		switch m[1] {
		case "input":
			if attrs["type"] != "checkbox" || has["checked"] {
				form.Add(attrs["name"], strings.NewReplacer("\r", "", "\n", "", "\x00", "\ufffd").Replace(attrs["value"]))
			}
		case "select":
			selected, options, chosen = attrs["name"], nil, false
		case "option":
			options = append(options, attrs["value"])
			if has["selected"] {
				form.Set(selected, attrs["value"])
				chosen = true
			}
		case "/select":
			if !chosen && len(options) > 0 {
				form.Set(selected, options[0])
			}
		}
	}
	return form
}

// TestDeckKeepsCards: no button but those that say so makes cards or loses them.
func TestDeckKeepsCards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cards, err := cardsOf(anyValidators(3).Draw(t, "policy"))
		if err != nil {
			t.Fatal(err)
		}
		d := deck{cards}
		paths, lists := pathsOf(d.cards, "c")
		if len(paths) == 0 {
			t.Skip("no card")
		}
		before := leaves(d.cards)
		verb := rapid.SampledFrom([]string{"up", "down", "out", "into", "any", "all", "not", "open", "move"}).Draw(t, "verb")
		do := verb + " " + rapid.SampledFrom(paths).Draw(t, "card")
		if verb == "move" {
			do += " " + rapid.SampledFrom(lists).Draw(t, "list") + " " + rapid.SampledFrom([]string{"0", "1", "2", "9", "-1", "x"}).Draw(t, "at")
		}
		d.apply(do, "")
		if diff := cmp.Diff(before, leaves(d.cards)); diff != "" {
			t.Fatalf("%s changed the cards (-before +after):\n%s", do, diff)
		}
	})
}

// pathsOf are the paths of all cards and lists.
func pathsOf(cards []card, list string) (paths, lists []string) {
	lists = append(lists, list)
	for i, c := range cards {
		at := cardPath(list, i)
		paths = append(paths, at)
		for _, l := range c.lists {
			p, ls := pathsOf(l.cards, listPath(at, l.member))
			paths, lists = append(paths, p...), append(lists, ls...)
		}
	}
	return paths, lists
}

// leaves are the cards that hold no others, by what they say, sorted.
func leaves(cards []card) []string {
	out := []string{}
	for _, c := range cards {
		if c.shape() != shapeLists {
			out = append(out, c.name+c.fixed+c.sentence())
		}
		for _, l := range c.lists {
			out = append(out, leaves(l.cards)...)
		}
	}
	slices.Sort(out)
	return out
}

package portal

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"portcullis/control"
	"portcullis/edge/waist"
)

// The most cards of one list, rows of one card, levels, and cards of one form that are read; package policy allows no more
// of the first three.
const (
	maxCards     = 64
	maxCardDepth = 10
	maxAllCards  = 1000
)

// A card's place in the form is its path: "c" is the policy's own list, "c.2" its third card, "c.2.if.0" the first card in
// that one's member if. The form's members start with it: "c.2.name", "c.2.0.value" for the row, "c.2.if.n" for the number
// of cards of a list, "c.2.if.kind" for the kind of a new one.

func cardPath(list string, i int) string      { return list + "." + strconv.Itoa(i) }
func listPath(path, member string) string     { return path + "." + member }
func rowPath(path string, j int) string       { return path + "." + strconv.Itoa(j) }
func (r *request) amount(name string) (n int) { n, _ = strconv.Atoi(r.value(name)); return max(n, 0) }

// postedCards reads the cards of the form.
func postedCards(r *request) []card {
	left := maxAllCards
	return r.postedList("c", 0, &left)
}

func (r *request) postedList(list string, depth int, left *int) []card {
	if depth > maxCardDepth {
		return nil
	}
	var out []card
	for i := range min(r.amount(list+".n"), maxCards) {
		if *left--; *left < 0 {
			break
		}
		at := cardPath(list, i)
		c := card{name: r.value(at + ".name"), fixed: r.PostForm.Get(at + ".fixed"), recovery: r.PostForm.Get(at + ".recovery")}
		switch c.shape() {
		case shapeRows:
			for j := range min(r.amount(at+".rows"), maxCards) {
				row := rowPath(at, j)
				c.rows = append(c.rows, cardRow{field: r.value(row + ".field"), comparator: r.value(row + ".comparator"), value: r.value(row + ".value")})
			}
		case shapeTime:
			c.when = cardTime{zone: r.value(at + ".zone"), from: r.value(at + ".from"), to: r.value(at + ".to")}
			for _, d := range weekdays {
				if slices.Contains(r.PostForm[at+".day"], d.wire) {
					c.when.days = append(c.when.days, d.wire)
				}
			}
		case shapePolicy:
			c.policy = r.value(at + ".policy")
		case shapeLists:
			for _, member := range kindOf(c.name).lists {
				c.lists = append(c.lists, cardList{member: member, cards: r.postedList(listPath(at, member), depth+1, left)})
			}
		}
		out = append(out, c)
	}
	return out
}

// deck is the cards of a policy with what can be done to them.
type deck struct{ cards []card }

// list is the list at a path, nil when there is none.
func (d *deck) list(path string) *[]card {
	at := &d.cards
	rest, ok := strings.CutPrefix(path, "c")
	if !ok {
		return nil
	}
	for rest != "" {
		parts := strings.SplitN(rest, ".", 4) // "", index, member, rest
		if len(parts) < 3 {
			return nil
		}
		i, err := strconv.Atoi(parts[1])
		if err != nil || i < 0 || i >= len(*at) {
			return nil
		}
		lists := (*at)[i].lists
		k := slices.IndexFunc(lists, func(l cardList) bool { return l.member == parts[2] })
		if k < 0 {
			return nil
		}
		at, rest = &lists[k].cards, ""
		if len(parts) == 4 {
			rest = "." + parts[3]
		}
	}
	return at
}

// at is the card at a path: the list it is in and its number there.
func (d *deck) at(path string) (list *[]card, i int, ok bool) {
	above, last, ok := cutLast(path)
	if !ok {
		return nil, 0, false
	}
	i, err := strconv.Atoi(last)
	if list = d.list(above); err != nil || list == nil || i < 0 || i >= len(*list) {
		return nil, 0, false
	}
	return list, i, true
}

func cutLast(path string) (before, last string, ok bool) {
	k := strings.LastIndexByte(path, '.')
	if k < 0 {
		return "", "", false
	}
	return path[:k], path[k+1:], true
}

// freshCard is a new card of a kind, with one empty row where it has rows.
func freshCard(kind string) (card, bool) {
	k := kindOf(kind)
	c := card{name: kind, focus: "first"}
	switch k.shape {
	case shapeFixed:
		return c, false
	case shapeRows:
		c.rows = []cardRow{{comparator: "equals"}}
		if kind == "scopes" {
			c.rows[0].comparator = "present"
		}
	case shapeLists:
		for _, member := range k.lists {
			c.lists = append(c.lists, cardList{member: member})
		}
	}
	return c, true
}

// apply carries out a button: "add LIST" (of the kind), "remove CARD", "up CARD", "down CARD", "out CARD" (behind the group
// it is in), "into CARD" (to the end of the group before it), "any CARD", "all CARD", "not CARD" (into a new group of its own),
// "open CARD" (a group gives its cards to the list it is in), "copy CARD", "row CARD", "unrow CARD ROW", "move CARD LIST
// NUMBER". What does not fit the cards does nothing.
func (d *deck) apply(do, kind string) {
	words := strings.Fields(do)
	if len(words) < 2 {
		return
	}
	verb, path := words[0], words[1]
	if verb == "add" {
		if list := d.list(path); list != nil && len(*list) < maxCards {
			if c, ok := freshCard(kind); ok {
				*list = append(*list, c)
			}
		}
		return
	}
	list, i, ok := d.at(path)
	if !ok {
		return
	}
	c := &(*list)[i]
	switch verb {
	case "remove":
		*list = slices.Delete(*list, i, i+1)
		if len(*list) > 0 {
			(*list)[min(i, len(*list)-1)].focus = "head"
		}
	case "copy":
		if len(*list) < maxCards {
			twin := c.clone()
			twin.focus = "head"
			*list = slices.Insert(*list, i+1, twin)
		}
	case "up", "down":
		j := i - 1
		if verb == "down" {
			j = i + 1
		}
		if j >= 0 && j < len(*list) {
			c.focus = verb
			(*list)[i], (*list)[j] = (*list)[j], (*list)[i]
		}
	case "any", "all", "not":
		group, _ := freshCard(verb)
		group.lists[0].cards, group.focus = []card{*c}, "head"
		*c = group
	case "open":
		if kindOf(c.name).shape == shapeLists && c.fixed == "" {
			var inside []card
			for _, l := range c.lists {
				inside = append(inside, l.cards...)
			}
			*list = slices.Replace(*list, i, i+1, inside...)
		}
	case "row":
		if c.shape() == shapeRows && len(c.rows) < maxCards {
			c.rows = append(c.rows, cardRow{comparator: "equals"})
			c.focus = "last"
		}
	case "unrow":
		if j, err := strconv.Atoi(last(words, 2)); err == nil && j >= 0 && j < len(c.rows) {
			c.rows = slices.Delete(c.rows, j, j+1)
			c.focus = "row"
		}
	case "out", "into", "move":
		d.relocate(words, list, i)
	}
}

func last(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return ""
}

// relocate moves a card to another list. The old one is only marked until the new one stands, so that paths stay what the
// form has sent.
func (d *deck) relocate(words []string, list *[]card, i int) {
	path := words[1]
	var to *[]card
	at := -1 // the end
	switch words[0] {
	case "out":
		above, _, _ := cutLast(path)   // the list
		group, _, ok := cutLast(above) // the group that has the list
		outer, n, found := d.at(group)
		if !ok || !found {
			return
		}
		to, at = outer, n+1
	case "into":
		if i == 0 || (*list)[i-1].shape() != shapeLists {
			return
		}
		to = &(*list)[i-1].lists[0].cards
	case "move":
		target := last(words, 2)
		n, err := strconv.Atoi(last(words, 3))
		if to = d.list(target); to == nil || err != nil || n < 0 || n > len(*to) || strings.HasPrefix(target+".", path+".") {
			return
		}
		at = n
	}
	if len(*to) >= maxCards {
		return
	}
	if at < 0 {
		at = len(*to)
	}
	moved := (*list)[i].clone()
	moved.focus = "head"
	(*list)[i].gone = true
	*to = slices.Insert(*to, at, moved)
	d.cards = tidy(d.cards)
}

// tidy takes out what is gone.
func tidy(cards []card) []card {
	out := slices.DeleteFunc(cards, func(c card) bool { return c.gone })
	for i := range out {
		for k := range out[i].lists {
			out[i].lists[k].cards = tidy(out[i].lists[k].cards)
		}
	}
	return out
}

// clone shares nothing with the card.
func (c card) clone() card {
	c.rows, c.when.days, c.lists = slices.Clone(c.rows), slices.Clone(c.when.days), slices.Clone(c.lists)
	for i := range c.lists {
		inside := make([]card, 0, len(c.lists[i].cards))
		for _, x := range c.lists[i].cards {
			inside = append(inside, x.clone())
		}
		c.lists[i].cards = inside
	}
	return c
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
	return p.renderCards(r, http.StatusOK, v)
}

// renderCards shows the cards, with the YAML of what they say.
func (p *portal) renderCards(r *request, status int, v cardsPage) error {
	others, err := p.admin.ListPolicies(r.ctx(), r.actor, r.wid(), []string{v.policy.Type})
	if err != nil {
		return err
	}
	v.others = slices.DeleteFunc(others, func(s control.PolicySummary) bool { return s.ID == v.policy.ID })
	if validators, ok := validatorsOf(v.cards); ok {
		if v.yaml, err = visualText(validators); err != nil {
			return err
		}
	}
	return r.render(status, cardsView(r.frame(nameOr(v.policy.PolicyName, v.policy.ID), "policies"), v))
}

func (p *portal) postCards(r *request) error {
	pol, err := r.visualPolicy()
	if err != nil {
		return err
	}
	if err := r.needManager(); err != nil {
		return err
	}
	v := cardsPage{policy: pol, changed: true}
	do := r.value("do")
	if do == "cards" { // from the text of the other editor
		return p.cardsOfText(r, v)
	}
	v.cards = postedCards(r)
	if do != "save" && do != "yaml" {
		d := deck{v.cards}
		d.apply(do, r.value(last(strings.Fields(do), 1)+".kind"))
		v.cards = d.cards
		return p.renderCards(r, http.StatusOK, v)
	}
	validators, ok := validatorsOf(v.cards)
	if !ok {
		return p.renderCards(r, http.StatusUnprocessableEntity, v)
	}
	pol.Validators = validators
	if do == "yaml" {
		page, err := pageOf(pol)
		if err != nil {
			return err
		}
		page.unsaved = "These are the cards as YAML. Save to keep what you changed."
		return p.renderPolicy(r, http.StatusOK, page)
	}
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
		return p.renderCards(r, status, v)
	}
	return r.done(in(r.wid(), "policies", pol.ID, "visual"), "policy-saved")
}

// cardsOfText shows what was typed as YAML as cards, saved or not.
func (p *portal) cardsOfText(r *request, v cardsPage) error {
	next, page, _, ok := typed(r, v.policy)
	if !ok {
		return p.renderPolicy(r, http.StatusUnprocessableEntity, page)
	}
	cards, err := cardsOf(next.Validators)
	if err != nil {
		return err
	}
	v.cards = cards
	return p.renderCards(r, http.StatusOK, v)
}

// place puts what admin says of members beside the cards and rows they are in.
func (v *cardsPage) place(e *control.Error) {
	for _, member := range sortedKeys(e.Fields) {
		text := sentence(e.Fields[member])
		rest, ok := strings.CutPrefix(member, "validators")
		if !ok || !placeIn(v.cards, rest, text) {
			v.errs.text = strings.TrimSpace(v.errs.text + "\n" + text)
		}
		v.placed = true
	}
}

// placeIn follows a member such as "[2].conf.if[0].conf.fields[1].value" into the cards.
func placeIn(cards []card, member, text string) bool {
	i, rest, ok := cutIndex(member)
	if !ok || i >= len(cards) {
		return false
	}
	c := &cards[i]
	rest = strings.TrimPrefix(rest, ".conf")
	rest = strings.TrimPrefix(rest, ".")
	for k := range c.lists {
		inside, ok := strings.CutPrefix(rest, c.lists[k].member)
		if !ok {
			continue
		}
		if !placeIn(c.lists[k].cards, inside, text) {
			c.lists[k].err = strings.TrimSpace(c.lists[k].err + "\n" + text)
		}
		return true
	}
	if row, ok := strings.CutPrefix(rest, "fields"); ok {
		if j, name, ok := cutIndex(row); ok && j < len(c.rows) {
			if name = strings.TrimPrefix(name, "."); name == "field" || name == "comparator" || strings.HasPrefix(name, "value") {
				c.rows[j].errs.set(strings.SplitN(name, "[", 2)[0], text)
				return true
			}
		}
	}
	name, _, _ := strings.Cut(rest, "[")
	if slices.Contains([]string{"policy_id", "zone", "days", "from", "to"}, name) {
		c.errs.set(name, text)
		return true
	}
	c.err = strings.TrimSpace(c.err + "\n" + text)
	return true
}

func (e *formErrors) set(name, text string) {
	if e.fields == nil {
		e.fields = map[string]string{}
	}
	e.fields[name] = text
}

// cutIndex reads "[12]rest".
func cutIndex(s string) (i int, rest string, ok bool) {
	inside, rest, ok := strings.Cut(strings.TrimPrefix(s, "["), "]")
	i, err := strconv.Atoi(inside)
	return i, rest, ok && err == nil && i >= 0 && strings.HasPrefix(s, "[")
}

// spoken is a card's place for people: "2", "2.1" for the first card inside the second, "2.then.1" where it has branches.
func spoken(path string) string {
	var parts []string
	for _, part := range strings.Split(path, ".")[1:] {
		if n, err := strconv.Atoi(part); err == nil {
			part = strconv.Itoa(n + 1)
		} else if part == "validators" {
			continue
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ".")
}

// joinWord stands between two cards of a list.
func joinWord(kind string) string {
	if kind == "any" {
		return "or"
	}
	return "and"
}

// listName is what a list of cards inside a group is called.
func listName(kind, member string) string {
	switch member {
	case "if", "then", "else":
		return sentence(member)
	}
	return fmt.Sprintf("Cards of the %s", kindOf(kind).title)
}

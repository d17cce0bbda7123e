package policy

import "strings"

// compareMembers implements the contains family. A text field contains a text when that is a part of it; for
// contains_all and contains_any a scalar is a list of one.
func compareMembers(e *env, v *value, op comparator, o *operand) outcome {
	if op == cmpNotContains {
		return membersNone(e, v, o)
	}
	part := op == cmpContains && v.kind == kindText
	result := outcomeOf(op != cmpContainsAny)
	seen := false
	for i := range o.elems {
		el := &o.elems[i]
		w := el.get(e)
		for j := range max(1, w.size()) {
			if w.kind == kindList && w.size() == 0 {
				break
			}
			item := w
			if w.kind == kindList {
				item = w.at(j)
			}
			seen = true
			got := hasMember(v, el, &item, part)
			switch {
			case got == yes && op == cmpContainsAny:
				return yes
			case got == no && op != cmpContainsAny:
				return no
			case got == unknown:
				result = unknown
			}
		}
	}
	if !seen { // a reference to an empty list asks for nothing; that is not enough to pass
		return no
	}
	return result
}

// membersNone is not_contains: no element of the operand is a member, and each of them could be compared.
func membersNone(e *env, v *value, o *operand) outcome {
	result := yes
	for i := range o.elems {
		el := &o.elems[i]
		w := el.get(e)
		if w.kind == kindAbsent {
			result = unknown
			continue
		}
		for j := range w.size() {
			item := w.at(j)
			switch hasMember(v, el, &item, v.kind == kindText) {
			case yes:
				return no
			case unknown:
				result = unknown
			}
		}
	}
	return result
}

func hasMember(v *value, el *element, w *value, part bool) outcome {
	if part {
		if el.ref == nil && el.lit.kind == kindText {
			return outcomeOf(el.pat.within(v.s))
		}
		if o := textPair(v, w); o != yes {
			return o
		}
		return outcomeOf(w.s != "" && strings.Contains(v.s, w.s))
	}
	if v.kind == kindOther {
		return unknown
	}
	result := no
	for i := range v.size() {
		item := v.at(i)
		switch equalElement(&item, el, w) {
		case yes:
			return yes
		case unknown:
			result = unknown
		}
	}
	return result
}

// isList reports whether the right side is a list: written as one, or a reference to one.
func (o *operand) isList(e *env) bool {
	if o.list || o.elems[0].ref == nil {
		return o.list
	}
	w := o.elems[0].get(e)
	return w.kind == kindList
}

// compareSets is equals with a list on the right: the same elements, in any order and number. So a second header line
// does not help a caller on this side either. not_equals needs no such thing: it asks that nothing is in common.
func compareSets(e *env, v *value, o *operand) outcome {
	if v.kind == kindOther {
		return unknown
	}
	same := compareMembers(e, v, cmpContainsAll, o)
	if same != yes {
		return same
	}
	for i := range v.size() {
		item := v.at(i)
		if r := anyElement(e, &item, o, cmpEquals); r != yes {
			return r
		}
	}
	return yes
}

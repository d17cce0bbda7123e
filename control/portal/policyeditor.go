package portal

import (
	"encoding/json"
	"fmt"

	"portcullis/control"
	"portcullis/edge/waist"
)

// The editor of a policy is a text area. Where the script of the editor is part of the build and runs, it shows the text
// in colours, completes what it is given here (editorWords), and asks checkPolicy what is wrong after each pause in typing.

// checksAtOnce bounds how many texts are checked at the same time in this process: a check compiles.
const checksAtOnce = 4

// checkedProblem is one problem of the text as the editor reads it.
type checkedProblem struct {
	Line    int    `json:"line"`   // from 1; 0: no place in particular
	Column  int    `json:"column"` // in characters, from 1; 0: the whole line
	Text    string `json:"text"`
	Warning bool   `json:"warning"`
}

// checkPolicy answers what is wrong with the posted text of a policy, as JSON. It changes nothing.
func (p *portal) checkPolicy(r *request) error {
	select {
	case p.checks <- struct{}{}:
		defer func() { <-p.checks }()
	default:
		e := control.Errorf(control.Unavailable, "", "Too many policies are being checked; try again later.")
		e.RetryAfter = 1
		return e
	}
	pol, err := r.policy()
	if err != nil {
		return err
	}
	found := []checkedProblem{}
	next, v, places, ok := typed(r, pol)
	for _, l := range v.form.lines {
		found = append(found, checkedProblem{Line: l.line, Column: l.column, Text: l.text})
	}
	if ok {
		list, err := p.admin.CheckPolicy(r.ctx(), r.actor, next)
		if err != nil {
			return err
		}
		for _, x := range list {
			one := checkedProblem{Line: x.Line, Column: x.Column, Text: sentence(x.Message), Warning: x.Warning}
			if at, ok := nearest(places, x.Path); ok && x.Line == 0 {
				one.Line, one.Column = at.line, at.column
			}
			found = append(found, one)
		}
	}
	r.w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(r.w).Encode(map[string]any{"problems": found}); err != nil && r.ctx().Err() == nil {
		return fmt.Errorf("write problems: %w", err)
	}
	return nil
}

// word is one thing that an editor completes.
type word struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// words are what the editor of one language completes.
type words struct {
	Members     []word `json:"members"`
	Validators  []word `json:"validators,omitempty"`
	Comparators []word `json:"comparators,omitempty"`
}

// editorWords are the names of the input in the language of a policy, with those of the workspace.
func (p *portal) editorWords(r *request, pol control.Policy) (words, error) {
	list, err := p.admin.PolicyMembers(r.ctx(), r.actor, r.wid(), pol.ID)
	if err != nil {
		return words{}, err
	}
	out := words{Members: []word{}}
	for _, m := range list {
		name := m.Visual
		switch pol.Language {
		case waist.LanguageRego:
			name = m.Rego
		case waist.LanguageCedar:
			name = m.Cedar
		}
		if name != "" {
			out.Members = append(out.Members, word{name, m.Text})
		}
	}
	if pol.Language == waist.LanguageVisual {
		for _, k := range kinds {
			out.Validators = append(out.Validators, word{k.wire, k.title})
		}
		for _, c := range comparatorWords {
			out.Comparators = append(out.Comparators, word{c.wire, c.words})
		}
	}
	return out, nil
}

// editorLanguage is the name of the editor's mode for a policy language.
func editorLanguage(wire string) string {
	if wire == waist.LanguageVisual {
		return "visual"
	}
	return wire
}

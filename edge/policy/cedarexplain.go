package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	publicast "github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"
	cedarast "github.com/cedar-policy/cedar-go/x/exp/ast"
)

// cedarTracer says of each statement whether it applies, which part of it does not, and what it saw there.
type cedarTracer struct {
	req      cedar.Request
	entities types.EntityGetter
}

// trace evaluates every statement by itself.
func (p *cedarPolicy) trace(e *env) []Step {
	req, entities, err := cedarRequest(e, p)
	if err != nil {
		return []Step{{Path: "definition", Outcome: Unknown, Message: err.Error()}}
	}
	t := cedarTracer{req: req, entities: entities}
	var out []Step
	specific := [2][]int{p.byAPI[req.Resource], p.byService[cedarServiceUID(&e.in.Request)]}
	for id, statement := range (slicedStatements{p: p, specific: specific}).All() {
		out = append(out, t.statement(id, statement))
	}
	return out
}

func (t *cedarTracer) statement(id cedar.PolicyID, statement *cedar.Policy) Step {
	tree := (*cedarast.Policy)(statement.AST())
	effect := "permit"
	if statement.Effect() == cedar.Forbid {
		effect = "forbid"
	}
	s := Step{Path: string(id), Line: statement.Position().Line}
	var failure string
	s.Outcome, failure = t.applies(tree)
	switch s.Outcome {
	case Holds:
		s.Message = effect + " applies" + t.seen(tree.Conditions)
	case Unknown:
		s.Message = effect + " failed: " + failure + t.seen(tree.Conditions)
	default:
		s.Message = effect + " does not apply: " + t.why(tree)
	}
	return s
}

// applies evaluates a statement whose other side, permit or forbid, does not matter.
func (t *cedarTracer) applies(tree *cedarast.Policy) (StepOutcome, string) {
	_, diag := cedar.Authorize(cedar.PolicyMap{"x": cedar.NewPolicyFromAST((*publicast.Policy)(tree))}, t.entities, t.req)
	switch {
	case len(diag.Errors) > 0:
		return Unknown, cedarError(diag.Errors[0].Message)
	case len(diag.Reasons) > 0:
		return Holds, ""
	}
	return Fails, ""
}

// why names the part of a statement that does not hold: its scope, or the first of its conditions.
func (t *cedarTracer) why(tree *cedarast.Policy) string {
	part := *tree
	part.Conditions = nil
	if o, _ := t.applies(&part); o != Holds {
		return fmt.Sprintf("its scope is for others than %s, %s, %s", clip(t.req.Principal.String()), clip(t.req.Action.String()), clip(t.req.Resource.String()))
	}
	for _, c := range tree.Conditions {
		part.Conditions = []cedarast.ConditionType{c}
		if o, _ := t.applies(&part); o != Holds {
			return conditionText(&part) + t.seen(part.Conditions)
		}
	}
	return "its conditions do not hold" + t.seen(tree.Conditions)
}

// conditionText is the source of a statement's one condition, in one line.
func conditionText(tree *cedarast.Policy) string {
	text := string(cedar.NewPolicyFromAST((*publicast.Policy)(tree)).MarshalCedar())
	start := max(strings.Index(text, "\nwhen"), strings.Index(text, "\nunless"))
	if start < 0 {
		return "a condition does not hold"
	}
	return clip(strings.TrimSuffix(strings.Join(strings.Fields(text[start:]), " "), ";"))
}

// maxSeen is how many values one step shows.
const maxSeen = 4

// seen lists what conditions refer to, with the values that are there: "; context.claims.sub is "joe"".
func (t *cedarTracer) seen(conditions []cedarast.ConditionType) string {
	var paths [][]string
	for _, c := range conditions {
		cedarast.Inspect(cedarast.NewNode(c.Body), func(n cedarast.IsNode) bool {
			path, ok := cedarPath(n)
			if !ok {
				return true
			}
			covered := slices.ContainsFunc(paths, func(p []string) bool { return slices.Equal(p, path) })
			if len(path) > 1 && !covered {
				paths = append(paths, path)
			}
			return false
		})
	}
	var out strings.Builder
	shown := 0
	for _, path := range paths {
		// "has" looks at a member first and the comparison then at the same one, or at one inside of it.
		inner := slices.ContainsFunc(paths, func(p []string) bool { return len(p) > len(path) && slices.Equal(p[:len(path)], path) })
		if inner || shown == maxSeen {
			continue
		}
		shown++
		fmt.Fprintf(&out, "; %s is %s", strings.Join(path, "."), t.show(path))
	}
	return out.String()
}

// cedarPath is <variable>.a.b of an access, or of a has.
func cedarPath(n cedarast.IsNode) ([]string, bool) {
	var path []string
	for {
		switch x := n.(type) {
		case cedarast.NodeTypeAccess:
			path = append(path, string(x.Value))
			n = x.Arg
		case cedarast.NodeTypeHas:
			path = append(path, string(x.Value))
			n = x.Arg
		case cedarast.NodeTypeVariable:
			path = append(path, string(x.Name))
			slices.Reverse(path)
			return path, true
		default:
			return nil, false
		}
	}
}

// show is the value at a path for people: clipped, redacted where its name is that of a secret, and never a whole record.
func (t *cedarTracer) show(path []string) string {
	var value types.Value
	switch path[0] {
	case "context":
		value = t.req.Context
	case "principal", "resource", "action":
		uid := map[string]cedar.EntityUID{"principal": t.req.Principal, "resource": t.req.Resource, "action": t.req.Action}[path[0]]
		entity, _ := t.entities.Get(uid)
		value = entity.Attributes
	}
	for _, name := range path[1:] {
		if secretName(name) {
			return "(redacted)"
		}
		if name == "body" {
			return "(body, not shown)"
		}
		record, ok := value.(types.Record)
		if !ok {
			return "absent"
		}
		if value, ok = record.Get(types.String(name)); !ok {
			return "absent"
		}
	}
	if _, ok := value.(types.Record); ok {
		return "(not shown: name the member)"
	}
	return clip(string(value.MarshalCedar()))
}

package policy

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	cedarast "github.com/cedar-policy/cedar-go/x/exp/ast"

	"portcullis/edge/waist"
)

// cedarPolicy is one compiled Cedar policy: its statements, sliced by the API that their scope names, so that a long
// text with statements for many APIs is not evaluated as a whole.
type cedarPolicy struct {
	statements []cedarStatement
	general    []int                     // statements whose scope names no API
	byAPI      map[cedar.EntityUID][]int // resource == API::"…"
	byService  map[cedar.EntityUID][]int // resource in Service::"…"
	reads      Reads
	headers    []string // names of headers as the policy spells them

	// What identity and the parameters of the context cost is spent only when the policy asks for them.
	identity, contextParams bool
}

type cedarStatement struct {
	id     cedar.PolicyID
	policy *cedar.Policy
}

// maxCedarNesting bounds brackets: the parser recurses, and a stack that overflows cannot be caught.
const maxCedarNesting = 256

const maxCedarStatements = 2000

// compileCedar parses a Cedar policy. The result is usable only when ps.failed() is false.
func compileCedar(definition string, ps *problems) *cedarPolicy {
	if len(definition) > maxDefinitionBytes {
		ps.add("definition", "the definition has %d bytes; %d are allowed", len(definition), maxDefinitionBytes)
		return nil
	}
	if n := nesting(definition); n > maxCedarNesting {
		ps.add("definition", "brackets are nested %d deep; %d are allowed", n, maxCedarNesting)
		return nil
	}
	list, err := parseCedar(definition)
	if err != nil {
		ps.list = append(ps.list, cedarProblem(definition, err))
		return nil
	}
	if len(list) == 0 {
		ps.add("definition", "there is no statement; without a permit nobody gets in")
		return nil
	}
	if len(list) > maxCedarStatements {
		ps.add("definition", "there are %d statements; %d are allowed", len(list), maxCedarStatements)
		return nil
	}
	p := &cedarPolicy{byAPI: map[cedar.EntityUID][]int{}, byService: map[cedar.EntityUID][]int{}}
	var walker cedarReader
	for i, statement := range list {
		id := fmt.Sprintf("statement %d", i+1)
		if name, ok := statement.Annotations()["id"]; ok && name != "" {
			id = clip(string(name))
		}
		p.statements = append(p.statements, cedarStatement{id: cedar.PolicyID(id), policy: statement})
		tree := (*cedarast.Policy)(statement.AST())
		p.slice(i, tree.Resource)
		walker.policy(tree)
	}
	walker.r.normalise()
	p.reads, p.headers = walker.r, walker.headers
	p.identity = walker.principal || walker.r.All
	p.contextParams = walker.contextParams || walker.r.All
	return p
}

// parseCedar never panics: a parser that gives up in the middle of a text is an error like any other.
func parseCedar(definition string) (list cedar.PolicyList, err error) {
	defer func() {
		if p := recover(); p != nil {
			list, err = nil, fmt.Errorf("the parser gave up: %v", p)
		}
	}()
	return cedar.NewPolicyListFromBytes("definition", []byte(definition))
}

// slice files a statement under the API or service that its scope names. Statements of other APIs are not evaluated:
// their scope is false for this one, and Cedar evaluates no condition of a statement whose scope is false.
func (p *cedarPolicy) slice(i int, scope cedarast.IsResourceScopeNode) {
	switch s := scope.(type) {
	case cedarast.ScopeTypeEq:
		p.byAPI[s.Entity] = append(p.byAPI[s.Entity], i)
	case cedarast.ScopeTypeIn:
		if s.Entity.Type == cedarService {
			p.byService[s.Entity] = append(p.byService[s.Entity], i)
			return
		}
		p.general = append(p.general, i)
	default:
		p.general = append(p.general, i)
	}
}

// nesting is how deep brackets go, in text and comments too: an upper bound of how deep the parser recurses into them.
func nesting(s string) int {
	depth, deepest := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '(', '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ')', ']', '}':
			depth--
		case 'i':
			if strings.HasPrefix(s[i:], "if ") { // if … then if … then …
				depth++
				deepest = max(deepest, depth)
			}
		case ';':
			depth = 0
		}
	}
	return deepest
}

// cedarProblem finds the position in a parser's message, which is the only place that has it.
func cedarProblem(definition string, err error) Problem {
	p := Problem{Path: "definition", Message: strings.TrimPrefix(err.Error(), "parser error: ")}
	const mark = "<input>:"
	if i := strings.Index(p.Message, mark); i >= 0 {
		if n, _ := fmt.Sscanf(p.Message[i+len(mark):], "%d:%d", &p.Line, &p.Column); n == 2 {
			p.Message = strings.TrimPrefix(p.Message, "parse error at ")
			_, rest, _ := strings.Cut(p.Message[strings.Index(p.Message, mark)+len(mark):], " ")
			p.Message = "syntax error at " + rest
		}
	}
	if p.Line == 0 { // at the end of the text
		p.Line = strings.Count(definition, "\n") + 1
		p.Column = len(definition) - strings.LastIndexByte(definition, '\n')
		p.Message = strings.Replace(p.Message, `syntax error at "": `, "syntax error at the end: ", 1)
	}
	return p
}

// slicedStatements iterates over the statements that can apply to one resource.
type slicedStatements struct {
	p        *cedarPolicy
	specific [2][]int
}

func (s slicedStatements) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, list := range [...][]int{s.p.general, s.specific[0], s.specific[1]} {
			for _, i := range list {
				if st := &s.p.statements[i]; !yield(st.id, st.policy) {
					return
				}
			}
		}
	}
}

// evaluate decides one request. cedar-go skips a statement whose evaluation fails, also a forbid: here any such error
// denies, whatever the others say.
func (p *cedarPolicy) evaluate(e *env, policyID string) Result {
	start := time.Now()
	req, entities, err := cedarRequest(e, p)
	if err != nil {
		return failed(ReasonError, policyID, "the request cannot be represented in Cedar", err.Error())
	}
	statements := slicedStatements{p: p, specific: [2][]int{p.byAPI[req.Resource], p.byService[cedarServiceUID(&e.in.Request)]}}
	decision, diag := cedar.Authorize(statements, entities, req)
	if len(diag.Errors) > 0 {
		r := Result{Reason: ReasonError}
		for _, d := range diag.Errors {
			r.Failures = append(r.Failures, waist.ValidationFailure{
				Validator: policyID, Message: fmt.Sprintf("the evaluation of %s failed", d.PolicyID),
				Details: fmt.Sprintf("line %d: %s", d.Position.Line, cedarError(d.Message)),
			})
		}
		return r
	}
	if e.set != nil && time.Since(start) > e.set.timeout || e.ctx.Err() != nil {
		return failed(ReasonTimeout, policyID, "the evaluation ended after its deadline", "")
	}
	if decision == cedar.Allow {
		return Result{Decision: Allow}
	}
	r := Result{Reason: ReasonDenied}
	for _, d := range diag.Reasons {
		r.Failures = append(r.Failures, waist.ValidationFailure{
			Validator: policyID, Message: fmt.Sprintf("%s forbids", d.PolicyID), Details: fmt.Sprintf("line %d", d.Position.Line),
		})
	}
	if len(diag.Reasons) == 0 {
		r.Failures = failed("", policyID, "no permit applies", "").Failures
	}
	return r
}

// cedarNodes counts what the conditions of a statement can do: each part is evaluated once at most.
func cedarNodes(p *cedar.Policy) int {
	n := 1
	for _, c := range (*cedarast.Policy)(p.AST()).Conditions {
		cedarast.Inspect(cedarast.NewNode(c.Body), func(cedarast.IsNode) bool { n++; return true })
	}
	return n
}

// cedarError keeps the kind of an evaluation error and the attribute's name; cedar-go puts values after "got".
func cedarError(message string) string {
	if i := strings.Index(message, ", got "); i >= 0 {
		message = message[:i]
	}
	return clip(message)
}

var (
	cedarUser      = cedar.EntityType("User")
	cedarClient    = cedar.EntityType("Client")
	cedarAnonymous = cedar.EntityType("Anonymous")
	cedarGroup     = cedar.EntityType("Group")
	cedarRole      = cedar.EntityType("Role")
	cedarAction    = cedar.EntityType("Action")
	cedarAPI       = cedar.EntityType("API")
	cedarService   = cedar.EntityType("Service")
)

func cedarUID(t cedar.EntityType, id string) cedar.EntityUID {
	return cedar.NewEntityUID(t, types.String(id))
}

func cedarServiceUID(r *Request) cedar.EntityUID { return cedarUID(cedarService, r.Service) }

package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"

	"portcullis/edge/waist"
)

// All Rego policies say "package acp.authz". To live in one compiler each module is moved to a package of its own,
// data.portcullis["<policy id>"], and what it says about data.acp.authz is moved along. References to any other data
// are refused: a policy sees its input and itself.

// regoSet is the Rego policies of one Set. One compiler holds all of them, which costs a fifth of the memory of one
// each and half the time. But a thousand of them take a good part of a second, and no request is to wait for that: a
// policy is compiled alone when it is first used, and once there are a few of those, Settle compiles the whole between
// two requests. Where nobody calls Settle, the whole comes when there are very many.
type regoSet struct {
	mu       sync.Mutex
	sources  []waist.Policy // never changed after prepare
	alone    map[string]*regoPolicy
	together atomic.Pointer[map[string]*regoPolicy]
	settling atomic.Bool // the whole is being compiled, by settle
}

const (
	fewAlone  = 4  // as many may stay as they are
	manyAlone = 64 // more are not compiled alone: they would take several times the memory
)

// regoPolicy is one compiled module. err says why there is none.
type regoPolicy struct {
	err       string
	compiler  *ast.Compiler
	query     ast.Body // binds regoResult to allow, or to the whole package when there are outputs
	outputs   bool
	reads     Reads
	spellings []string // of header names that the module writes itself; see regoInput
	quick     bool     // calls quickBuiltins only
	stuck     atomic.Int32
}

const regoResult = ast.Var("result")

var regoPackage = ast.Ref{ast.DefaultRootDocument, ast.StringTerm("acp"), ast.StringTerm("authz")}

func (r *regoSet) prepare(entries map[string]*entry) {
	for _, e := range entries {
		if e.policy.Language == waist.LanguageRego && e.err == "" {
			r.sources = append(r.sources, e.policy)
		}
	}
	slices.SortFunc(r.sources, byID)
}

func byID(a, b waist.Policy) int { return strings.Compare(a.ID, b.ID) }

// get returns the compiled policy, nil when there is none with this id.
func (r *regoSet) get(id string) *regoPolicy {
	if all := r.together.Load(); all != nil {
		return (*all)[id]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if all := r.together.Load(); all != nil {
		return (*all)[id]
	}
	if p, ok := r.alone[id]; ok {
		return p
	}
	if len(r.sources) <= fewAlone || len(r.alone) >= manyAlone && !r.settling.Load() {
		return r.compileAll()[id]
	}
	i, ok := slices.BinarySearchFunc(r.sources, id, func(p waist.Policy, id string) int { return strings.Compare(p.ID, id) })
	if !ok {
		return nil
	}
	if r.alone == nil {
		r.alone = make(map[string]*regoPolicy, fewAlone)
	}
	r.alone[id] = compileRego(r.sources[i:i+1], regoOptions{})[id]
	return r.alone[id]
}

// compileAll is called with the lock held. The policies compiled alone are dropped; requests that still evaluate one
// keep it.
func (r *regoSet) compileAll() map[string]*regoPolicy {
	all := compileRego(r.sources, regoOptions{})
	r.together.Store(&all)
	r.alone = nil
	return all
}

func (r *regoSet) warm() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.together.Load() == nil {
		r.compileAll()
	}
}

func (r *regoSet) crowded() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.alone) > fewAlone
}

// settle compiles the whole when more than a few policies were compiled alone. Requests do not wait meanwhile.
func (r *regoSet) settle() {
	if !r.crowded() || !r.settling.CompareAndSwap(false, true) {
		return
	}
	all := compileRego(r.sources, regoOptions{})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.together.Load() == nil {
		r.together.Store(&all)
		r.alone = nil
	}
}

// regoOptions says how modules are compiled.
type regoOptions struct {
	prints bool // keep print calls; the test bench only
}

// compileRego compiles all modules with one compiler. OPA's compiler fails as a whole, so modules with errors are
// taken out and the rest is compiled again; when the errors do not say which module they are of, every remaining
// module is tried alone.
func compileRego(policies []waist.Policy, opts regoOptions) map[string]*regoPolicy {
	out := make(map[string]*regoPolicy, len(policies))
	modules := make(map[string]*ast.Module, len(policies))
	for i := range policies {
		p := &policies[i]
		m, ps := parseRego(p)
		if len(ps) > 0 {
			out[p.ID] = &regoPolicy{err: ps[0].String()}
			continue
		}
		modules[p.ID] = m
	}
	for alone := false; len(modules) > 0; alone = true {
		c := newRegoCompiler(opts)
		problem := compileModules(c, modules)
		if problem == "" {
			for id := range modules {
				out[id] = newRegoPolicy(c, id)
			}
			return out
		}
		culprits := map[string]string{}
		for _, err := range c.Errors {
			if err.Location != nil {
				if _, ok := modules[err.Location.File]; ok && culprits[err.Location.File] == "" {
					culprits[err.Location.File] = regoProblem(err).String()
				}
			}
		}
		if alone || len(culprits) == 0 {
			culprits = compileApart(modules, opts)
		}
		if len(culprits) == 0 { // they fail only together, which separate packages rule out
			for id := range modules {
				out[id] = &regoPolicy{err: "the policy does not compile together with the others"}
			}
			return out
		}
		for id, err := range culprits {
			out[id] = &regoPolicy{err: err}
			delete(modules, id)
		}
	}
	return out
}

// compileApart finds the modules that do not compile, each alone.
func compileApart(modules map[string]*ast.Module, opts regoOptions) map[string]string {
	culprits := map[string]string{}
	for id, m := range modules {
		c := newRegoCompiler(opts)
		if problem := compileModules(c, map[string]*ast.Module{id: m}); problem != "" {
			culprits[id] = problem
		}
	}
	return culprits
}

// compileModules returns the first problem, also when the compiler panics.
func compileModules(c *ast.Compiler, modules map[string]*ast.Module) (problem string) {
	defer func() {
		if x := recover(); x != nil {
			problem = "the compiler panicked"
		}
	}()
	c.Compile(modules)
	if c.Failed() {
		return regoProblem(c.Errors[0]).String()
	}
	return ""
}

func newRegoCompiler(opts regoOptions) *ast.Compiler {
	return ast.NewCompiler().
		WithCapabilities(regoCapabilities()).
		WithEnablePrintStatements(opts.prints)
}

// parseRego parses one module and moves it into its own package. The version is v1 unless the policy says v0 or only
// v0 parses.
func parseRego(p *waist.Policy) (m *ast.Module, ps []Problem) {
	defer func() {
		if x := recover(); x != nil {
			m, ps = nil, []Problem{{Path: "definition", Message: "the parser gave up"}}
		}
	}()
	if len(p.Definition) > maxDefinitionBytes {
		return nil, []Problem{{Path: "definition", Message: fmt.Sprintf("the definition has %d bytes; %d are allowed", len(p.Definition), maxDefinitionBytes)}}
	}
	versions := []ast.RegoVersion{ast.RegoV1, ast.RegoV0}
	switch p.EnvVersion {
	case "":
	case "v0", "rego_v0", "0":
		versions = versions[1:]
	case "v1", "rego_v1", "1":
		versions = versions[:1]
	default:
		return nil, []Problem{{Path: "env_version", Message: fmt.Sprintf("unknown Rego version %q; known are v0 and v1", p.EnvVersion)}}
	}
	var errs []error
	for _, v := range versions {
		m, err := ast.ParseModuleWithOpts(p.ID, p.Definition, ast.ParserOptions{RegoVersion: v, Capabilities: regoCapabilities()})
		if err == nil && m == nil {
			err = errors.New("the definition is empty; it must start with: package acp.authz")
		}
		if err == nil {
			return m, moveModule(m, p.ID)
		}
		errs = append(errs, err)
	}
	// A module that is wrong in both versions is most likely meant as v1, unless what v1 misses first is its keywords.
	if len(errs) > 1 && needsV0(errs[0]) {
		return nil, regoProblems(errs[1])
	}
	return nil, regoProblems(errs[0])
}

// newRegoPolicy prepares the query of one module of a compiler.
func newRegoPolicy(c *ast.Compiler, id string) *regoPolicy {
	p := &regoPolicy{compiler: c}
	m := c.Modules[id]
	hasAllow := false
	for _, r := range m.Rules {
		name, _ := r.Head.Ref()[0].Value.(ast.Var)
		switch {
		case len(r.Head.Args) > 0:
		case name == "allow":
			hasAllow = true
		default:
			p.outputs = true
		}
	}
	ref := movedPackage(id)
	if !p.outputs {
		ref = ref.Append(ast.InternedTerm("allow"))
	}
	if !hasAllow {
		p.err = `the policy has no rule "allow"; without one nobody gets in`
	}
	p.query = ast.NewBody(ast.Equality.Expr(ast.NewTerm(regoResult), ast.NewTerm(ref)))
	p.reads, p.spellings = regoReads(m)
	p.quick = quickModule(m)
	return p
}

// movedPackage is data.portcullis["<id>"].
func movedPackage(id string) ast.Ref {
	return ast.Ref{ast.DefaultRootDocument, ast.InternedTerm("portcullis"), ast.StringTerm(id)}
}

func (s *Set) evaluateRego(e *env, policyID string) Result {
	p := s.rego.get(policyID)
	if p == nil || p.err != "" {
		details := ""
		if p != nil {
			details = p.err
		}
		return failed(ReasonInvalid, policyID, "the policy does not compile", details)
	}
	return p.evaluate(e, policyID, s.timeout, func(*topdown.Query) {})
}

// evaluate runs the query. Only a result that is exactly true, without any error on the way, allows.
//
// The deadline cancels the query between two steps. A single step that takes long (a product of huge numbers) cannot
// be interrupted, so a policy that calls anything but quickBuiltins runs in a goroutine of its own, which is left
// behind after a grace period; a policy with maxStuck such runs is not started again before one of them ends.
func (p *regoPolicy) evaluate(e *env, policyID string, timeout time.Duration, configure func(*topdown.Query)) Result {
	if p.stuck.Load() >= maxStuck {
		return failed(ReasonTimeout, policyID, "earlier evaluations of this policy have not ended yet", "")
	}
	cancel := topdown.NewCancel()
	q := topdown.NewQuery(p.query).
		WithCompiler(p.compiler).
		WithStore(noData{}).
		WithInput(ast.NewTerm(regoInput(e.in, &p.reads, p.spellings))).
		WithTime(e.now).
		WithSeed(noRandom{}).
		WithMetrics(metrics.NoOp()).
		WithCancel(cancel).
		WithStrictBuiltinErrors(true)
	configure(q)
	if p.quick {
		timer := time.AfterFunc(timeout, cancel.Cancel)
		defer timer.Stop()
		if e.ctx.Done() != nil {
			defer context.AfterFunc(e.ctx, cancel.Cancel)()
		}
		return p.run(q, cancel, policyID)
	}
	done := make(chan Result, 1)
	p.stuck.Add(1)
	go func() {
		defer p.stuck.Add(-1)
		defer func() {
			if x := recover(); x != nil {
				done <- failed(ReasonError, policyID, "the evaluation panicked", fmt.Sprintf("%T", x))
			}
		}()
		done <- p.run(q, cancel, policyID)
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case r := <-done:
		return r
	case <-timer.C:
	case <-e.ctx.Done():
	}
	cancel.Cancel()
	timer.Reset(graceAfterCancel)
	select {
	case r := <-done:
		return r
	case <-timer.C:
		return failed(ReasonTimeout, policyID, "the evaluation could not be stopped at its deadline", "")
	}
}

const (
	maxStuck         = 64 // counts the runs under way as well: an authorizer runs one, a portal a few
	graceAfterCancel = 20 * time.Millisecond
)

// run evaluates the query. Its context never ends: topdown looks at cancel.
func (p *regoPolicy) run(q *topdown.Query, cancel topdown.Cancel, policyID string) Result {
	results, err := q.Run(context.Background())
	switch {
	case cancel.Cancelled() || topdown.IsCancel(err):
		return failed(ReasonTimeout, policyID, "the evaluation was stopped at its deadline", "")
	case err != nil:
		return failed(ReasonError, policyID, "the evaluation failed", regoError(err))
	case len(results) == 0:
		return failed(ReasonDenied, policyID, `"allow" is undefined`, "no rule allow holds and there is no default")
	case len(results) > 1:
		return failed(ReasonError, policyID, `"allow" has more than one value`, "")
	}
	return p.result(results[0][regoResult], policyID)
}

func (p *regoPolicy) result(term *ast.Term, policyID string) Result {
	allow := term
	var r Result
	if p.outputs {
		doc, ok := term.Value.(ast.Object)
		if !ok {
			return failed(ReasonError, policyID, "the policy's package is not an object", "")
		}
		allow = doc.Get(ast.InternedTerm("allow"))
		r.Output = regoOutput(doc)
	}
	if allow == nil {
		denied := failed(ReasonDenied, policyID, `"allow" is undefined`, "no rule allow holds and there is no default")
		denied.Output = r.Output
		return denied
	}
	switch b, ok := allow.Value.(ast.Boolean); {
	case !ok:
		r.Reason = ReasonError
		r.Failures = failed(ReasonError, policyID, `"allow" is not true or false`, "it is of type "+ast.ValueName(allow.Value)).Failures
	case bool(b):
		r.Decision = Allow
	default:
		r.Reason = ReasonDenied
		r.Failures = failed(ReasonDenied, policyID, `"allow" is false`, "").Failures
	}
	return r
}

// regoOutput is every rule of the package but allow, as JSON: sets become sorted lists.
func regoOutput(doc ast.Object) map[string]any {
	out := map[string]any{}
	doc.Foreach(func(k, v *ast.Term) {
		name, ok := k.Value.(ast.String)
		if !ok || name == "allow" {
			return
		}
		if x, err := ast.JSON(v.Value); err == nil {
			out[string(name)] = x
		}
	})
	if len(out) == 0 {
		return nil
	}
	return out
}

// regoError is an evaluation error without values of the input: OPA's built-in errors may quote what they choked on.
func regoError(err error) string {
	var te *topdown.Error
	if !errors.As(err, &te) {
		return "internal error"
	}
	where := ""
	if te.Location != nil {
		where = fmt.Sprintf(" at line %d, column %d", te.Location.Row, te.Location.Col)
	}
	return te.Code + where
}

// noData is the empty data document.
type noData struct{ storage.Store }

func (noData) Read(context.Context, storage.Transaction, storage.Path) (any, error) {
	return nil, &storage.Error{Code: storage.NotFoundErr, Message: "a policy has no data"}
}

// noRandom fails: the same input gives the same decision. The random built-ins are not in the capabilities either.
type noRandom struct{}

func (noRandom) Read([]byte) (int, error) { return 0, errors.New("a policy has no random numbers") }

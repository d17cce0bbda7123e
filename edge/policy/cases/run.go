package cases

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"portcullis/edge/policy"
	"portcullis/edge/waist"
)

// Options of a run.
type Options struct {
	// Policies are those of the workspace; policies in the file shadow them.
	Policies []waist.Policy
	// Timeout is the deadline of one evaluation; zero means ten seconds, so that a slow machine fails no test.
	Timeout time.Duration
	// Cover asks for coverage, Explain for an explanation of every case; either takes further evaluations of each.
	Cover, Explain bool
}

// Report is the outcome of a run.
type Report struct {
	Results  []CaseResult     `json:"results"`
	Problems []PolicyProblem  `json:"problems,omitempty"` // of the policies in the file
	Warnings []PolicyProblem  `json:"warnings,omitempty"` // of the same, and no failures
	Coverage []PolicyCoverage `json:"coverage,omitempty"` // by policy id, of the policies that have cases
}

// CaseResult is what became of one case. Mismatch is empty when it passed.
type CaseResult struct {
	Name        string             `json:"name"`
	Policy      string             `json:"policy"`
	Line        int                `json:"line"`
	Mismatch    string             `json:"mismatch,omitempty"`
	Result      policy.Result      `json:"-"`
	Explanation policy.Explanation `json:"-"` // when it was asked for
	Duration    time.Duration      `json:"duration"`
}

// PolicyProblem is something wrong with a policy of the file itself.
type PolicyProblem struct {
	Policy  string `json:"policy"`
	Message string `json:"message"`
}

// PolicyCoverage counts the parts of a policy (rows, rules, statements) that held in one case at least and that did
// not hold in one case at least. Both must be shown for a part to be tested.
type PolicyCoverage struct {
	Policy string   `json:"policy"`
	Parts  int      `json:"parts"`
	Held   int      `json:"held"`
	Failed int      `json:"failed"`
	Missed []string `json:"missed,omitempty"` // "validators[0].conf.fields[1] never failed"
}

// Failed reports whether anything did not go as expected; it is the exit status.
func (r *Report) Failed() bool {
	return len(r.Problems) > 0 || slices.ContainsFunc(r.Results, func(c CaseResult) bool { return c.Mismatch != "" })
}

// Run evaluates every case of the file. The error is for a file that cannot be run at all.
func Run(ctx context.Context, f *File, opts Options) (*Report, error) {
	own, err := f.policies()
	if err != nil {
		return nil, err
	}
	all := map[string]waist.Policy{}
	for _, p := range opts.Policies {
		all[p.ID] = p
	}
	for _, p := range own {
		all[p.ID] = p
	}
	if opts.Timeout <= 0 {
		opts.Timeout = 10 * time.Second
	}
	r := &Report{}
	others := func(id string) (waist.Policy, bool) { p, ok := all[id]; return p, ok }
	for _, p := range own {
		problems, warnings := checkPolicy(p, f.Policies[p.ID], policy.CheckOptions{Others: others, CedarSchema: f.CedarSchema})
		r.Problems, r.Warnings = append(r.Problems, problems...), append(r.Warnings, warnings...)
	}
	set := policy.Compile(slices.Collect(maps.Values(all)), policy.Options{Timeout: opts.Timeout})
	cover := map[string]*coverage{}
	for i := range f.Cases {
		c := &f.Cases[i]
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		res := f.run(ctx, set, c, opts.Cover || opts.Explain)
		if opts.Cover && res.Explanation.Steps != nil {
			if cover[c.Policy] == nil {
				cover[c.Policy] = &coverage{held: map[string]bool{}, failed: map[string]bool{}}
			}
			cover[c.Policy].add(res.Explanation.Steps)
		}
		r.Results = append(r.Results, res)
	}
	for _, id := range slices.Sorted(maps.Keys(cover)) {
		r.Coverage = append(r.Coverage, cover[id].report(id))
	}
	return r, nil
}

func checkPolicy(p waist.Policy, src Policy, o policy.CheckOptions) (out, warnings []PolicyProblem) {
	add := func(format string, args ...any) {
		out = append(out, PolicyProblem{Policy: p.ID, Message: fmt.Sprintf(format, args...)})
	}
	var errs []string
	for _, problem := range policy.CheckWith(p, o) {
		if problem.Warning {
			warnings = append(warnings, PolicyProblem{Policy: p.ID, Message: problem.String()})
			continue
		}
		errs = append(errs, problem.String())
	}
	for i := range max(len(errs), len(src.Check)) {
		switch {
		case i >= len(src.Check):
			add("%s", errs[i])
		case i >= len(errs):
			add("the check finds no problem, expected %q", src.Check[i])
		case !strings.Contains(errs[i], src.Check[i]):
			add("the check says %q, expected %q", errs[i], src.Check[i])
		}
	}
	if src.Reads != nil {
		want := slices.Sorted(slices.Values(*src.Reads))
		if got := policy.Inputs(p, o.Others).List(); !slices.Equal(got, want) {
			add("reads %q, expected %q", got, want)
		}
	}
	return out, warnings
}

func (f *File) run(ctx context.Context, set *policy.Set, c *Case, explain bool) CaseResult {
	res := CaseResult{Name: c.Name, Policy: c.Policy, Line: c.line}
	if res.Name == "" {
		res.Name = fmt.Sprintf("line %d", c.line)
	}
	in, err := f.input(c)
	if err != nil {
		res.Mismatch = err.Error()
		return res
	}
	start := time.Now()
	res.Result = set.Evaluate(ctx, c.Policy, in)
	res.Duration = time.Since(start)
	if explain {
		res.Explanation = set.Explain(ctx, c.Policy, in)
	}
	res.Mismatch = c.mismatch(res.Result)
	return res
}

// mismatch says how the result differs from what the case expects, with the reasons that the policy gave.
func (c *Case) mismatch(r policy.Result) string {
	want := policy.Deny
	if c.Allow {
		want = policy.Allow
	}
	reason := c.Reason
	if reason == "" && !c.Allow {
		reason = policy.ReasonDenied
	}
	switch {
	case r.Decision != want || r.Reason != reason:
		return strings.TrimSpace(fmt.Sprintf("got %s %s, expected %s %s; %s", r.Decision, r.Reason, want, reason, failureText(r)))
	case c.Failure != "" && !strings.Contains(failureText(r), c.Failure):
		return fmt.Sprintf("the failures are %q, expected one with %q", failureText(r), c.Failure)
	case c.Output != nil && !sameJSON(c.Output, r.Output):
		return fmt.Sprintf("the output is %v, expected %v", r.Output, c.Output)
	}
	return ""
}

func failureText(r policy.Result) string {
	var parts []string
	for _, f := range r.Failures {
		parts = append(parts, strings.TrimSpace(f.Validator+": "+f.Message+" "+f.Details))
	}
	return strings.Join(parts, "; ")
}

func sameJSON(a, b any) bool {
	var values [2]any
	for i, v := range [...]any{a, b} {
		text, err := json.Marshal(v)
		if err != nil || json.Unmarshal(text, &values[i]) != nil {
			return false
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}

// coverage collects which parts of a policy held and failed.
type coverage struct {
	parts        []string
	held, failed map[string]bool
}

func (c *coverage) add(steps []policy.Step) {
	for _, s := range steps {
		if len(s.Steps) > 0 {
			c.add(s.Steps)
			continue
		}
		name := s.Path
		if s.Line > 0 {
			name = fmt.Sprintf("%s (line %d)", s.Path, s.Line)
		}
		if !slices.Contains(c.parts, name) {
			c.parts = append(c.parts, name)
		}
		if s.Outcome == policy.Holds {
			c.held[name] = true
		} else {
			c.failed[name] = true
		}
	}
}

func (c *coverage) report(id string) PolicyCoverage {
	r := PolicyCoverage{Policy: id, Parts: len(c.parts), Held: len(c.held), Failed: len(c.failed)}
	for _, p := range c.parts {
		if !c.held[p] {
			r.Missed = append(r.Missed, p+" never held")
		}
		if !c.failed[p] {
			r.Missed = append(r.Missed, p+" never failed")
		}
	}
	return r
}

// Percent is the covered share of parts and outcomes, 0 to 100.
func (c PolicyCoverage) Percent() int {
	if c.Parts == 0 {
		return 0
	}
	return (c.Held + c.Failed) * 100 / (2 * c.Parts)
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
}

// Suite is the report of one file, under the name of the file.
type Suite struct {
	Name   string
	Report *Report
}

// WriteJUnit writes reports as JUnit test suites, one for each file, which every CI system reads. Problems of policies
// count as failed cases.
func WriteJUnit(w io.Writer, suites []Suite) error {
	all := struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}{}
	for _, s := range suites {
		all.Suites = append(all.Suites, s.Report.junit(s.Name))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (r *Report) junit(name string) junitSuite {
	suite := junitSuite{Name: name}
	var total time.Duration
	add := func(class, name string, d time.Duration, failure string) {
		c := junitCase{Class: class, Name: name, Time: seconds(d)}
		if failure != "" {
			c.Failure = &junitFailure{Message: failure}
			suite.Failures++
		}
		suite.Tests++
		total += d
		suite.Cases = append(suite.Cases, c)
	}
	for _, p := range r.Problems {
		add(p.Policy, "check", 0, p.Message)
	}
	for _, c := range r.Results {
		add(c.Policy, c.Name, c.Duration, c.Mismatch)
	}
	suite.Time = seconds(total)
	return suite
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"portcullis/edge/policy/cases"
	"portcullis/edge/waist"
)

type policyCmd struct {
	Test policyTestCmd `cmd:"" help:"Run files of cases: what each policy decides about given requests."`
}

// policyTestCmd evaluates offline, with the code of the authorizer.
type policyTestCmd struct {
	Files    []string `arg:"" name:"cases" help:"Files of cases (YAML); docs/reference/policies.md describes them."`
	Policies string   `placeholder:"FILE" help:"Policies by id (YAML), as they stand under policies in a file of cases, for all files; a file's own come first."`
	Cover    bool     `help:"Print which validators, rules and statements no case has shown to hold, or to fail."`
	Explain  bool     `short:"v" help:"Print of every case what decided and what it saw (secrets redacted), the outputs and the duration."`
	Junit    string   `placeholder:"FILE" help:"Write a JUnit report, one suite for each file."`
}

// The exit statuses of portcullis policy test besides 0.
const (
	casesFailed     = 1
	casesUnreadable = 2
)

// Run reads everything before it runs anything: a report of half the files would look like one of all.
func (c *policyTestCmd) Run(ctx context.Context, o *output) error {
	shared, files, err := c.read()
	if err != nil {
		return &failure{err, casesUnreadable}
	}
	var suites []cases.Suite
	total, failed := 0, 0
	for i, f := range files {
		r, err := cases.Run(ctx, f, cases.Options{Policies: shared, Cover: c.Cover, Explain: c.Explain})
		if err != nil {
			return &failure{fmt.Errorf("%s: %w", c.Files[i], err), casesUnreadable}
		}
		total += len(r.Results)
		failed += c.print(o.out, c.Files[i], r)
		suites = append(suites, cases.Suite{Name: c.Files[i], Report: r})
	}
	if c.Junit != "" {
		if err := writeFile(c.Junit, func(w io.Writer) error { return cases.WriteJUnit(w, suites) }); err != nil {
			return &failure{fmt.Errorf("the JUnit report was not written: %w", err), casesUnreadable}
		}
	}
	if failed > 0 {
		return &failure{fmt.Errorf("%d problems in %d cases of %d files", failed, total, len(files)), casesFailed}
	}
	return nil
}

func (c *policyTestCmd) read() (shared []waist.Policy, files []*cases.File, err error) {
	if c.Policies != "" {
		src, err := os.ReadFile(c.Policies)
		if err != nil {
			return nil, nil, err
		}
		if shared, err = cases.ParsePolicies(src); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", c.Policies, err)
		}
	}
	for _, name := range c.Files {
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, err
		}
		f, err := cases.Parse(src)
		if err == nil && len(f.Cases) == 0 && len(f.Policies) == 0 {
			err = errors.New("there are no cases in it")
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		files = append(files, f)
	}
	return shared, files, nil
}

// print writes what became of a file, and returns how many problems there were.
func (c *policyTestCmd) print(w io.Writer, name string, r *cases.Report) int {
	failed := 0
	for _, p := range r.Problems {
		failed++
		fmt.Fprintf(w, "FAIL %s: policy %s: %s\n", name, p.Policy, p.Message)
	}
	for _, p := range r.Warnings {
		fmt.Fprintf(w, "warn %s: policy %s: %s\n", name, p.Policy, p.Message)
	}
	for _, x := range r.Results {
		if c.Explain {
			explain(w, name, x)
		}
		if x.Mismatch != "" {
			failed++
			fmt.Fprintf(w, "FAIL %s:%d: %s (policy %s): %s\n", name, x.Line, x.Name, x.Policy, x.Mismatch)
		}
	}
	if failed == 0 {
		fmt.Fprintf(w, "ok   %s: %d cases\n", name, len(r.Results))
	}
	for _, p := range r.Coverage {
		fmt.Fprintf(w, "     %s: policy %s: %d%% covered\n", name, p.Policy, p.Percent())
		for _, m := range p.Missed {
			fmt.Fprintf(w, "       %s\n", m)
		}
	}
	return failed
}

// explain writes how one case was decided.
func explain(w io.Writer, name string, c cases.CaseResult) {
	outcome := c.Result.Decision.String()
	if c.Result.Reason != "" {
		outcome += " (" + c.Result.Reason + ")"
	}
	fmt.Fprintf(w, "     %s:%d: %s (policy %s): %s in %v\n", name, c.Line, c.Name, c.Policy, outcome, c.Explanation.Duration)
	for _, s := range c.Explanation.Decided {
		at := s.Path
		if s.Line > 0 {
			at = fmt.Sprintf("%s (line %d)", at, s.Line)
		}
		fmt.Fprintf(w, "       %s %s: %s\n", at, s.Outcome, s.Message)
	}
	for _, line := range c.Explanation.Prints {
		fmt.Fprintf(w, "       print: %s\n", line)
	}
	for _, key := range slices.Sorted(maps.Keys(c.Result.Output)) {
		value, err := json.Marshal(c.Result.Output[key])
		if err != nil {
			value = []byte(err.Error())
		}
		fmt.Fprintf(w, "       output %s: %s\n", key, value)
	}
}

// writeFile writes a file whole, or says why not.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	err = write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

package admin

import (
	"context"
	"time"

	"portcullis/control"
	"portcullis/edge/policy"
	"portcullis/edge/policy/cases"
	"portcullis/edge/waist"
)

// Limits of a file of cases that is run here; `portcullis policy test` runs larger ones.
const (
	maxCasesBytes = 256 << 10
	maxCasesRun   = 500
	casesTime     = 10 * time.Second
)

// RunPolicyCases runs a YAML file of cases against p as it is given, saved or not, beside the policies of its workspace.
// A case that names no policy is one of p.
func (a *Admin) RunPolicyCases(ctx context.Context, actor control.Actor, p control.Policy, text string) (control.PolicyCases, error) {
	var out control.PolicyCases
	if err := a.allow(actor, "RunPolicyCases", p.ServerID); err != nil {
		return out, err
	}
	if _, err := a.GetWorkspace(ctx, actor, p.ServerID); err != nil {
		return out, err
	}
	policyDefaults(&p)
	if err := control.ValidatePolicy(p); err != nil {
		return out, err
	}
	refuse := func(format string, args ...any) error {
		e := control.Errorf(control.Invalid, "invalid_cases", "the cases cannot be run")
		e.Fields = map[string]string{"cases": control.Errorf(control.Invalid, "", format, args...).Message}
		return e
	}
	if len(text) > maxCasesBytes {
		return out, refuse("are %d bytes; %d are run here: use portcullis policy test", len(text), maxCasesBytes)
	}
	file, err := cases.Parse([]byte(text))
	if err != nil {
		return out, refuse("%v", err)
	}
	if len(file.Cases) > maxCasesRun {
		return out, refuse("are %d; %d are run here: use portcullis policy test", len(file.Cases), maxCasesRun)
	}
	for i := range file.Cases {
		if file.Cases[i].Policy == "" {
			file.Cases[i].Policy = p.ID
		}
	}
	w, err := a.warner(ctx, actor.TenantID, p.ServerID)
	if err != nil {
		return out, err
	}
	if err := problems(policy.Check(p, w.byID.get)); err != nil {
		return out, err
	}
	if p.Language == waist.LanguageCedar {
		if err := fits(p, file.CedarSchema); err != nil {
			return out, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, casesTime)
	defer cancel()
	report, err := cases.Run(ctx, file, cases.Options{Policies: w.byID.with(p), Timeout: time.Second, Cover: true})
	if err != nil {
		return out, refuse("%v", err)
	}
	for _, problem := range report.Problems {
		out.Failed++
		out.Cases = append(out.Cases, control.PolicyCase{Name: "policy " + problem.Policy, Mismatch: problem.Message})
	}
	for _, c := range report.Results {
		if c.Mismatch == "" {
			out.Passed++
		} else {
			out.Failed++
		}
		out.Cases = append(out.Cases, control.PolicyCase{Name: c.Name, Line: c.Line, Mismatch: c.Mismatch})
	}
	for _, c := range report.Coverage {
		if c.Policy == p.ID {
			out.Parts, out.Held, out.Refuted, out.Missed = c.Parts, c.Held, c.Failed, c.Missed
		}
	}
	return out, nil
}

package portal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"portcullis/control"
)

// maxHistory is how many versions of a policy its page lists; the audit has the rest.
const maxHistory = 20

// history is what happened to a policy, newest first, out of the audit.
func (p *portal) history(r *request, policy string, limit int) ([]control.AuditEvent, error) {
	return p.admin.ListAudit(r.ctx(), r.actor, r.wid(), control.AuditFilter{Subjects: []string{"policy"}, TargetID: policy, Limit: limit})
}

// policyVersion shows one version of a policy: what it changed, or what restoring it would change.
func (p *portal) policyVersion(r *request) error {
	pol, err := r.policy()
	if err != nil {
		return err
	}
	e, err := p.admin.GetAudit(r.ctx(), r.actor, r.wid(), clip(r.PathValue("event"), 128))
	if err != nil && control.KindOf(err) != control.NotFound {
		return err
	}
	if err != nil || e.Subject != "policy" || e.TargetID != pol.ID || len(e.After) == 0 {
		return control.Errorf(control.NotFound, "", "The audit has no such version of this policy.")
	}
	v := versionPage{policy: pol, event: e, present: r.query("against") == "present"}
	if v.name, v.text, err = versionText(pol, e.After); err != nil {
		return fmt.Errorf("read version %s of policy %s: %w", e.ID, pol.ID, err)
	}
	now, err := pageOf(pol)
	if err != nil {
		return err
	}
	v.same = now.form.text == v.text && now.form.name == v.name
	if v.present {
		v.diff = diffLines(now.form.text, v.text)
		v.renamed = [2]string{now.form.name, v.name}
	} else {
		oldName, oldText, err := versionText(pol, e.Before)
		if err != nil {
			return fmt.Errorf("read what was before version %s of policy %s: %w", e.ID, pol.ID, err)
		}
		v.diff = diffLines(oldText, v.text)
		v.renamed = [2]string{oldName, v.name}
	}
	return r.render(http.StatusOK, versionView(r.frame(nameOr(pol.PolicyName, pol.ID), "policies"), clock{p.now()}, v))
}

// versionText is the name and the text of a policy as the audit has kept it; "" for none.
func versionText(pol control.Policy, kept []byte) (name, text string, err error) {
	if len(kept) == 0 {
		return "", "", nil
	}
	old := control.Policy{ID: pol.ID, ServerID: pol.ServerID, Language: pol.Language, Type: pol.Type}
	if err := json.Unmarshal(kept, &old); err != nil {
		return "", "", err
	}
	page, err := pageOf(old)
	return page.form.name, page.form.text, err
}

// diffLine is one line of a comparison: ' ' in both, '-' in the first, '+' in the second, '…' for lines left out.
type diffLine struct {
	sign rune
	text string
}

// Limits of a comparison.
const (
	maxDiffWork = 4_000_000 // product of the lines that differ; more are shown as taken out and put in as a whole
	diffContext = 3         // lines around a change
)

// diffLines compares two texts line by line; nothing where they are the same.
func diffLines(a, b string) []diffLine {
	x, y := splitLines(a), splitLines(b)
	start := 0
	for start < len(x) && start < len(y) && x[start] == y[start] {
		start++
	}
	end := 0
	for end < len(x)-start && end < len(y)-start && x[len(x)-1-end] == y[len(y)-1-end] {
		end++
	}
	if start+end == len(x) && start+end == len(y) {
		return nil
	}
	var out []diffLine
	for _, l := range x[:start] {
		out = append(out, diffLine{' ', l})
	}
	out = append(out, changedLines(x[start:len(x)-end], y[start:len(y)-end])...)
	for _, l := range x[len(x)-end:] {
		out = append(out, diffLine{' ', l})
	}
	return folded(out)
}

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// changedLines is the shortest way from x to y by a longest common subsequence.
func changedLines(x, y []string) []diffLine {
	var out []diffLine
	if len(x)*len(y) > maxDiffWork {
		for _, l := range x {
			out = append(out, diffLine{'-', l})
		}
		for _, l := range y {
			out = append(out, diffLine{'+', l})
		}
		return out
	}
	// common[i][j] is how many lines x[i:] and y[j:] have in common.
	width := len(y) + 1
	common := make([]int32, (len(x)+1)*width)
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(x) || j < len(y) {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			out = append(out, diffLine{' ', x[i]})
			i, j = i+1, j+1
		case j == len(y) || i < len(x) && common[(i+1)*width+j] >= common[i*width+j+1]:
			out = append(out, diffLine{'-', x[i]})
			i++
		default:
			out = append(out, diffLine{'+', y[j]})
			j++
		}
	}
	return out
}

// folded leaves out what is far from any change.
func folded(all []diffLine) []diffLine {
	near := make([]bool, len(all))
	for i, l := range all {
		if l.sign == ' ' {
			continue
		}
		for k := max(0, i-diffContext); k < min(len(all), i+diffContext+1); k++ {
			near[k] = true
		}
	}
	var out []diffLine
	for i := 0; i < len(all); {
		if near[i] {
			out = append(out, all[i])
			i++
			continue
		}
		n := i
		for n < len(all) && !near[n] {
			n++
		}
		out = append(out, diffLine{'…', count(n-i, "line", "lines")})
		i = n
	}
	return out
}

// diffKind is the class of a line.
func (l diffLine) kind() string {
	switch l.sign {
	case '+':
		return "put"
	case '-':
		return "cut"
	case '…':
		return "gap"
	}
	return ""
}

// spokenSign is a line's sign for screen readers.
func (l diffLine) spoken() string {
	switch l.sign {
	case '+':
		return "added: "
	case '-':
		return "removed: "
	}
	return ""
}

package apigateway

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
)

// importAPIKeys reads keys from CSV: the first line names the columns, of which "name" and "key" must be there and
// "description", "enabled", "usageplanIds" may. A row that cannot be used is a warning.
// Source: Developer Guide, "API Gateway API key file format".
func (s *Service) importAPIKeys(q *request) (any, error) {
	if format := q.query.Get("format"); format != "csv" {
		return nil, validation("1 validation error detected: Value '" + format + "' at 'format' failed to satisfy constraint: Member must satisfy enum value set: [csv]")
	}
	r := csv.NewReader(bytes.NewReader(q.Body))
	r.TrimLeadingSpace = true
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, badRequest("Unable to parse the API key file: it is no CSV with a line of column names")
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[strings.ToLower(strings.TrimSpace(name))] = i
	}
	value := func(row []string, name string) string {
		if i, ok := column[name]; ok && i < len(row) {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	if _, ok := column["key"]; !ok {
		return nil, badRequest("Unable to parse the API key file: there is no column 'key'")
	}
	strict := q.query.Get("failonwarnings") == "true"
	plans := map[string][]string{}
	ids, warnings := []string{}, []string{}
	for _, row := range rows[1:] {
		k := &apiKey{Name: value(row, "name"), Value: value(row, "key"), Description: value(row, "description"), Enabled: !strings.EqualFold(value(row, "enabled"), "false"), StageKeys: []string{}}
		if k.Value == "" {
			warnings = append(warnings, "API Key "+k.Name+" has no value")
			continue
		}
		if err := s.addKey(q.account, k); err != nil {
			warnings = append(warnings, "API Key "+k.Name+": "+err.Error())
			continue
		}
		ids = append(ids, k.ID)
		for plan := range strings.SplitSeq(value(row, "usageplanids"), ",") {
			switch plan = strings.TrimSpace(plan); {
			case plan == "":
			case q.account.usagePlans[plan] == nil:
				warnings = append(warnings, "API Key "+k.Name+": there is no usage plan "+plan)
			case !slices.Contains(plans[plan], k.ID):
				plans[plan] = append(plans[plan], k.ID)
			}
		}
	}
	if strict && len(warnings) > 0 { // nothing of it counts then
		for _, id := range ids {
			delete(q.account.keys, id)
		}
		return nil, badRequest("Warnings found during import: " + strings.Join(warnings, "; "))
	}
	for plan, keys := range plans {
		p := q.account.usagePlans[plan]
		p.keys = append(p.keys, keys...)
	}
	return map[string]any{"ids": ids, "warnings": warnings}, nil
}

package discover

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
)

// A deployment's summary says CUSTOM and not whose authorizer that is. Where a REST API has more authorizers than ours,
// the stage's export tells them apart: it is made from what is deployed.

// needsExport reports whether the summary alone could be misread: some deployed method is CUSTOM, and some authorizer is
// of another function.
func needsExport(a *API, s *Stage) bool {
	functions := map[string]bool{}
	for i := range a.Authorizers {
		functions[FunctionOf(a.Authorizers[i].URI)] = true
	}
	if len(functions) < 2 {
		return false
	}
	for _, verbs := range s.Deployed {
		for _, t := range verbs {
			if t == "CUSTOM" {
				return true
			}
		}
	}
	return false
}

// export reads the authorizer URI of every deployed method: path -> verb -> URI. A stage that cannot be exported (IAM,
// deleted) leaves Stage.URIs nil, which means "not known".
func (s *Scanner) export(ctx context.Context, base string, a *API, st *Stage) error {
	key := a.ID + "/" + st.DeploymentID
	if uris, known := s.exports[key]; known {
		st.URIs = uris
		return nil
	}
	call := s.get("GetExport", base+"/stages/"+url.PathEscape(st.Name)+"/exports/oas30")
	call.Query = url.Values{"extensions": {"authorizers"}}
	raw, err := s.Client.DoRaw(ctx, call, nil)
	if err != nil {
		if outOfTime(ctx, err) {
			return err
		}
		return nil
	}
	st.URIs = deployedURIs(raw)
	if st.URIs != nil {
		if s.exports == nil {
			s.exports = map[string]map[string]map[string]string{}
		}
		s.exports[key] = st.URIs
	}
	return nil
}

// deployedURIs reads an OpenAPI 3 export; nil when it is none.
func deployedURIs(raw []byte) map[string]map[string]string {
	var doc struct {
		Paths      map[string]map[string]json.RawMessage `json:"paths"`
		Components struct {
			Schemes map[string]struct {
				Authorizer struct {
					URI string `json:"authorizerUri"`
				} `json:"x-amazon-apigateway-authorizer"`
			} `json:"securitySchemes"`
		} `json:"components"`
	}
	if json.Unmarshal(raw, &doc) != nil || doc.Paths == nil {
		return nil
	}
	out := make(map[string]map[string]string, len(doc.Paths))
	for path, operations := range doc.Paths {
		for verb, rawOp := range operations {
			var op struct {
				Security []map[string]json.RawMessage `json:"security"`
			}
			if json.Unmarshal(rawOp, &op) != nil { // "parameters" is a list
				continue
			}
			for _, requirement := range op.Security {
				for scheme := range requirement {
					if uri := doc.Components.Schemes[scheme].Authorizer.URI; uri != "" {
						if out[path] == nil {
							out[path] = map[string]string{}
						}
						out[path][strings.ToUpper(verbName(verb))] = uri
					}
				}
			}
		}
	}
	return out
}

// DeployedOurs says whether a stage's deployed method asks the function; known is false when it cannot be told.
func (a *API) DeployedOurs(s *Stage, path, verb, functionARN string) (ours, known bool) {
	if s.Deployed[path][verb] != "CUSTOM" {
		return false, true
	}
	if s.URIs != nil {
		return FunctionOf(s.URIs[path][verb]) == Unqualified(functionARN), true
	}
	return !needsExport(a, s), !needsExport(a, s)
}

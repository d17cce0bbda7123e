package discover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"portcullis/aws/signed"
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

// export reads the authorizer URI of every deployed method: path -> verb -> URI. A stage that cannot be exported leaves
// Stage.URIs nil, which means "not known"; why, is among the problems of the scan, unless the stage is gone.
func (s *Scanner) export(ctx context.Context, base string, a *API, st *Stage) error {
	key := a.ID + "/" + st.DeploymentID
	if e, known := s.exports[key]; known {
		st.URIs, st.Caches = e.uris, e.caches
		return nil
	}
	call := s.get("GetExport", base+"/stages/"+url.PathEscape(st.Name)+"/exports/oas30")
	call.Query = url.Values{"extensions": {"authorizers"}}
	raw, err := s.Client.DoRaw(ctx, call, nil)
	if err != nil {
		if outOfTime(ctx, err) || signed.IsThrottled(err) {
			return err
		}
		if !signed.IsNotFound(err) {
			s.pass.unknown(a, st, err)
		}
		return nil
	}
	e := readExport(raw)
	if e.uris == nil {
		s.pass.unknown(a, st, errors.New("GetExport: the answer is no OpenAPI document"))
		return nil
	}
	st.URIs, st.Caches = e.uris, e.caches
	if s.exports == nil {
		s.exports = map[string]exported{}
	}
	s.exports[key] = e
	return nil
}

// unknown notes that it is not known whose authorizers a stage asks.
func (p *pass) unknown(a *API, st *Stage, err error) {
	text := fmt.Sprintf("REST API %s (%s), stage %s: it is not known whose authorizers are deployed: %v", a.Name, a.ID, st.Name, err)
	if !slices.Contains(p.problems, text) { // an API that the time ran out for is read again
		p.problems = append(p.problems, text)
	}
}

// exported is what an export says of authorizers.
type exported struct {
	uris   map[string]map[string]string // path -> verb -> authorizer URI
	caches map[string]Cache             // function -> how its answers are kept
}

// defaultTTL is API Gateway's for an authorizer that names none.
const defaultTTL = 300

// readExport reads an OpenAPI 3 export; its maps are nil when it is none.
func readExport(raw []byte) exported {
	var doc struct {
		Paths      map[string]map[string]json.RawMessage `json:"paths"`
		Components struct {
			Schemes map[string]struct {
				Authorizer struct {
					URI            string `json:"authorizerUri"`
					TTL            *int   `json:"authorizerResultTtlInSeconds"`
					IdentitySource string `json:"identitySource"`
				} `json:"x-amazon-apigateway-authorizer"`
			} `json:"securitySchemes"`
		} `json:"components"`
	}
	if json.Unmarshal(raw, &doc) != nil || doc.Paths == nil {
		return exported{}
	}
	caches := map[string]Cache{}
	for _, s := range doc.Components.Schemes {
		if z := s.Authorizer; z.URI != "" {
			c := Cache{TTL: defaultTTL, IdentitySource: z.IdentitySource}
			if z.TTL != nil {
				c.TTL = *z.TTL
			}
			if before, there := caches[FunctionOf(z.URI)]; !there || before.TTL < c.TTL {
				caches[FunctionOf(z.URI)] = c
			}
		}
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
	return exported{uris: out, caches: caches}
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

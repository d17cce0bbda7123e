package apigateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

var modelName = regexp.MustCompile(`^[a-zA-Z0-9]+$`)

const emptySchema = "Model schema must have at least 1 property or array items defined"

func (q *request) model() (*api, *model, error) {
	name := q.params["model_name"]
	fail := notFound("Invalid model name specified: " + name)
	a := q.account.apis[q.params["restapi_id"]]
	if a == nil || a.edited.Models[name] == nil {
		return nil, nil, fail
	}
	return a, a.edited.Models[name], nil
}

func (s *Service) getModels(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	return page(q, a.edited.Models, same)
}

func (s *Service) getModel(q *request) (any, error) {
	_, m, err := q.model()
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (s *Service) createModel(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	m := &model{}
	if err := q.decode(m); err != nil {
		return nil, err
	}
	if m.Name == "" {
		return nil, badRequest("Model name must be non-empty")
	}
	if !modelName.MatchString(m.Name) {
		return nil, badRequest("Model name must be alphanumeric: " + m.Name)
	}
	if a.edited.Models[m.Name] != nil {
		return nil, conflict("Model name already exists for this REST API")
	}
	if err := checkSchema(m.Schema); err != nil {
		return nil, err
	}
	if err := full(len(a.edited.Models), maxItems, "models for this API"); err != nil {
		return nil, err
	}
	m.ID = newID(6)
	a.edited.Models[m.Name] = m
	return m, nil
}

func checkSchema(schema string) error {
	var v map[string]any
	if strings.TrimSpace(schema) == "" || json.Unmarshal([]byte(schema), &v) == nil && len(v) == 0 {
		return badRequest(emptySchema)
	}
	if json.Unmarshal([]byte(schema), &v) != nil {
		return badRequest("Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified]")
	}
	return nil
}

func (s *Service) updateModel(q *request) (any, error) {
	a, old, err := q.model()
	if err != nil {
		return nil, err
	}
	m := clone(old)
	if err := q.patchAs([]patchRule{setString("/description", &m.Description), setString("/schema", &m.Schema)}, listedRefusal); err != nil {
		return nil, err
	}
	if err := checkSchema(m.Schema); err != nil {
		return nil, err
	}
	a.edited.Models[m.Name] = m
	return m, nil
}

func (s *Service) deleteModel(q *request) (any, error) {
	a, m, err := q.model()
	if err != nil {
		return nil, err
	}
	used := ""
	a.edited.eachMethod(func(r *resource, me *method) {
		for _, name := range me.RequestModels {
			if name == m.Name && used == "" {
				used = fmt.Sprintf("Cannot delete model '%s', is referenced in method request: %s/%s", m.Name, r.Path, me.HTTPMethod)
			}
		}
		for code, mr := range me.MethodResponses {
			for _, name := range mr.ResponseModels {
				if name == m.Name && used == "" {
					used = fmt.Sprintf("Cannot delete model '%s', is referenced in method response: %s/%s/%s", m.Name, r.Path, me.HTTPMethod, code)
				}
			}
		}
	})
	if used != "" {
		return nil, conflict(used)
	}
	delete(a.edited.Models, m.Name)
	return nil, nil
}

const badValidator = "Invalid Request Validator identifier specified"

func (q *request) validator() (*api, *validator, error) {
	a := q.account.apis[q.params["restapi_id"]]
	if a == nil || a.edited.Validators[q.params["requestvalidator_id"]] == nil {
		return nil, nil, notFound(badValidator)
	}
	return a, a.edited.Validators[q.params["requestvalidator_id"]], nil
}

func (s *Service) getValidators(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	return page(q, a.edited.Validators, same)
}

func (s *Service) getValidator(q *request) (any, error) {
	_, v, err := q.validator()
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (s *Service) createValidator(q *request) (any, error) {
	a := q.account.apis[q.params["restapi_id"]]
	if a == nil {
		return nil, badRequest("Invalid REST API identifier specified")
	}
	v := &validator{}
	if err := q.decode(v); err != nil {
		return nil, err
	}
	if err := full(len(a.edited.Validators), maxItems, "request validators for this API"); err != nil {
		return nil, err
	}
	a.edited.addValidator(v)
	return v, nil
}

func (d *definition) addValidator(v *validator) {
	v.ID = freshID(6, func(id string) bool { return d.Validators[id] != nil })
	d.Validators[v.ID] = v
}

func (s *Service) updateValidator(q *request) (any, error) {
	a, old, err := q.validator()
	if err != nil {
		return nil, err
	}
	v := clone(old)
	err = q.patchAs([]patchRule{
		setString("/name", &v.Name),
		setBool("/validateRequestParameters", &v.ValidateRequestParameters),
		setBool("/validateRequestBody", &v.ValidateRequestBody),
	}, listedRefusal)
	if err != nil {
		return nil, err
	}
	if v.Name == "" {
		return nil, badRequest("Request Validator name cannot be blank")
	}
	a.edited.Validators[v.ID] = v
	return v, nil
}

func (s *Service) deleteValidator(q *request) (any, error) {
	a, v, err := q.validator()
	if err != nil {
		return nil, err
	}
	used := ""
	a.edited.eachMethod(func(r *resource, m *method) {
		if m.RequestValidatorID == v.ID && used == "" {
			used = fmt.Sprintf("Cannot delete request validator '%s', is referenced in method: %s/%s", v.Name, m.HTTPMethod, r.Path)
		}
	})
	if used != "" {
		return nil, conflict(used)
	}
	delete(a.edited.Validators, v.ID)
	return nil, nil
}

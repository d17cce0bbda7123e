package apigateway

import (
	"encoding/json"
	"strings"
)

// getModelTemplate writes the mapping template that the service offers as a start: the shape of the model, with values to
// be replaced. Source: API reference, GetModelTemplate.
func (s *Service) getModelTemplate(q *request) (any, error) {
	a, m, err := q.model()
	if err != nil {
		return nil, err
	}
	var schema map[string]any
	if err := json.Unmarshal([]byte(m.Schema), &schema); err != nil {
		return nil, badRequest("Invalid model schema specified: " + m.Name)
	}
	w := sample{models: a.edited.Models}
	w.value(schema, "$inputRoot", 0)
	return map[string]any{"value": "#set($inputRoot = $input.path('$'))\n" + w.String()}, nil
}

// sample writes a value that fits a schema.
type sample struct {
	strings.Builder
	models map[string]*model // for references to other models
}

// value writes one value; from is what the template calls the input it comes from.
func (w *sample) value(schema map[string]any, from string, depth int) {
	indent := strings.Repeat("  ", depth+1)
	if ref, ok := schema["$ref"].(string); ok {
		var target map[string]any
		if m := w.models[ref[strings.LastIndex(ref, "/")+1:]]; m != nil && depth < 20 && json.Unmarshal([]byte(m.Schema), &target) == nil {
			w.value(target, from, depth+1)
		} else {
			w.WriteString("{}")
		}
		return
	}
	switch schema["type"] {
	case "string":
		w.WriteString(`"foo"`)
	case "integer":
		w.WriteString("42")
	case "number":
		w.WriteString("3.149")
	case "boolean":
		w.WriteString("true")
	case "null":
		w.WriteString("null")
	case "array":
		items, _ := schema["items"].(map[string]any)
		w.WriteString("[\n" + indent + "##TODO: Update this foreach loop to reference array from input json\n" + indent + "#foreach($elem in " + from + ")\n" + indent)
		w.value(items, "$elem", depth+1)
		w.WriteString("#if($foreach.hasNext),#end\n" + indent + "#end\n" + strings.Repeat("  ", depth) + "]")
	default:
		properties, _ := schema["properties"].(map[string]any)
		w.WriteString("{")
		for i, name := range sortedKeys(properties) {
			if i > 0 {
				w.WriteString(",")
			}
			w.WriteString("\n" + indent + jsonString(name) + " : ")
			p, _ := properties[name].(map[string]any)
			w.value(p, from+"."+name, depth+1)
		}
		if len(properties) > 0 {
			w.WriteString("\n" + strings.Repeat("  ", depth))
		}
		w.WriteString("}")
	}
}

package main

import "encoding/json"

// member reads a string member of a JSON object; ok is false when text is no object or has no such string.
func member(text, name string) (string, bool) {
	var m map[string]any
	if json.Unmarshal([]byte(text), &m) != nil {
		return "", false
	}
	s, ok := m[name].(string)
	return s, ok && s != ""
}

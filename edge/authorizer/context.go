package authorizer

import (
	"encoding/base64"
	"encoding/json"
	"sort"
	"strconv"
	"strings"
)

const anonymous = "anonymous"

// Limits on what is injected, in bytes. API Gateway documents 8 KB for a whole WebSocket answer and none for REST, where
// everything ends up in the backend's event.
const (
	maxContext          = 24 << 10
	maxContextWebSocket = 6 << 10
	maxPrincipal        = 512
)

// principalOf names the caller: sub, else client_id, else "anonymous".
func principalOf(claims map[string]any) string {
	for _, name := range [...]string{"sub", "client_id"} {
		if s, ok := claims[name].(string); ok {
			if s = printable(s); s != "" {
				return s
			}
		}
	}
	return anonymous
}

func printable(s string) string {
	if len(s) > maxPrincipal {
		s = s[:maxPrincipal]
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == 0xfffd {
			return -1
		}
		return r
	}, s)
}

// backendContext is the context map of the answer. API Gateway passes on strings, numbers and booleans only and fails
// the whole request on anything else, so nested values travel as JSON texts.
func backendContext(r *request, decisionID string, revision int64, claims, output map[string]any, inject bool) map[string]any {
	c := map[string]any{"decision_id": decisionID, "revision": revision}
	if !inject {
		return c
	}
	budget := maxContext
	if r.kind == kindWebSocket {
		budget = maxContextWebSocket
	}
	add := func(name, value string) {
		if value == "" {
			return
		}
		if budget -= len(name) + len(value); budget < 0 {
			c["context_incomplete"] = true
			budget += len(name) + len(value)
			return
		}
		c[name] = value
	}
	if claims != nil {
		add("sub", text(claims["sub"]))
		add("client_id", text(claims["client_id"]))
		add("scope", strings.Join(scopesOf(claims), " "))
		if b, err := json.Marshal(claims); err == nil {
			add("authn_ctx", base64.RawURLEncoding.EncodeToString(b))
		}
	}
	names := make([]string, 0, len(output))
	for name := range output {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		add("output_"+name, text(output[name]))
	}
	return c
}

// text is a value as a context string: strings as they are, everything else as JSON, nothing for null.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// scopesOf reads the granted scopes: "scp" as a list or a text (Entra), else "scope" as a text (RFC 8693 section 4.2).
func scopesOf(claims map[string]any) []string {
	for _, name := range [...]string{"scp", "scope"} {
		switch v := claims[name].(type) {
		case string:
			return strings.Fields(v)
		case []any:
			out := make([]string, 0, len(v))
			for _, s := range v {
				if s, ok := s.(string); ok {
					out = append(out, s)
				}
			}
			return out
		}
	}
	return nil
}

package discover

import (
	"maps"
	"slices"
	"strings"
)

// A large account has a hundred thousand methods, and a small function has 128 MB. Nearly all resources have one of a few
// sets of methods, and a pass mostly finds what the one before it found; both are kept once.

// maxShared bounds the tables; an account with more different sets than this is not what they are for.
const maxShared = 10_000

// sets holds one copy of each set of methods. What it returns is shared: read it, do not change it.
type sets struct {
	types   map[string]map[string]string // verb -> authorization type
	methods map[string]map[string]Method
}

func (s *sets) ofTypes(m map[string]string) map[string]string {
	return one(&s.types, m, func(t string) string { return t })
}

func (s *sets) ofMethods(m map[string]Method) map[string]Method {
	return one(&s.methods, m, func(m Method) string { return m.AuthorizationType + "/" + m.AuthorizerID })
}

func one[V comparable](table *map[string]map[string]V, m map[string]V, text func(V) string) map[string]V {
	var b strings.Builder
	for _, verb := range slices.Sorted(maps.Keys(m)) {
		b.WriteString(verb + "=" + text(m[verb]) + " ")
	}
	if known, ok := (*table)[b.String()]; ok && maps.Equal(known, m) {
		return known
	}
	if *table == nil || len(*table) >= maxShared {
		*table = map[string]map[string]V{}
	}
	(*table)[b.String()] = m
	return m
}

// same reports whether two readings of a REST API are equal, so that one of them will do. Deployments never change: their
// id stands for what is in them.
func same(a, b *API) bool {
	return a.Name == b.Name && maps.Equal(a.Tags, b.Tags) &&
		slices.EqualFunc(a.Resources, b.Resources, func(x, y Resource) bool { return x.ID == y.ID && x.Path == y.Path && maps.Equal(x.Methods, y.Methods) }) &&
		slices.EqualFunc(a.Authorizers, b.Authorizers, func(x, y Authorizer) bool {
			ttl := x.TTL == nil && y.TTL == nil || x.TTL != nil && y.TTL != nil && *x.TTL == *y.TTL
			x.TTL, y.TTL = nil, nil
			return ttl && x == y
		})
}

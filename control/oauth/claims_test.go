package oauth

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"portcullis/control"
)

// TestIssuedClaims: the list that the checks of policies go by is what is signed.
func TestIssuedClaims(t *testing.T) {
	var names []string
	typ := reflect.TypeFor[Claims]()
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		if name != "-" { // the user's attributes, which are anybody's
			names = append(names, name)
		}
	}
	if !slices.Equal(names, control.IssuedClaims[:]) {
		t.Errorf("signed are %v, control.IssuedClaims has %v", names, control.IssuedClaims)
	}
}

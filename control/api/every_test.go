package api

import (
	flags "flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"portcullis/control/api/openapi/openapitest"
)

// TestMain runs the tests and then asks whether they left an operation of the contract out: each must have been carried
// out, and refused for what it was asked, at least once. Every one of those answers was held against the document by
// openapitest: status, headers, body, and error_code, which is in docs/reference/errors.md.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && whole() {
		code = everyOperation()
	}
	os.Exit(code)
}

// whole says whether all tests of the package ran.
func whole() bool {
	for _, name := range []string{"test.run", "test.skip", "test.fuzz", "test.list"} {
		if f := flags.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return true
}

func everyOperation() int {
	all, err := openapitest.Operations()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	code, n := 0, 0
	for _, op := range all {
		if !strings.Contains(op, " /api/") {
			continue // the issuer's
		}
		n++
		success, refused := openapitest.Answered(op)
		if !success {
			fmt.Printf("no test carries out %s\n", op)
			code = 1
		}
		if !refused {
			fmt.Printf("no test sees %s refused\n", op)
			code = 1
		}
	}
	if code == 0 {
		fmt.Printf("%d operations were carried out and refused, as the contract says\n", n)
	}
	return code
}

package apigateway_test

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestAnswersFitTheServiceModel drives every operation with boto3 and validates the raw answers against botocore's model
// of the service, which is AWS's own. Without boto3 it is skipped, unless PORTCULLIS_REQUIRE_BOTO3 is set.
func TestAnswersFitTheServiceModel(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "python3", "-c", "import boto3").Run(); err != nil {
		if os.Getenv("PORTCULLIS_REQUIRE_BOTO3") != "" {
			t.Fatal("boto3 is not installed: ", err)
		}
		t.Skip("boto3 is not installed")
	}
	b := newBench(t, nil)
	b.returns("f", allow("*"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := python(ctx, "testdata/model_check.py", b.url, "testdata/petstore-openapi.yaml")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := strings.Join(append([]string{"112 operations, without"}, slices.Sorted(maps.Keys(lacking))...), " "); strings.TrimSpace(string(out)) != want {
		t.Errorf("%s, want %s", out, want)
	}
}

package apigateway_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// comparedMoto is the version whose differences testdata/moto-differences.yaml explains completely.
const comparedMoto = "5.2.1"

// TestReadSideAgainstMoto reads one API back from this simulator and from moto, a simulator by others. Without moto it is
// skipped, unless PORTCULLIS_REQUIRE_MOTO is set.
func TestReadSideAgainstMoto(t *testing.T) {
	version, err := exec.CommandContext(t.Context(), "python3", "-c", "import boto3, flask, moto, moto.server; print(moto.__version__)").Output()
	if err != nil {
		if os.Getenv("PORTCULLIS_REQUIRE_MOTO") != "" {
			t.Fatal("the moto server is not installed: ", err)
		}
		t.Skip("the moto server is not installed")
	}
	b := newBench(t, nil)
	ours, theirs := readSide(t, b.url), readSide(t, startMoto(t))
	type row struct{ Lines, Reason string }
	rows := load[row](t, "moto-differences.yaml")
	used := make([]bool, len(rows))
	for _, line := range slices.Concat(without(ours, theirs), without(theirs, ours)) {
		path, _, _ := strings.Cut(line, " = ")
		explained := false
		for i, r := range rows {
			if regexp.MustCompile(r.Lines).MatchString(path) && r.Reason != "" {
				explained, used[i] = true, true
			}
		}
		if !explained {
			t.Errorf("unexplained difference: %s (ours: %v)", line, slices.Contains(ours, line))
		}
	}
	for i, u := range used {
		if !u && strings.TrimSpace(string(version)) == comparedMoto {
			t.Errorf("no difference is explained by %q any more", rows[i].Lines)
		}
	}
}

// without is what is in a and not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

func python(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "python3", args...)
	cmd.Env = append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent", "PYTHONDONTWRITEBYTECODE=1")
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

func readSide(t *testing.T, url string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	cmd := python(ctx, "testdata/read_side.py", url)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// startMoto starts a moto server on a free port and waits until it answers.
func startMoto(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := python(ctx, "-m", "moto.server", "-H", "127.0.0.1", "-p", port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		cmd.Wait() // killed by cancel: its error says only that
	})
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		res, err := http.Get("http://" + addr + "/moto-api/data.json")
		if err == nil {
			res.Body.Close()
			return "http://" + addr
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the moto server did not start: ", err)
		}
	}
}

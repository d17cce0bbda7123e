package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// built is the directory to remove in the end; empty while nothing has been built.
var built string

// binaries builds the programs that the demo starts, once per test process, with the authorizer packages inside.
// PORTCULLIS_TEST_RACE=1 builds them with the race detector.
var binaries = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "portcullis-bin-")
	if err != nil {
		return "", err
	}
	built = dir
	args := []string{"build", "-o", dir}
	if os.Getenv("PORTCULLIS_TEST_RACE") == "1" {
		args = append(args, "-race", "-gcflags=all=-d=checkptr=0") // as the Makefile says, to share its build cache
	}
	for _, command := range [][]string{
		{"make", "--no-print-directory", "packages"},
		append(append([]string{"go"}, args...), "./cmd/portcullis", "./cmd/local-aws"),
	} {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Dir = filepath.Join("..", "..")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", &buildError{command: strings.Join(command, " "), output: string(out), err: err}
		}
	}
	return dir, nil
})

type buildError struct {
	command, output string
	err             error
}

func (e *buildError) Error() string { return e.command + ": " + e.err.Error() + "\n" + e.output }

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(built)
	os.Exit(code)
}

// TestWalk is the mission: every step of the guide, on the real programs.
func TestWalk(t *testing.T) {
	bin, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	var out bytes.Buffer
	err = run(ctx, []string{"--once", "--bin", bin, "--portal", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--backend", "127.0.0.1:0"}, &out)
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"403 Forbidden", "Every step was as expected", `curl -v http://127.0.0.1:`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the walk did not print %q", want)
		}
	}
}

func TestBusyPortIsOneClearLine(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, flag := range []string{"--portal", "--aws", "--backend"} {
		args := []string{"--portal", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--backend", "127.0.0.1:0", flag, l.Addr().String()}
		err := run(context.Background(), args, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), l.Addr().String()) || !strings.Contains(err.Error(), flag) || strings.Contains(err.Error(), "\n") {
			t.Errorf("with a busy %s: %v", flag, err)
		}
	}
}

func TestMissingBinaryIsClear(t *testing.T) {
	err := run(context.Background(), []string{"--bin", t.TempDir(), "--portal", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--backend", "127.0.0.1:0"}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "portcullis keygen") {
		t.Errorf("without binaries: %v", err)
	}
}

package lambda

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"portcullis/aws/local/wire"
)

// Runtimes that start the zip's bootstrap.
const (
	al2023 = "provided.al2023"
	al2    = "provided.al2"
)

// Dates of AWS's runtime deprecation table.
var (
	al2CreateBlocked = time.Date(2026, 7, 31, 0, 0, 0, 0, time.UTC)
	al2UpdateBlocked = time.Date(2026, 8, 31, 0, 0, 0, 0, time.UTC)
)

// retired runtimes can neither be created nor updated any more.
var retired = []string{"go1.x", "provided", "nodejs", "nodejs4.3", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x", "nodejs16.x", "nodejs18.x",
	"python2.7", "python3.6", "python3.7", "python3.8", "java8", "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "dotnet6", "ruby2.5", "ruby2.7"}

var (
	python = regexp.MustCompile(`^python3\.(9|10|11|12|13|14)$`)
	node   = regexp.MustCompile(`^nodejs(20|22|24)\.x$`)
	// living runtimes exist at AWS and are not simulated.
	living = regexp.MustCompile(`^(java(8\.al2|11|17|21|25)|dotnet(8|9|10)|ruby3\.[2345])$`)
)

func (s *Service) checkRuntime(name string, now time.Time, create bool) error {
	blocked := al2UpdateBlocked
	if create {
		blocked = al2CreateBlocked
	}
	switch {
	case name == al2023, name == al2 && now.Before(blocked):
		return nil
	case name == al2, slices.Contains(retired, name):
		return invalidValue("The runtime parameter of %s is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.", name)
	case python.MatchString(name), node.MatchString(name):
		if _, err := s.interpreters.find(name); err != nil {
			return &wire.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "the local AWS runs " + name + " with this machine's interpreter: " + err.Error()}
		}
		return nil
	case living.MatchString(name):
		return wire.NotImplemented("lambda", "functions with the runtime "+name+" (package a bootstrap for provided.al2023)")
	}
	return invalidValue("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [provided.al2023, …] or be a valid ARN", name)
}

//go:embed shim/bootstrap.py shim/bootstrap.mjs
var shims embed.FS

// interpreters finds Python and Node.js on this machine, each once.
type interpreters struct {
	dir  string // where the shims are written
	mu   sync.Mutex
	path map[string]string // by program; "" was looked for in vain
}

// newInterpreters writes the shims that run a handler.
func newInterpreters(dir string) (*interpreters, error) {
	in := &interpreters{dir: filepath.Join(dir, "shim"), path: map[string]string{}}
	if err := os.MkdirAll(in.dir, 0o755); err != nil {
		return nil, err
	}
	for _, name := range []string{"bootstrap.py", "bootstrap.mjs"} {
		b, err := shims.ReadFile("shim/" + name)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(in.dir, name), b, 0o644); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// find returns the command line that runs a handler of the runtime.
func (in *interpreters) find(runtime string) ([]string, error) {
	program, shim, ask := "python3", "bootstrap.py", []string{"-c", "import sys; print(sys.executable)"}
	if node.MatchString(runtime) {
		program, shim, ask = "node", "bootstrap.mjs", []string{"-p", "process.execPath"}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	path, known := in.path[program]
	if !known {
		// The interpreter is asked for itself: the name on PATH may be a version manager's script, which needs more of
		// the environment than a function has.
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if out, err := exec.CommandContext(ctx, program, ask...).Output(); err == nil {
			path = strings.TrimSpace(string(out))
		}
		in.path[program] = path
	}
	if path == "" {
		return nil, fmt.Errorf("no %s was found on PATH", program)
	}
	return []string{path, filepath.Join(in.dir, shim)}, nil
}

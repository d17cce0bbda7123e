package lambda

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"portcullis/aws/local/wire"
)

// environment is one process with its Runtime API. It serves one invocation at a time; whoever took it from the pool
// (or started it) owns it until it is put back or shut down.
type environment struct {
	s       *Service
	rev     *revision
	stream  string
	creds   wire.Credentials
	tmp     string
	server  *http.Server
	address string
	logs    *logPipe
	cmd     *exec.Cmd

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change of what follows

	runtimeWaits bool // the runtime is in /next: initialised and idle
	extensions   map[string]*extension
	work         chan *invocation // to /next; holds at most one
	current      *invocation
	initFault    *fault // reported by the runtime or found before it started
	exited       bool
	exitState    string // "exit status 1", "signal: killed", ""
	stopping     bool
	frozen       bool
	initTime     time.Duration
	peak         int64 // bytes of memory seen so far
	overMemory   bool  // killed for more than MemorySize
}

// extension is an internal extension: part of the function's own process.
type extension struct {
	id, name string
	invoke   bool // wants INVOKE events
	waits    bool // is in /event/next
	events   chan []byte
}

// start begins an environment. It always returns one; what went wrong is its initFault. The caller owns it.
func (s *Service) start(rev *revision) *environment {
	var suffix [16]byte
	rand.Read(suffix[:])
	e := &environment{s: s, rev: rev, changed: make(chan struct{}), extensions: map[string]*extension{}, work: make(chan *invocation, 1),
		stream: s.now().UTC().Format("2006/01/02") + "/[" + rev.config.Version + "]" + hex.EncodeToString(suffix[:])}
	e.logs = newLogPipe(e)
	if f := e.launch(); f != nil {
		e.mu.Lock()
		if e.initFault == nil {
			e.initFault = f
		}
		e.exited = true
		e.mu.Unlock()
	}
	return e
}

// launch starts the Runtime API and the process.
func (e *environment) launch() *fault {
	cfg := &e.rev.config
	line := []string{filepath.Join(e.rev.code.dir, "bootstrap")}
	if strings.HasPrefix(cfg.Runtime, "provided") {
		if f := checkBootstrap(e.rev.code.dir, cfg.Architectures[0], e.s.o.HostArch); f != nil {
			return f
		}
	} else {
		var err error
		if line, err = e.s.interpreters.find(cfg.Runtime); err != nil {
			return internal(err)
		}
	}
	creds, err := e.s.o.Assume(cfg.Role, cfg.FunctionName, "lambda.amazonaws.com")
	if err != nil {
		return &fault{"Lambda.AccessDenied", "Error: The role defined for the function cannot be assumed by Lambda. (" + err.Error() + ")"}
	}
	e.creds = creds
	if e.tmp, err = os.MkdirTemp(e.s.dir, "tmp-"); err != nil {
		return internal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return internal(err)
	}
	e.address = listener.Addr().String()
	e.server = &http.Server{Handler: e.runtimeAPI(), ReadHeaderTimeout: 10 * time.Second}
	go e.server.Serve(listener)

	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir, cmd.Env = e.rev.code.dir, e.variables()
	pipe, err := e.logs.open()
	if err != nil {
		return internal(err)
	}
	cmd.Stdout, cmd.Stderr = pipe, pipe
	inGroup(cmd)
	if err := e.s.spawner.start(cmd); err != nil {
		return &fault{"Runtime.InvalidEntrypoint", "Error: fork/exec /var/task/bootstrap: " + reason(err).Error()}
	}
	e.mu.Lock()
	e.cmd = cmd
	e.mu.Unlock()
	go e.watch()
	go e.guardMemory()
	return nil
}

func internal(err error) *fault {
	return &fault{"ServiceException", "Error: the local AWS could not start the environment: " + err.Error()}
}

// watch waits for the end of the process and ends what it left behind.
func (e *environment) watch() {
	e.cmd.Wait()
	e.mu.Lock()
	signalGroup(e.cmd.Process.Pid, syscall.SIGKILL) // children that outlived it
	e.exited = true
	if st := e.cmd.ProcessState; st.ExitCode() != 0 {
		e.exitState = st.String()
	}
	e.notify()
	e.mu.Unlock()
	e.logs.close()
}

// variables is the environment of the process: nothing of ours but what AWS would set.
func (e *environment) variables() []string {
	cfg := &e.rev.config
	vars := map[string]string{
		"AWS_LAMBDA_RUNTIME_API":          e.address,
		"_HANDLER":                        cfg.Handler,
		"LAMBDA_TASK_ROOT":                e.rev.code.dir,
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"AWS_LAMBDA_FUNCTION_NAME":        cfg.FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION":     cfg.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(cfg.MemorySize),
		"AWS_LAMBDA_LOG_GROUP_NAME":       cfg.LoggingConfig.LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME":      e.stream,
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_REGION":                      e.rev.fn.region,
		"AWS_DEFAULT_REGION":              e.rev.fn.region,
		"AWS_ACCESS_KEY_ID":               e.creds.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           e.creds.SecretAccessKey,
		"AWS_SESSION_TOKEN":               e.creds.SessionToken,
		"PATH":                            "/usr/local/bin:/usr/bin:/bin:/opt/bin",
		"LANG":                            "en_US.UTF-8",
		"TZ":                              ":UTC",
		"TMPDIR":                          e.tmp, // AWS gives each environment its own /tmp
	}
	if !strings.HasPrefix(cfg.Runtime, "provided") {
		vars["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + cfg.Runtime
	}
	if e.s.o.Endpoint != nil {
		if u := e.s.o.Endpoint(); u != "" {
			vars["AWS_ENDPOINT_URL"] = u
		}
	}
	if cfg.Environment != nil {
		for k, v := range cfg.Environment.Variables {
			vars[k] = v
		}
	}
	list := make([]string, 0, len(vars))
	for k, v := range vars {
		list = append(list, k+"="+v)
	}
	return list
}

// notify wakes everybody who awaits a change; the caller holds mu.
func (e *environment) notify() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// await blocks until the condition, which runs with mu held, is true, and reports false when the limit comes first.
func (e *environment) await(limit <-chan time.Time, condition func() bool) bool {
	for {
		e.mu.Lock()
		ok, changed := condition(), e.changed
		e.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-limit:
			return false
		}
	}
}

// settled says whether the runtime and every extension have asked for the next event; the caller holds mu.
func (e *environment) settled() bool {
	if !e.runtimeWaits {
		return false
	}
	for _, x := range e.extensions {
		if !x.waits {
			return false
		}
	}
	return true
}

// ready waits for the end of the init phase and returns what failed, nil if nothing did.
func (e *environment) ready(limit <-chan time.Time) *fault {
	began := time.Now()
	done := e.await(limit, func() bool { return e.settled() || e.exited || e.initFault != nil })
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.initTime == 0 {
		e.initTime = time.Since(began)
	}
	switch {
	case e.initFault != nil:
		return e.initFault
	case e.exited:
		return e.exitFault()
	case !done:
		return &fault{"Sandbox.Timedout", "Error: the init phase did not end in time"}
	}
	return nil
}

// exitFault describes the end of the process; the caller holds mu.
func (e *environment) exitFault() *fault {
	if e.exitState == "" {
		return &fault{"Runtime.ExitError", "Error: Runtime exited without providing a reason"}
	}
	return &fault{"Runtime.ExitError", "Error: Runtime exited with error: " + e.exitState}
}

// freeze stops the process group, thaw lets it go on; they report whether that changed anything.
func (e *environment) freeze() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cmd == nil || e.exited || e.frozen {
		return false
	}
	e.frozen = true
	signalGroup(e.cmd.Process.Pid, syscall.SIGSTOP)
	e.notify()
	return true
}

func (e *environment) thaw() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cmd == nil || e.exited || !e.frozen {
		return false
	}
	e.frozen = false
	signalGroup(e.cmd.Process.Pid, syscall.SIGCONT)
	e.notify()
	return true
}

// internalExtensionGrace is how long a process with an internal extension has between SIGTERM and SIGKILL. Without an
// extension AWS kills at once.
const internalExtensionGrace = 500 * time.Millisecond

// shutdown ends the process and everything that belongs to the environment. It may be called more than once, and
// returns when the process is gone.
func (e *environment) shutdown() {
	e.thaw()
	e.mu.Lock()
	polite := len(e.extensions) > 0 && !e.stopping && e.cmd != nil && !e.exited
	e.stopping = true
	running := e.cmd != nil
	if polite {
		signalGroup(e.cmd.Process.Pid, syscall.SIGTERM)
	}
	e.mu.Unlock()
	if polite {
		e.await(time.After(internalExtensionGrace), func() bool { return e.exited })
	}
	if running {
		e.mu.Lock()
		if !e.exited {
			signalGroup(e.cmd.Process.Pid, syscall.SIGKILL)
		}
		e.mu.Unlock()
		// SIGKILL cannot be refused; the limit is for a process stuck in the kernel.
		e.await(time.After(10*time.Second), func() bool { return e.exited })
	} else {
		e.logs.close()
	}
	if e.server != nil {
		e.server.Close()
	}
	if e.tmp != "" {
		os.RemoveAll(e.tmp)
	}
	e.s.mu.Lock()
	if e.s.envs[e] {
		delete(e.s.envs, e)
		e.s.release(e.rev.code)
	}
	e.s.mu.Unlock()
}

// String names the environment in logs.
func (e *environment) String() string {
	return fmt.Sprintf("%s %s", e.rev.config.FunctionName, e.stream)
}

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// world is what the demo starts: the control plane and the local AWS, each its own process.
type world struct {
	portalURL     string // http://127.0.0.1:8080
	awsURL        string // http://127.0.0.1:4566
	adminPassword string
	clientID      string // of the automation client in workspace admin
	clientSecret  string
	children      []*child
	died          chan error // the first child that ended by itself
}

// start brings both up and waits until they answer. On an error nothing is left running.
func start(ctx context.Context, f flags, dir string) (*world, error) {
	w := &world{
		portalURL: "http://" + f.Portal, awsURL: "http://" + f.AWS,
		adminPassword: random(12), clientID: "demo-automation", clientSecret: random(32),
		died: make(chan error, 2),
	}
	key := filepath.Join(dir, "master.key")
	portcullis := filepath.Join(f.Bin, "portcullis")
	if out, err := exec.CommandContext(ctx, portcullis, "keygen", key).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s keygen: %w: %s", portcullis, err, bytes.TrimSpace(out))
	}
	env := append(withoutAWS(os.Environ()),
		"PORTCULLIS_BOOTSTRAP_ADMIN_PASSWORD="+w.adminPassword,
		"PORTCULLIS_BOOTSTRAP_CLIENT_ID="+w.clientID,
		"PORTCULLIS_BOOTSTRAP_CLIENT_SECRET="+w.clientSecret)
	err := w.spawn(ctx, "portcullis", env, w.portalURL+"/readyz", portcullis, "serve",
		"--listen", f.Portal, "--public-url", w.portalURL,
		"--database", "sqlite://"+filepath.Join(dir, "portcullis.db"), "--master-key-file", key)
	if err == nil {
		err = w.spawn(ctx, "local-aws", withoutAWS(os.Environ()), w.awsURL+"/_aws/health",
			filepath.Join(f.Bin, "local-aws"), "--addr", f.AWS)
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// printTails says what the processes said last.
func (w *world) printTails(out io.Writer) {
	for _, child := range w.children {
		fmt.Fprintf(out, "\nThe last lines of %s:\n%s\n", child.name, child.tail())
	}
}

// withoutAWS drops the caller's AWS settings: nothing in the demo may reach a real account.
func withoutAWS(env []string) []string {
	var kept []string
	for _, kv := range env {
		if !strings.HasPrefix(kv, "AWS_") && !strings.HasPrefix(kv, "ACP_") {
			kept = append(kept, kv)
		}
	}
	return kept
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// child is one process; its output is kept for the case that something goes wrong.
type child struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}

	mu  sync.Mutex
	log []byte
}

const keptLog = 64 << 10

// Write keeps the end of what the child prints.
func (c *child) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = append(c.log, p...)
	if len(c.log) > keptLog {
		c.log = append([]byte(nil), c.log[len(c.log)-keptLog/2:]...)
	}
	return len(p), nil
}

// tail is the last 12 lines, indented, without a line end after the last.
func (c *child) tail() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := strings.Split(strings.TrimRight(string(c.log), "\n"), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-12):], "\n  ")
}

// spawn starts a process and waits until its health URL answers 200.
func (w *world) spawn(ctx context.Context, name string, env []string, health, path string, args ...string) error {
	c := &child{name: name, done: make(chan struct{})}
	c.cmd = exec.Command(path, args...)
	c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr = env, c, c
	// Its own group: Ctrl-C reaches the demo alone, which then ends its children in order.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		return fmt.Errorf("%s did not start: %w (run make build)", name, err)
	}
	w.children = append(w.children, c)
	go func() {
		err := c.cmd.Wait()
		close(c.done)
		w.died <- fmt.Errorf("%s ended by itself (%v):\n%s", name, err, c.tail())
	}()

	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, health, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-c.done:
			return fmt.Errorf("%s ended before it was ready:\n%s", name, c.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s did not answer %s in time:\n%s", name, health, c.tail())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Close ends the children, last started first: SIGTERM, and SIGKILL after ten seconds.
func (w *world) Close() error {
	var errs []error
	for i := len(w.children) - 1; i >= 0; i-- {
		c := w.children[i]
		c.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-c.done:
		case <-time.After(10 * time.Second):
			c.cmd.Process.Kill()
			<-c.done
			errs = append(errs, fmt.Errorf("%s did not end on SIGTERM and was killed", c.name))
		}
	}
	return errors.Join(errs...)
}

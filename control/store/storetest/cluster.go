package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// cluster is a running PostgreSQL server: unix socket in dir, no TCP, nothing synced to disk.
//
// It must not outlive the test process, whatever ends it. PostgreSQL is therefore a child of a small shell that waits
// for the end of its standard input: the pipe's other end closes when the test process ends, in whatever way, and the
// shell then stops the server and removes the directory.
type cluster struct {
	dir  string // data, socket and log
	bin  string
	cred *syscall.Credential // of user postgres when the test runs as root; PostgreSQL refuses root
	lead *os.File            // the write end of the pipe; held, never written

	migrated sync.Once
	template string // the database that others are copied from
}

var (
	once    sync.Once
	running *cluster
	failed  error
	missing bool
)

func start(t testing.TB) *cluster {
	t.Helper()
	once.Do(func() { running, failed = newCluster() })
	if missing && os.Getenv("PORTCULLIS_REQUIRE_POSTGRES") == "" {
		t.Skip("PostgreSQL is not installed (initdb is neither in PATH nor in /usr/lib/postgresql/*/bin): only SQLite is tested; on Debian: apt-get install postgresql")
	}
	if failed != nil {
		t.Fatal(failed)
	}
	return running
}

func newCluster() (*cluster, error) {
	bin, err := binaries()
	if err != nil {
		missing = true
		return nil, err
	}
	c := &cluster{bin: bin}
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return nil, fmt.Errorf("PostgreSQL refuses to run as root, and there is no user postgres: %w", err)
		}
		uid, _ = strconv.Atoi(u.Uid)
		gid, _ = strconv.Atoi(u.Gid)
		c.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	// Directly under the temporary directory: a unix socket's path holds 107 bytes.
	if c.dir, err = os.MkdirTemp("", "portcullis-pg-"); err != nil {
		return nil, err
	}
	if err := os.Chown(c.dir, uid, gid); err != nil {
		return nil, err
	}
	data := filepath.Join(c.dir, "data")
	if out, err := c.command("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N").CombinedOutput(); err != nil {
		os.RemoveAll(c.dir)
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	script := `"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
  -c max_connections=200 -c shared_buffers=32MB >"$2/log" 2>&1 &
pg=$!
trap '' INT TERM HUP
cat >/dev/null
kill -QUIT $pg
wait $pg
rm -rf "$2"`
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := c.command("/bin/sh", "-c", script, "sh", bin, c.dir)
	cmd.Stdin = r
	cmd.SysProcAttr.Setpgid = true // a Ctrl-C at the terminal ends the test, and thereby this
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r.Close()
	c.lead = w
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c.command("pg_isready", "-q", "-h", c.dir, "-U", "postgres").Run() == nil {
			return c, nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			w.Close()
			return nil, fmt.Errorf("PostgreSQL did not start:\n%s", log)
		}
	}
}

// binaries is the directory of the newest installed PostgreSQL.
func binaries() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	sort.Slice(dirs, func(i, j int) bool { return version(dirs[i]) > version(dirs[j]) })
	if p, err := exec.LookPath("initdb"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			dirs = append(dirs, filepath.Dir(p))
		}
	}
	for _, d := range dirs {
		all := true
		for _, name := range []string{"initdb", "postgres", "createdb", "pg_isready", "psql"} {
			if _, err := os.Stat(filepath.Join(d, name)); err != nil {
				all = false
			}
		}
		if all {
			return d, nil
		}
	}
	return "", errors.New("PostgreSQL is not installed: initdb is neither in PATH nor in /usr/lib/postgresql/*/bin (on Debian: apt-get install postgresql)")
}

func version(dir string) float64 {
	v, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(dir)), 64)
	return v
}

func (c *cluster) command(name string, args ...string) *exec.Cmd {
	if !strings.HasPrefix(name, "/") {
		name = filepath.Join(c.bin, name)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=" + c.dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.cred}
	return cmd
}

func (c *cluster) run(t testing.TB, name string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	cmd := c.command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out.Bytes())
	}
}

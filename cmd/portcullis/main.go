package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"portcullis/control/admin"

	"github.com/alecthomas/kong"
)

// version is set by the Makefile.
var version = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "portcullis:", err)
		os.Exit(status(err))
	}
}

// status is the exit status of an error: 1, or what a failure asks for.
func status(err error) int {
	var f *failure
	if errors.As(err, &f) {
		return f.status
	}
	return 1
}

// failure is an error with an exit status of its own.
type failure struct {
	error
	status int
}

func (f *failure) Unwrap() error { return f.error }

// commands is the command line; every flag of serve is also an environment variable (PORTCULLIS_…).
type commands struct {
	Serve   serveCmd   `cmd:"" help:"Run the control plane: portal, admin and system API, token issuers."`
	Pull    pullCmd    `cmd:"" help:"Write the configuration of a workspace or tenant to files."`
	Push    pushCmd    `cmd:"" help:"Bring a workspace or tenant to what the files say."`
	Diff    diffCmd    `cmd:"" help:"Compare the files with a workspace or tenant; exit status 1 when they differ."`
	Keygen  keygenCmd  `cmd:"" help:"Write a new master key to a file that does not exist yet."`
	Backup  backupCmd  `cmd:"" help:"Copy a SQLite database while the server runs; use the program of the same version, a newer one brings the schema up to date first. PostgreSQL has pg_dump."`
	Check   checkCmd   `cmd:"" help:"Read through a database and report damage, for example after restoring a backup."`
	Reseal  resealCmd  `cmd:"" help:"Seal all secrets with the first key of the master key file, to take an older key out of use."`
	Policy  policyCmd  `cmd:"" help:"Work with policies, without a server."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// exit is what the parser panics with instead of ending the process (--help).
type exit int

// run is the program: arguments in, error out. It returns when ctx ends, after an orderly stop.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	var c commands
	parser, err := kong.New(&c, kong.Name("portcullis"), kong.Writers(stdout, stderr), kong.UsageOnError(),
		kong.Description("A policy in front of every method of every API behind Amazon API Gateway."),
		kong.Exit(func(code int) { panic(exit(code)) }))
	if err != nil {
		return err
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case exit:
			if p != 0 {
				err = errors.New("the command line was not understood")
			}
		default:
			panic(p)
		}
	}()
	k, err := parser.Parse(args)
	if err != nil {
		return fmt.Errorf("%w (see portcullis --help)", err)
	}
	k.BindTo(ctx, (*context.Context)(nil))
	k.Bind(&output{stdout, stderr})
	return k.Run()
}

// output is where a command writes: results to out, logs to err.
type output struct{ out, err io.Writer }

type keygenCmd struct {
	File string `arg:"" help:"Where to write the key (mode 0600). Keep a copy elsewhere: without it the secrets in the database are lost."`
}

// Run refuses to overwrite: a lost master key cannot be made again.
func (k *keygenCmd) Run(o *output) error {
	f, err := os.OpenFile(k.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists already; a key is never overwritten, choose another name", k.File)
	}
	if err != nil {
		return fmt.Errorf("the key was not written: %w", err)
	}
	_, err = fmt.Fprintln(f, admin.GenerateMasterKey())
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(k.File)
		return fmt.Errorf("the key was not written: %w", err)
	}
	fmt.Fprintf(o.out, "A new master key is in %s. Start with: portcullis serve --master-key-file %s\n", k.File, k.File)
	return nil
}

type versionCmd struct{}

// Run prints the version and what it was built from.
func (versionCmd) Run(o *output) error {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	fmt.Fprintf(o.out, "portcullis %s%s %s %s/%s\n", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// flags of the demo; the doc comments are the manual.
type flags struct {
	Once       bool          `help:"Exit after the walk: 0 when every step was as expected, 1 otherwise."`
	Portal     string        `help:"Address of the control plane and its portal." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	AWS        string        `help:"Address of the local AWS." default:"127.0.0.1:4566" placeholder:"HOST:PORT" name:"aws"`
	Backend    string        `help:"Address of the pet store that API Gateway forwards to." default:"127.0.0.1:8090" placeholder:"HOST:PORT"`
	Bin        string        `help:"Directory of the portcullis and local-aws binaries; by default that of this program." placeholder:"DIR"`
	Refresh    time.Duration `help:"CONFIG_REFRESH_INTERVAL of the authorizer; the guide's default is 5s." default:"1s"`
	AWSRegion  string        `help:"Region to play in." default:"eu-west-1" name:"region"`
	AWSAccount string        `help:"Account to play in." default:"111122223333" name:"account"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run is the whole program: set up, walk, stay. It returns nil when the walk went as expected and, without --once, the
// user has ended it.
func run(ctx context.Context, args []string, out io.Writer) error {
	var f flags
	parser, err := kong.New(&f, kong.Name("demo"), kong.Description("The whole guide on one machine."), kong.Writers(out, out))
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return fmt.Errorf("%w (see demo --help)", err)
	}
	if f.Bin == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		f.Bin = filepath.Dir(self)
	}
	w, end, err := begin(ctx, f, out)
	if err != nil {
		return err
	}
	defer end()
	walkCtx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	err = w.run(walkCtx)
	cancel()
	if err != nil {
		w.world.printTails(out)
		return err
	}
	w.printSummary()
	if f.Once {
		return nil
	}
	fmt.Fprintln(out, "\nEverything stays up. Ctrl-C ends it and removes what it made.")
	select {
	case <-ctx.Done():
		fmt.Fprintln(out, "\nEnding.")
		return nil
	case err := <-w.world.died:
		return err
	}
}

// begin starts the pet store, the control plane and the local AWS for one walk; end stops them and removes their files.
// A port that was free when port 0 asked for one may be somebody's connection by the time it is listened on: then another
// one is asked for.
func begin(ctx context.Context, f flags, out io.Writer) (w *walk, end func(), err error) {
	anyPort := strings.HasSuffix(f.Portal, ":0") || strings.HasSuffix(f.AWS, ":0") || strings.HasSuffix(f.Backend, ":0")
	for range 3 {
		if w, end, err = beginOnce(ctx, f, out); err == nil || !anyPort || !strings.Contains(err.Error(), "in use") {
			break
		}
	}
	return w, end, err
}

func beginOnce(ctx context.Context, f flags, out io.Writer) (w *walk, end func(), err error) {
	if err := settleAddresses(&f); err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "portcullis-demo-")
	if err != nil {
		return nil, nil, err
	}
	shop, err := startPetStore(f.Backend)
	if err != nil {
		os.RemoveAll(dir)
		return nil, nil, err
	}
	world, err := start(ctx, f, dir)
	if err != nil {
		shop.Close()
		os.RemoveAll(dir)
		return nil, nil, err
	}
	return newWalk(f, world, shop, out), func() {
		world.Close()
		shop.Close()
		os.RemoveAll(dir)
	}, nil
}

// settleAddresses gives every ":0" a free port and refuses a busy one, before anything is started.
func settleAddresses(f *flags) error {
	for _, a := range []struct {
		flag string
		addr *string
	}{{"--portal", &f.Portal}, {"--aws", &f.AWS}, {"--backend", &f.Backend}} {
		l, err := net.Listen("tcp", *a.addr)
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("%s is in use; end what listens there or choose another address with %s HOST:PORT", *a.addr, a.flag)
		}
		if err != nil {
			return fmt.Errorf("cannot listen on %s (%s): %w", *a.addr, a.flag, err)
		}
		*a.addr = l.Addr().String()
		l.Close()
	}
	return nil
}

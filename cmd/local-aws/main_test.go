package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

func TestBusyPortNamesTheFlag(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = run(t.Context(), flags{Addr: l.Addr().String(), LogLevel: "info"}, io.Discard, io.Discard)
	if err == nil || err.Error() != l.Addr().String()+" is in use by another program; choose another address with --addr" {
		t.Errorf("got %v", err)
	}
	err = run(t.Context(), flags{Addr: "127.0.0.1:0", Management: l.Addr().String(), LogLevel: "info"}, io.Discard, io.Discard)
	if err == nil || err.Error() != l.Addr().String()+" is in use by another program; choose another address with --management" {
		t.Errorf("got %v", err)
	}
}

func TestUnknownSwitch(t *testing.T) {
	err := run(t.Context(), flags{Addr: "127.0.0.1:0", LogLevel: "info", Switch: map[string]string{"NormaliseMethodARN": "true"}}, io.Discard, io.Discard)
	if err == nil || !strings.HasPrefix(err.Error(), `--switch: there is no switch "NormaliseMethodARN"; there are AllowMissingPrincipal, `) {
		t.Errorf("got %v", err)
	}
}

func TestServesUntilToldToStop(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, flags{Addr: "127.0.0.1:0", Account: "111122223333", LogLevel: "info"}, w, io.Discard)
		w.Close()
	}()
	buf := make([]byte, 1024)
	n, err := r.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, r)
	_, rest, _ := bytes.Cut(buf[:n], []byte("local AWS on "))
	endpoint, _, _ := strings.Cut(string(rest), " ")
	resp, err := http.Get(endpoint + "/_aws/health")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 200 || !strings.Contains(string(body), `"apigateway"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not stop")
	}
}

// TestFlagsAreDocumented: the page lists every flag.
func TestFlagsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/local-aws.md")
	if err != nil {
		t.Fatal(err)
	}
	var f flags
	p, err := kong.New(&f)
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range p.Model.Flags {
		if flag.Name != "help" && !strings.Contains(string(page), "| `--"+flag.Name) {
			t.Errorf("docs/reference/local-aws.md does not list --%s", flag.Name)
		}
	}
}

// Command zip builds the Lambda package of the authorizer: a zip with one file, `bootstrap`, executable, at its root.
// The same sources and toolchain give the same bytes.
//
//	go run ./cmd/authorizer/zip -arch arm64 -version v1.2.3 -o authorizer-arm64.zip
package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// goarch :: Lambda architecture → GOARCH.
var goarch = map[string]string{"arm64": "arm64", "x86_64": "amd64"}

func main() {
	arch := flag.String("arch", "x86_64", "Lambda architecture: arm64 or x86_64")
	version := flag.String("version", "devel", "version that the authorizer reports")
	out := flag.String("o", "", "file to write")
	flag.Parse()
	if err := run(*arch, *version, *out); err != nil {
		fmt.Fprintln(os.Stderr, "zip:", err)
		os.Exit(1)
	}
}

func run(arch, version, out string) error {
	target, ok := goarch[arch]
	if !ok || out == "" || flag.NArg() > 0 {
		return fmt.Errorf("usage: zip -arch arm64|x86_64 -o FILE")
	}
	dir, err := os.MkdirTemp("", "authorizer")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bootstrap := filepath.Join(dir, "bootstrap")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid= -X main.version="+version, "-o", bootstrap, "./cmd/authorizer")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+target, "CGO_ENABLED=0", "GOFLAGS=")
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("go build ./cmd/authorizer for %s: %w", arch, err)
	}
	binary, err := os.ReadFile(bootstrap)
	if err != nil {
		return err
	}
	data, err := pack(binary)
	if err != nil {
		return err
	}
	// Rename into place: a reader never sees half a package.
	if err := os.WriteFile(out+".tmp", data, 0o644); err != nil {
		return err
	}
	if err := os.Rename(out+".tmp", out); err != nil {
		return err
	}
	fmt.Printf("%s: %.1f MB, bootstrap %.1f MB\n", out, float64(len(data))/1e6, float64(len(binary))/1e6)
	return nil
}

// pack writes the zip. The time stamp is fixed (the first that a zip can hold), so that the bytes depend on the binary
// alone; the mode is 0755, without which Lambda cannot start it.
func pack(bootstrap []byte) ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(bootstrap); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

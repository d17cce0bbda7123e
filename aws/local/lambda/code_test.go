package lambda

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portcullis/aws/local/wire"
)

func archive(t *testing.T, add func(*zip.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func put(t *testing.T, w *zip.Writer, name string, mode fs.FileMode, body io.Reader) {
	t.Helper()
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(mode)
	f, err := w.CreateHeader(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, body); err != nil {
		t.Fatal(err)
	}
}

func TestUnpackRefuses(t *testing.T) {
	one := func(name string, mode fs.FileMode, body string) []byte {
		return archive(t, func(w *zip.Writer) { put(t, w, name, mode, strings.NewReader(body)) })
	}
	for name, c := range map[string]struct {
		zip  []byte
		text string
	}{
		"nothing":           {nil, "non-empty zip"},
		"no zip":            {[]byte("PK\x03\x04 not really"), "Could not unzip"},
		"an empty zip":      {archive(t, func(*zip.Writer) {}), "non-empty zip"},
		"a parent":          {one("../x", 0o644, ""), "leads out of it"},
		"a parent inside":   {one("a/../../x", 0o644, ""), "leads out of it"},
		"an absolute name":  {one("/etc/x", 0o644, ""), "leads out of it"},
		"a Windows name":    {one(`a\x`, 0o644, ""), "leads out of it"},
		"an absolute link":  {one("x", fs.ModeSymlink|0o777, "/etc/passwd"), "leads out of it"},
		"a link to outside": {one("a/x", fs.ModeSymlink|0o777, "../../x"), "leads out of it"},
		"through a link": {archive(t, func(w *zip.Writer) {
			put(t, w, "x", fs.ModeSymlink|0o777, strings.NewReader("y"))
			put(t, w, "x", 0o644, strings.NewReader("twice"))
		}), "cannot be written"},
		"a pipe": {one("x", fs.ModeNamedPipe|0o644, ""), "neither a file"},
		"a zip bomb": {archive(t, func(w *zip.Writer) {
			if _, err := w.CreateRaw(&zip.FileHeader{Name: "x", Method: zip.Deflate, UncompressedSize64: maxUnzipped + 1}); err != nil {
				t.Fatal(err)
			}
		}), "Unzipped size must be smaller than 262144000 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "code")
			_, err := unpack(c.zip, dir)
			var e *wire.Error
			if !errors.As(err, &e) || e.Code != "InvalidParameterValueException" || !strings.Contains(e.Message, c.text) {
				t.Errorf("got %v, want %q", err, c.text)
			}
			if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
				t.Error("something was left behind")
			}
			if err != nil && strings.Contains(err.Error(), dir) {
				t.Errorf("the error shows a path of this machine: %v", err)
			}
		})
	}
}

func TestExtractMeasuresWhatItWrites(t *testing.T) {
	b := archive(t, func(w *zip.Writer) {
		put(t, w, "a", 0o644, strings.NewReader("12345"))
		put(t, w, "b", 0o644, strings.NewReader("67890"))
	})
	for limit, fits := range map[int64]bool{9: false, 10: true} {
		r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if err := extract(r, t.TempDir(), limit); (err == nil) != fits {
			t.Errorf("ten bytes with a limit of %d: %v", limit, err)
		}
	}
}

func TestUnpackKeepsModesAndLinks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "code")
	_, err := unpack(archive(t, func(w *zip.Writer) {
		put(t, w, "bin/", fs.ModeDir|0o755, strings.NewReader(""))
		put(t, w, "bin/run", 0o777, strings.NewReader("#!/bin/sh\n"))
		put(t, w, "bootstrap", fs.ModeSymlink|0o777, strings.NewReader("bin/run"))
		put(t, w, "deep/er/data", 0o444, strings.NewReader("x"))
	}), dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{"bin/run": 0o755, "bootstrap": 0o755, "deep/er/data": 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if f := checkBootstrap(dir, "x86_64", "x86_64"); f != nil {
		t.Errorf("a script as bootstrap: %v", f)
	}
}

func TestParseTarget(t *testing.T) {
	const account, region = "111122223333", "eu-west-1"
	for in, want := range map[string]target{
		"my-function":             {account, region, "my-function", ""},
		"my-function:live":        {account, region, "my-function", "live"},
		"function:my-function":    {account, region, "my-function", ""},
		"444455556666:function:f": {"444455556666", region, "f", ""},
		"arn:aws:lambda:us-east-1:444455556666:function:f":         {"444455556666", "us-east-1", "f", ""},
		"arn:aws:lambda:us-east-1:444455556666:function:f:$LATEST": {"444455556666", "us-east-1", "f", "$LATEST"},
	} {
		if got, err := parseTarget(in, account, region); err != nil || got != want {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "a b", "a/b", "arn:aws:s3:::bucket", "arn:aws:lambda:us-east-1:444455556666:layer:f", "f:q:x", "f:$OTHER", strings.Repeat("x", 65)} {
		if got, err := parseTarget(in, account, region); err == nil {
			t.Errorf("%q was taken as %+v", in, got)
		}
	}
}

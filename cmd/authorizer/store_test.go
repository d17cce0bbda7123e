package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"portcullis/aws/signed"
)

func TestKeepAt(t *testing.T) {
	for place, ok := range map[string]bool{"": true, "/mnt/conf": true, "s3://bucket": true, "s3://bucket/a/b/": true, "relative/path": false, "s3://": false, "s3://b?x=1": false} {
		k, err := keepAt(signed.New("eu-west-1"), settings{LocalConfiguration: place, IssuerURL: "https://h/t/w"})
		if (err == nil) != ok || (k != nil) != (ok && place != "") {
			t.Errorf("%q: %v %v", place, k, err)
		}
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	f := file(filepath.Join(dir, "x.conf"))
	if b, err := f.load(t.Context()); b != nil || err != nil {
		t.Errorf("nothing there: %q %v", b, err)
	}
	for _, text := range []string{"one", "two"} {
		if err := f.save(t.Context(), []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := f.load(t.Context()); string(b) != text || err != nil {
			t.Errorf("%q %v", b, err)
		}
	}
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("%d files are left", len(list))
	}
	if err := file(filepath.Join(dir, "no", "x")).save(t.Context(), nil); err == nil {
		t.Error("saved into a directory that does not exist")
	}
}

func TestObject(t *testing.T) {
	var mu sync.Mutex
	objects := map[string][]byte{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/s3/aws4_request") || r.Header.Get("X-Amz-Content-Sha256") == "" {
			w.WriteHeader(400)
			return
		}
		switch b, there := objects[r.URL.Path]; {
		case r.Method == "PUT":
			objects[r.URL.Path], _ = io.ReadAll(r.Body)
		case !there:
			w.WriteHeader(404)
		default:
			_, _ = w.Write(b)
		}
	}))
	defer s.Close()
	aws := signed.New("eu-west-1")
	env := map[string]string{"AWS_ENDPOINT_URL_S3": s.URL, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"}
	aws.Getenv = func(k string) string { return env[k] }
	k, err := keepAt(aws, settings{LocalConfiguration: "s3://my-bucket/conf/", IssuerURL: "https://h/t/w", ClientID: "gw"})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := k.Load(t.Context()); b != nil || err != nil {
		t.Errorf("nothing there: %q %v", b, err)
	}
	if err := k.Save(t.Context(), []byte("text")); err != nil {
		t.Fatal(err)
	}
	if b, err := k.Load(t.Context()); !bytes.Equal(b, []byte("text")) || err != nil {
		t.Errorf("%q %v", b, err)
	}
	for path := range objects {
		if !strings.HasPrefix(path, "/my-bucket/conf/portcullis-") || !strings.HasSuffix(path, ".conf") {
			t.Errorf("stored at %s", path)
		}
	}
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) })
	if err := k.Save(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "s3:PutObject on arn:aws:s3:::my-bucket/conf/portcullis-") {
		t.Errorf("%v", err)
	}
}

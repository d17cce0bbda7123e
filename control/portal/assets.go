package portal

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed assets
var embedded embed.FS

// assets are the files that pages refer to. The address of each carries a hash of its content, so that browsers may keep
// it for a year; the zero value has none.
type assets struct {
	byName map[string]*asset // :: path below assets/ → file
	byPath map[string]*asset // :: last element of the address → file
}

type asset struct {
	address     string
	contentType string
	body        []byte
}

// contentTypes are the only kinds of file that are served; anything else below assets/ (a README) is not.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
	".js":  "text/javascript; charset=utf-8",
}

const assetPrefix = "/app/assets/"

func loadAssets() *assets {
	a := &assets{byName: map[string]*asset{}, byPath: map[string]*asset{}}
	// The walk cannot fail: the tree is part of the program.
	_ = fs.WalkDir(embedded, "assets", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || contentTypes[path.Ext(p)] == "" {
			return err
		}
		body, err := fs.ReadFile(embedded, p)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(p)
		file := strings.TrimSuffix(path.Base(p), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		it := &asset{address: assetPrefix + file, contentType: contentTypes[ext], body: body}
		a.byName[strings.TrimPrefix(p, "assets/")] = it
		a.byPath[file] = it
		return nil
	})
	return a
}

// has reports whether the file is part of this build (the script bundle may not be).
func (a *assets) has(name string) bool { return a.byName[name] != nil }

// url is the address of a file that is part of every build.
func (a *assets) url(name string) string { return a.byName[name].address }

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	it := a.byPath[strings.TrimPrefix(r.URL.Path, assetPrefix)]
	if it == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", it.contentType)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(it.body))
}

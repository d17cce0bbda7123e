package lambda

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// CodePath is where deployment packages can be fetched, below the endpoint.
const CodePath = "/_aws/lambda/code/"

// locationLifetime is how long the address of a deployment package works, as AWS documents it of Code.Location.
const locationLifetime = 10 * time.Minute

var archiveName = regexp.MustCompile(`^code-[0-9]+$`)

// location is the address of a deployment package: signed, and good for locationLifetime. "" while the endpoint is unknown.
func (s *Service) location(c *code) string {
	if s.o.Endpoint == nil || s.o.Endpoint() == "" {
		return ""
	}
	name, expires := filepath.Base(c.dir), strconv.FormatInt(s.now().Add(locationLifetime).Unix(), 10)
	return s.o.Endpoint() + CodePath + name + "?" + url.Values{"Expires": {expires}, "Signature": {s.signLocation(name, expires)}}.Encode()
}

func (s *Service) signLocation(name, expires string) string {
	h := hmac.New(sha256.New, s.codeKey[:])
	h.Write([]byte(name + "\n" + expires))
	return hex.EncodeToString(h.Sum(nil))
}

// ServeCode hands out the deployment package that the path value "name" stands for, to whoever has its signed address.
func (s *Service) ServeCode(w http.ResponseWriter, r *http.Request) {
	name, q := r.PathValue("name"), r.URL.Query()
	if !archiveName.MatchString(name) || !hmac.Equal([]byte(s.signLocation(name, q.Get("Expires"))), []byte(q.Get("Signature"))) {
		http.Error(w, "the address of this deployment package is not signed by this Lambda", http.StatusForbidden)
		return
	}
	if expires, err := strconv.ParseInt(q.Get("Expires"), 10, 64); err != nil || s.now().Unix() >= expires {
		http.Error(w, "the address of this deployment package has expired; GetFunction gives a new one", http.StatusForbidden)
		return
	}
	b, err := os.ReadFile(filepath.Join(s.dir, name+".zip"))
	if err != nil {
		http.Error(w, "the deployment package is gone", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Write(b)
}

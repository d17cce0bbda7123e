package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"
)

// Cookie names one of the cookies that log-ins need. Its name in the browser says whether it was set over https:
// "__Host-" binds it to this host, to https and to path / (RFC 6265bis 4.1.3.2). Over http, which is for loopback only,
// the prefix is not possible.
type Cookie struct {
	name string
	age  time.Duration // in the browser; what it stands for ends earlier, in package admin
}

// The portal's cookies, and the one that ties a log-in under way to the browser that began it.
var (
	PortalCookie = Cookie{"portcullis", 12 * time.Hour}
	LoginCookie  = Cookie{"portcullis-login", 12 * time.Hour}
)

// IssuerCookie is the cookie of the issuer of a workspace: a browser may be logged in at several, as different people.
func IssuerCookie(tenant, workspace string) Cookie {
	sum := sha256.Sum256([]byte(tenant + "/" + workspace))
	return Cookie{"portcullis-sso-" + hex.EncodeToString(sum[:6]), 12 * time.Hour}
}

// Set gives the browser a value. secure: browsers reach us over https.
func (c Cookie) Set(w http.ResponseWriter, value string, secure bool) {
	http.SetCookie(w, c.cookie(value, secure, int(c.age.Seconds())))
}

// Clear removes the cookie.
func (c Cookie) Clear(w http.ResponseWriter, secure bool) {
	http.SetCookie(w, c.cookie("", secure, -1))
}

// Value is what Set gave, or "". Where Secure says that we are reached over https, a plain cookie, which another host of
// the domain could have planted, is not looked at.
func (c Cookie) Value(r *http.Request) string {
	names := []string{"__Host-" + c.name, c.name}
	if e, ok := r.Context().Value(eventKey).(*RequestEvent); ok {
		names = names[1:]
		if e.https {
			names = []string{"__Host-" + c.name}
		}
	}
	for _, name := range names {
		if found, err := r.Cookie(name); err == nil && found.Value != "" && len(found.Value) <= 256 {
			return found.Value
		}
	}
	return ""
}

func (c Cookie) cookie(value string, secure bool, age int) *http.Cookie {
	out := &http.Cookie{Name: c.name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if secure {
		out.Name, out.Secure = "__Host-"+c.name, true
	}
	return out
}

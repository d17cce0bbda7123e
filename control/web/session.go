package web

import (
	"net/http"
	"time"
)

// The cookie's name says whether it was set over https: "__Host-" binds it to this host, to https and to path /
// (RFC 6265bis 4.1.3.2). Over http, which is for loopback only, the prefix is not possible.
const (
	secureCookie = "__Host-portcullis"
	plainCookie  = "portcullis"
)

// sessionAge bounds the cookie in the browser; the session itself ends earlier, in package admin.
const sessionAge = 12 * time.Hour

// SetSession gives the browser its session token. secure: browsers reach us over https.
func SetSession(w http.ResponseWriter, r *http.Request, token string, secure bool) {
	http.SetCookie(w, sessionCookie(token, secure, int(sessionAge.Seconds())))
}

// SessionToken is the token that SetSession gave, or "". Where Secure says that we are reached over https, a plain cookie,
// which another host of the domain could have planted, is not looked at.
func SessionToken(r *http.Request) string {
	names := []string{secureCookie, plainCookie}
	if e, ok := r.Context().Value(eventKey).(*RequestEvent); ok {
		names = names[1:]
		if e.https {
			names = []string{secureCookie}
		}
	}
	for _, name := range names {
		if c, err := r.Cookie(name); err == nil && c.Value != "" && len(c.Value) <= 256 {
			return c.Value
		}
	}
	return ""
}

// ClearSession removes the cookie.
func ClearSession(w http.ResponseWriter, r *http.Request, secure bool) {
	http.SetCookie(w, sessionCookie("", secure, -1))
}

func sessionCookie(token string, secure bool, age int) *http.Cookie {
	c := &http.Cookie{Name: plainCookie, Value: token, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if secure {
		c.Name, c.Secure = secureCookie, true
	}
	return c
}

package portal

import (
	"net/http"
	"net/url"

	"portcullis/control"
	"portcullis/control/web"
)

// toLogin sends a browser without a session to the login page. After a GET it comes back here; what a POST carried is
// lost, so that it is never replayed by another user.
func (p *portal) toLogin(w http.ResponseWriter, r *http.Request, ended bool) {
	q := url.Values{}
	if r.Method == http.MethodGet && r.URL.Path != "/app/" {
		q.Set("next", here(r))
	}
	if ended {
		web.ClearSession(w, r, p.secure)
		q.Set("ended", "1")
	}
	address := "/app/login"
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
}

func (p *portal) showLogin(w http.ResponseWriter, r *http.Request) {
	next := local(r.URL.Query().Get("next"))
	if token := web.SessionToken(r); token != "" {
		if _, _, err := p.admin.Session(r.Context(), token); err == nil {
			http.Redirect(w, r, next, http.StatusSeeOther)
			return
		}
	}
	p.renderLogin(w, r, http.StatusOK, loginPage{next: next, ended: r.URL.Query().Get("ended") != ""})
}

// login starts a session. One message for every wrong pair, so that it does not tell which usernames exist.
func (p *portal) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	page := loginPage{next: local(r.PostFormValue("next")), username: clip(r.PostFormValue("username"), 256)}
	token, _, err := p.admin.Login(r.Context(), control.DefaultTenant, page.username, r.PostFormValue("password"), web.ClientIP(r), r.UserAgent())
	if err != nil {
		status, problem := problemOf(err)
		page.problem = problem.text
		switch control.KindOf(err) {
		case control.Unauthenticated, control.Invalid, control.Malformed:
			status, page.problem = http.StatusUnauthorized, "The username or the password is wrong."
		case control.TooMany:
		default:
			web.Event(r.Context()).Err = err
		}
		p.renderLogin(w, r, status, page)
		return
	}
	// A session that this browser already had ends here: login always means a new one.
	if old := web.SessionToken(r); old != "" {
		if err := p.admin.Logout(r.Context(), old); err != nil {
			web.Event(r.Context()).Err = err
		}
	}
	web.SetSession(w, r, token, p.secure)
	http.Redirect(w, r, page.next, http.StatusSeeOther)
}

func (p *portal) logout(w http.ResponseWriter, r *http.Request) {
	if token := web.SessionToken(r); token != "" {
		if err := p.admin.Logout(r.Context(), token); err != nil {
			web.Event(r.Context()).Err = err
		}
	}
	web.ClearSession(w, r, p.secure)
	http.Redirect(w, r, "/app/login", http.StatusSeeOther)
}

func (p *portal) renderLogin(w http.ResponseWriter, r *http.Request, status int, page loginPage) {
	page.theme, page.nonce, page.assets = theme(r), web.Nonce(r.Context()), p.assets
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = loginView(page).Render(r.Context(), w)
}

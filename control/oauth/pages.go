package oauth

import (
	"bytes"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"portcullis/control"
	"portcullis/control/web"
)

// The pages work without scripts. Every text goes through html/template.
var pages = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title><style nonce="{{.Nonce}}">
:root{color-scheme:light dark;--fg:#1b2430;--bg:#eef1f5;--card:#fff;--line:#c3ccd8;--accent:#0b5cad;--bad:#a4161a}
@media(prefers-color-scheme:dark){:root{--fg:#e6ebf2;--bg:#12161c;--card:#1b222c;--line:#3a4656;--accent:#7db8f2;--bad:#ff9c9c}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg)}
main{width:min(26rem,92vw);background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.75rem}
h1{font-size:1.3rem;margin:0 0 .75rem}p{margin:.5rem 0}label{display:block;margin-top:.9rem;font-weight:600}
input{width:100%;padding:.55rem .7rem;margin-top:.25rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:6px}
button{margin-top:1.2rem;padding:.55rem 1.1rem;font:inherit;font-weight:600;border-radius:6px;border:1px solid var(--accent);background:transparent;color:var(--accent)}
button.primary{background:var(--accent);color:var(--card)}:focus-visible{outline:3px solid var(--accent);outline-offset:2px}.bad{color:var(--bad);font-weight:600}
ul{padding-left:1.2rem}
</style></head><body><main>
{{if eq .Kind "login"}}<h1>Log in</h1><p>to continue to <strong>{{.Client}}</strong> in the workspace {{.Workspace}}</p>
{{with .Problem}}<p class="bad" role="alert">{{.}}</p>{{end}}
<form method="post"><label for="username">Username</label><input id="username" name="username" value="{{.Username}}" autocomplete="username" autocapitalize="none" required>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>
<button class="primary" name="step" value="login">Log in</button></form>
{{else if eq .Kind "consent"}}<h1>{{.Client}} asks for access</h1><p>You are logged in as <strong>{{.Username}}</strong>. If you allow it, {{.Client}} may act for you in the workspace {{.Workspace}}:</p>
<ul>{{range .Scopes}}<li>{{.}}</li>{{else}}<li>learn who you are</li>{{end}}</ul><p>You will be sent to <strong>{{.Target}}</strong>.</p>
<form method="post"><button class="primary" name="step" value="allow">Allow</button> <button name="step" value="deny">Deny</button></form>
{{else if eq .Kind "logout"}}<h1>Log out?</h1><p>{{with .Username}}You are logged in as <strong>{{.}}</strong>. {{end}}{{with .Client}}{{.}} asks to log you out{{else}}This logs you out{{end}} of the workspace {{.Workspace}} and of the portal.</p>
<form method="post" action="{{.Target}}">{{range $name, $value := .Hidden}}{{if $value}}<input type="hidden" name="{{$name}}" value="{{$value}}">{{end}}{{end}}<button class="primary">Log out</button></form>
{{else}}<h1>{{.Title}}</h1><p>{{.Problem}}</p>{{with .Request}}<p>Request {{.}}</p>{{end}}{{end}}
</main></body></html>
`))

type page struct {
	Kind, Title, Nonce, Client, Workspace, Username, Problem, Target, Request string
	Scopes                                                                    []string
	Hidden                                                                    map[string]string // fields of the form; empty ones are left out
}

func (i *Issuer) render(w http.ResponseWriter, r *http.Request, status int, p page) {
	p.Nonce = web.Nonce(r.Context())
	var b bytes.Buffer
	if err := pages.Execute(&b, p); err != nil {
		writeError(w, r, err)
		return
	}
	noStore(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

func (i *Issuer) loginPage(w http.ResponseWriter, r *http.Request, a authorization, username, problem string) {
	i.allowForm(w, a)
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnauthorized
	}
	if username == "" {
		username = r.URL.Query().Get("login_hint")
	}
	i.render(w, r, status, page{Kind: "login", Title: "Log in", Client: a.client.Name, Workspace: a.ws.Name, Username: username, Problem: problem})
}

func (i *Issuer) consentPage(w http.ResponseWriter, r *http.Request, a authorization, actor control.Actor) {
	i.allowForm(w, a)
	target := a.redirectURI
	if u, err := url.Parse(a.redirectURI); err == nil && u.Host != "" {
		target = u.Host
	}
	i.render(w, r, http.StatusOK, page{Kind: "consent", Title: "Allow access", Client: a.client.Name, Workspace: a.ws.Name,
		Username: actor.Name, Scopes: a.scopes, Target: target})
}

// allowForm lets the page's form end at the client: browsers hold form-action also against redirects.
func (i *Issuer) allowForm(w http.ResponseWriter, a authorization) {
	u, err := url.Parse(a.redirectURI)
	if err != nil {
		return
	}
	source := u.Scheme + ":"
	if u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
		source = u.Scheme + "://" + u.Host
	}
	csp := w.Header().Get("Content-Security-Policy")
	w.Header().Set("Content-Security-Policy", strings.Replace(csp, "form-action 'self'", "form-action 'self' "+source, 1))
}

// problemPage is for the person in front of the browser, when the client cannot be told.
func (i *Issuer) problemPage(w http.ResponseWriter, r *http.Request, err error) {
	var pe *protocolError
	if errors.As(err, &pe) {
		i.render(w, r, http.StatusBadRequest, page{Kind: "problem", Title: "This link does not work", Problem: pe.description})
		return
	}
	p := web.ProblemOf(err)
	request := ""
	if p.Status >= 500 {
		web.Event(r.Context()).Err = err
		request = web.Event(r.Context()).RequestID
	}
	i.render(w, r, p.Status, page{Kind: "problem", Title: "This did not work", Problem: p.Message, Request: request})
}

// ask shows the page that an authorization request needs.
func (i *Issuer) ask(w http.ResponseWriter, r *http.Request) {
	a, ok := i.readAuthorization(w, r)
	if !ok {
		return
	}
	next, actor, _, err := i.decide(r, a)
	switch next {
	case stepLogin:
		i.loginPage(w, r, a, "", "")
	case stepConsent:
		i.consentPage(w, r, a, actor)
	case stepCode, stepRefuse:
		redirect(w, i.authorizePath(a)+"?"+r.URL.RawQuery, http.StatusFound)
	default:
		i.problemPage(w, r, err)
	}
}

// answerForm takes the answers of the log-in and the consent page. The route is behind web.CrossOrigin: a form of another
// site does not get here.
func (i *Issuer) answerForm(w http.ResponseWriter, r *http.Request) {
	a, ok := i.readAuthorization(w, r)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		i.problemPage(w, r, refuse(errInvalidRequest, "the form could not be read; go back and try again"))
		return
	}
	switch r.PostForm.Get("step") {
	case "login":
		i.login(w, r, a)
	case "deny":
		i.sendBack(w, r, a, errorParams(refuse(errAccessDenied, "the user refused")))
	case "allow":
		actor, session, err := i.admin.Session(r.Context(), web.SessionToken(r))
		switch {
		case control.KindOf(err) == control.Unauthenticated && err != nil:
			i.loginPage(w, r, a, "", "The session has ended. Log in again.")
		case err != nil:
			i.problemPage(w, r, err)
		case actor.TenantID != a.ws.TenantID || actor.RoleIn(a.ws.ID) == control.NoRole:
			i.sendBack(w, r, a, errorParams(refuse(errAccessDenied, "the user has no role in this workspace")))
		default:
			i.issueCode(w, r, a, actor, session)
		}
	default:
		i.problemPage(w, r, refuse(errInvalidRequest, "the form is not one of ours; go back and try again"))
	}
}

func (i *Issuer) login(w http.ResponseWriter, r *http.Request, a authorization) {
	username := r.PostForm.Get("username")
	token, _, err := i.admin.Login(r.Context(), a.ws.TenantID, username, r.PostForm.Get("password"), web.ClientIP(r), r.UserAgent())
	switch kind := control.KindOf(err); {
	case err == nil:
		if old := web.SessionToken(r); old != "" { // a log-in always means a new session
			if err := i.admin.Logout(r.Context(), old); err != nil {
				web.Event(r.Context()).Err = err
			}
		}
		web.SetSession(w, r, token, strings.HasPrefix(i.publicURL, "https://"))
		redirect(w, i.authorizePath(a)+"?"+r.URL.RawQuery, http.StatusSeeOther)
	case kind == control.TooMany:
		i.loginPage(w, r, a, username, web.ProblemOf(err).Message)
	case kind == control.Unauthenticated:
		i.loginPage(w, r, a, username, "The username or the password is wrong.")
	default:
		i.problemPage(w, r, err)
	}
}

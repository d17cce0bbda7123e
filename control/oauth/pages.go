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
:root{color-scheme:light dark;--fg:#1b2430;--bg:#eef1f5;--card:#fff;--line:#c3ccd8;--edge:#7a8797;--accent:#0b5cad;--bad:#a4161a}
@media(prefers-color-scheme:dark){:root{--fg:#e6ebf2;--bg:#12161c;--card:#1b222c;--line:#3a4656;--edge:#7c8b9f;--accent:#7db8f2;--bad:#ff9c9c}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg)}
main{width:min(26rem,92vw);background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.75rem}
h1{font-size:1.3rem;margin:0 0 .75rem}p{margin:.5rem 0}label{display:block;margin-top:.9rem;font-weight:600}
input{width:100%;padding:.55rem .7rem;margin-top:.25rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--edge);border-radius:6px}
button{margin-top:1.2rem;padding:.55rem 1.1rem;font:inherit;font-weight:600;border-radius:6px;border:1px solid var(--accent);background:transparent;color:var(--accent)}
button.primary{background:var(--accent);color:var(--card)}:focus-visible{outline:3px solid var(--accent);outline-offset:2px}.bad{color:var(--bad);font-weight:600}
ul{padding-left:1.2rem}.providers{list-style:none;padding:0}.or{text-align:center;opacity:.75}
a.button{display:block;margin-top:.6rem;padding:.55rem 1.1rem;text-align:center;font-weight:600;text-decoration:none;border-radius:6px;border:1px solid var(--accent);color:var(--accent)}
</style></head><body><main>
{{if eq .Kind "login"}}<h1>Log in</h1><p>to continue to <strong>{{.Client}}</strong> in the workspace {{.Workspace}}</p>
{{with .Problem}}<p class="bad" role="alert">{{.}}</p>{{end}}
{{if .Static}}<form method="post" action="{{.Action}}"><label for="username">Username</label><input id="username" name="username" value="{{.Username}}" autocomplete="username" autocapitalize="none" required>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>
<button class="primary" name="step" value="login">Log in</button></form>{{end}}
{{if .Providers}}{{if .Static}}<p class="or">or</p>{{end}}<ul class="providers">{{range .Providers}}<li><a class="button" href="{{.Address}}">Log in with {{.Name}}</a></li>{{end}}</ul>
{{else if not .Static}}<p>Nobody can log in to this workspace: it has no identity provider. An administrator can connect one.</p>{{end}}
{{else if eq .Kind "consent"}}<h1>{{.Client}} asks for access</h1><p>You are logged in as <strong>{{.Username}}</strong>. If you allow it, {{.Client}} may act for you in the workspace {{.Workspace}}:</p>
<ul>{{range .Scopes}}<li>{{.}}</li>{{else}}<li>learn who you are</li>{{end}}</ul><p>You will be sent to <strong>{{.Target}}</strong>.</p>
<form method="post"><button class="primary" name="step" value="allow">Allow</button> <button name="step" value="deny">Deny</button></form>
{{else if eq .Kind "logout"}}<h1>Log out?</h1><p>{{with .Username}}You are logged in as <strong>{{.}}</strong>. {{end}}{{with .Client}}{{.}} asks to log you out{{else}}This logs you out{{end}} of the workspace {{.Workspace}} and of the portal.</p>
<form method="post" action="{{.Target}}">{{range $name, $value := .Hidden}}{{if $value}}<input type="hidden" name="{{$name}}" value="{{$value}}">{{end}}{{end}}<button class="primary">Log out</button></form>
{{else}}<h1>{{.Title}}</h1><p>{{.Problem}}</p>{{with .Action}}<p><a class="button" href="{{.}}">Log in as somebody else</a></p>{{end}}{{with .Request}}<p>Request {{.}}</p>{{end}}{{end}}
</main></body></html>
`))

type page struct {
	Kind, Title, Nonce, Client, Workspace, Username, Problem, Target, Request string
	Action                                                                    string // of the log-in form, or where the log-in page is
	Static                                                                    bool   // there is one
	Providers                                                                 []providerLink
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

type providerLink struct{ Name, Address string }

// loginPage shows the ways to log in; query is the authorization request that they go on with.
func (i *Issuer) loginPage(w http.ResponseWriter, r *http.Request, a authorization, query, username, problem string) {
	i.allowForm(w, a)
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnauthorized
	}
	if username == "" {
		if q, err := url.ParseQuery(query); err == nil {
			username = q.Get("login_hint")
		}
	}
	p := page{Kind: "login", Title: "Log in", Client: a.client.Name, Workspace: a.ws.Name, Username: username, Problem: problem,
		Action: i.pagePath(a) + "?" + query}
	all, err := i.admin.IDPs(r.Context(), a.ws.TenantID, a.ws.ID)
	if err != nil {
		i.problemPage(w, r, err)
		return
	}
	for _, idp := range all {
		switch {
		case idp.Disabled:
		case idp.Method == control.MethodStatic:
			p.Static = true
		case idp.Method == control.MethodOIDC:
			p.Providers = append(p.Providers, providerLink{idp.Name, i.pagePath(a) + "/" + idp.ID + "?" + query})
		}
	}
	i.render(w, r, status, p)
}

func (i *Issuer) consentPage(w http.ResponseWriter, r *http.Request, a authorization, user control.User) {
	i.allowForm(w, a)
	target := a.redirectURI
	if u, err := url.Parse(a.redirectURI); err == nil && u.Host != "" {
		target = u.Host
	}
	i.render(w, r, http.StatusOK, page{Kind: "consent", Title: "Allow access", Client: a.client.Name, Workspace: a.ws.Name,
		Username: user.Username, Scopes: a.scopes, Target: target})
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
	next, session, err := i.decide(r, a)
	switch next {
	case stepLogin:
		if hint := r.URL.Query().Get("idp_hint"); hint != "" {
			if p, err := i.admin.LoginIDP(r.Context(), a.ws.TenantID, a.ws.ID, hint); err == nil && p.Method == control.MethodOIDC {
				redirect(w, i.pagePath(a)+"/"+p.ID+"?"+r.URL.RawQuery, http.StatusFound)
				return
			}
		}
		i.loginPage(w, r, a, r.URL.RawQuery, "", "")
	case stepConsent:
		i.consentPage(w, r, a, session.User)
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
		session, err := i.session(r, a.ws)
		switch {
		case control.KindOf(err) == control.Unauthenticated && err != nil:
			i.loginPage(w, r, a, r.URL.RawQuery, "", "The session has ended. Log in again.")
		case err != nil:
			i.problemPage(w, r, err)
		case !mayUse(session.User, a.ws):
			i.sendBack(w, r, a, errorParams(errNoRole))
		default:
			i.issueCode(w, r, a, session)
		}
	default:
		i.problemPage(w, r, refuse(errInvalidRequest, "the form is not one of ours; go back and try again"))
	}
}

func (i *Issuer) login(w http.ResponseWriter, r *http.Request, a authorization) {
	username := r.PostForm.Get("username")
	token, _, err := i.admin.Login(r.Context(), a.ws.TenantID, a.ws.ID, username, r.PostForm.Get("password"), web.ClientIP(r), r.UserAgent())
	switch kind := control.KindOf(err); {
	case err == nil:
		i.begin(w, r, a.ws, token)
		redirect(w, i.onward(a, r.URL.RawQuery, token), http.StatusSeeOther)
	case kind == control.TooMany:
		i.loginPage(w, r, a, r.URL.RawQuery, username, web.ProblemOf(err).Message)
	case kind == control.Unauthenticated:
		i.loginPage(w, r, a, r.URL.RawQuery, username, "The username or the password is wrong.")
	default:
		i.problemPage(w, r, err)
	}
}

// begin gives the browser a new session and ends the one that it had: a log-in always means a new one.
func (i *Issuer) begin(w http.ResponseWriter, r *http.Request, ws control.Workspace, token string) {
	cookie := web.IssuerCookie(ws.TenantID, ws.ID)
	if old := cookie.Value(r); old != "" {
		if err := i.admin.EndSession(r.Context(), old); err != nil {
			web.Event(r.Context()).Err = err
		}
	}
	cookie.Set(w, token, i.secure())
}

// secure: browsers reach us over https.
func (i *Issuer) secure() bool { return strings.HasPrefix(i.publicURL, "https://") }

package portal

import (
	"net/http"

	"portcullis/control/web"
)

// account is the page of the own account.
func (p *portal) account(r *request) error {
	return r.render(http.StatusOK, accountView(r.frame("Account", ""), r.user, formErrors{}))
}

// changePassword ends every session of the user, and starts a new one for this browser.
func (p *portal) changePassword(r *request) error {
	next := r.PostForm.Get("password")
	refuse := func(status int, errs formErrors) error {
		return r.render(status, accountView(r.frame("Account", ""), r.user, errs))
	}
	if next != r.PostForm.Get("again") {
		return refuse(http.StatusUnprocessableEntity, formErrors{fields: map[string]string{"again": "This is not the same. Nothing was changed."}})
	}
	ip, agent := web.ClientIP(r.Request), r.UserAgent()
	token, err := p.admin.ChangePassword(r.ctx(), web.PortalCookie.Value(r.Request), r.PostForm.Get("current"), next, ip, agent)
	if err != nil {
		status, errs, ok := formProblem(err, "current", "password")
		if !ok {
			return err
		}
		return refuse(status, errs)
	}
	web.PortalCookie.Set(r.w, token, p.secure)
	return r.done("/app/account", "password-changed")
}

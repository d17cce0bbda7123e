package portal

import (
	"encoding/json"
	"net/http"

	"portcullis/control"
)

// usersShown bounds the list on the page; the search finds the others.
const usersShown = 500

func (p *portal) workspaceUsers(r *request) error {
	list, err := p.admin.ListWorkspaceUsers(r.ctx(), r.actor, r.wid(), clip(r.query("q"), 200), usersShown)
	if err != nil {
		return err
	}
	return r.render(http.StatusOK, workspaceUsersView(r.frame("Users", "users"), clock{p.now()}, list, r.query("q")))
}

// personForm is a user of a workspace as it is typed.
type personForm struct {
	user       control.User
	attributes string // JSON
	new        bool
	deleting   bool
	errs       formErrors
	password   formErrors
}

func (p *portal) newWorkspaceUser(r *request) error {
	if err := r.needManager(); err != nil {
		return err
	}
	return r.render(http.StatusOK, workspaceUserView(r.frame("Create user", "users"), personForm{new: true}))
}

// typedPerson reads the form.
func typedPerson(r *request, old control.User) (personForm, error) {
	v := personForm{user: old, attributes: r.PostForm.Get("attributes")}
	v.user.WorkspaceID, v.user.Name, v.user.Email, v.user.Attributes = r.wid(), r.value("name"), r.value("email"), nil
	if text := r.value("attributes"); text != "" {
		if json.Unmarshal([]byte(text), &v.user.Attributes) != nil {
			var check control.Checks
			check.Add("attributes", `must be a JSON object, for example {"groups": ["pets"]}`)
			return v, check.Err("user")
		}
	}
	return v, nil
}

func (p *portal) refusePerson(r *request, v personForm, err error) error {
	status, errs, ok := formProblem(err, "username", "name", "email", "attributes", "password")
	if !ok {
		return err
	}
	v.errs = errs
	title := nameOr(v.user.Username, "Create user")
	if v.new {
		title = "Create user"
	}
	return r.render(status, workspaceUserView(r.frame(title, "users"), v))
}

func (p *portal) createWorkspaceUser(r *request) error {
	v, err := typedPerson(r, control.User{})
	v.new, v.user.Username = true, r.value("username")
	if err == nil {
		_, err = p.admin.CreateWorkspaceUser(r.ctx(), r.actor, v.user, r.PostForm.Get("password"))
	}
	if err != nil {
		return p.refusePerson(r, v, err)
	}
	return r.done(in(r.wid(), "users"), "user-created")
}

func (p *portal) person(r *request) (control.User, error) {
	return p.admin.GetWorkspaceUser(r.ctx(), r.actor, r.wid(), r.PathValue("user"))
}

func personOf(u control.User) personForm {
	v := personForm{user: u}
	if len(u.Attributes) > 0 {
		if b, err := json.MarshalIndent(u.Attributes, "", "  "); err == nil {
			v.attributes = string(b)
		}
	}
	return v
}

func (p *portal) editWorkspaceUser(r *request) error {
	u, err := p.person(r)
	if err != nil {
		return err
	}
	v := personOf(u)
	v.deleting = r.query("ask") == "delete"
	return r.render(http.StatusOK, workspaceUserView(r.frame(u.Username, "users"), v))
}

func (p *portal) saveWorkspaceUser(r *request) error {
	old, err := p.person(r)
	if err != nil {
		return err
	}
	v, err := typedPerson(r, old)
	v.user.Disabled = r.value("enabled") == ""
	if err == nil {
		_, err = p.admin.UpdateWorkspaceUser(r.ctx(), r.actor, v.user)
	}
	if err != nil {
		return p.refusePerson(r, v, err)
	}
	return r.done(in(r.wid(), "users", old.ID), "user-saved")
}

func (p *portal) setWorkspacePassword(r *request) error {
	u, err := p.person(r)
	if err != nil {
		return err
	}
	if err := p.admin.SetWorkspacePassword(r.ctx(), r.actor, r.wid(), u.ID, r.PostForm.Get("password")); err != nil {
		status, errs, ok := formProblem(err, "password")
		if !ok {
			return err
		}
		v := personOf(u)
		v.password = errs
		return r.render(status, workspaceUserView(r.frame(u.Username, "users"), v))
	}
	return r.done(in(r.wid(), "users", u.ID), "password-set")
}

func (p *portal) deleteWorkspaceUser(r *request) error {
	if err := p.admin.DeleteWorkspaceUser(r.ctx(), r.actor, r.wid(), r.PathValue("user")); err != nil {
		return err
	}
	return r.done(in(r.wid(), "users"), "user-deleted")
}

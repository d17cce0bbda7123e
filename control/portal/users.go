package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"portcullis/control"
)

// userPath is a path of a user's page; users belong to the tenant, not to a workspace.
func userPath(id string, elements ...string) templ.SafeURL {
	path := "/app/users/" + url.PathEscape(id)
	for _, e := range elements {
		path += "/" + e
	}
	return templ.SafeURL(path)
}

var everyRole = []control.Role{control.NoRole, control.Member, control.Auditor, control.Manager, control.Admin}

// roleOptions are the roles, the given one chosen; -1 stands for "as everywhere".
func roleOptions(chosen control.Role, inherit bool) []option {
	var out []option
	if inherit {
		out = append(out, option{value: "", text: "As in every workspace", chosen: chosen < 0})
	}
	for _, r := range everyRole {
		if inherit && r == control.Admin {
			continue // administrators are the tenant's
		}
		out = append(out, option{value: r.String(), text: r.String(), chosen: r == chosen})
	}
	return out
}

func workspaceRoleOptions(roles map[string]control.Role, workspace string) []option {
	chosen, ok := roles[workspace]
	if !ok {
		chosen = -1
	}
	return roleOptions(chosen, true)
}

func rolesText(roles map[string]control.Role, names map[string]string) string {
	var parts []string
	for id, role := range roles {
		parts = append(parts, nameOr(names[id], id)+": "+role.String())
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

func (p *portal) users(r *request) error {
	if err := r.needAdmin(); err != nil {
		return err
	}
	list, err := p.admin.ListUsers(r.ctx(), r.actor)
	if err != nil {
		return err
	}
	workspaces, err := p.admin.ListWorkspaces(r.ctx(), r.actor)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, w := range workspaces {
		names[w.ID] = w.Name
	}
	return r.render(http.StatusOK, usersView(r.frame("Users", ""), clock{p.now()}, list, names))
}

func (p *portal) newUser(r *request) error {
	if err := r.needAdmin(); err != nil {
		return err
	}
	return p.renderNewUser(r, http.StatusOK, userForm{role: control.Member})
}

func (p *portal) renderNewUser(r *request, status int, v userForm) error {
	var err error
	if v.workspaces, err = p.admin.ListWorkspaces(r.ctx(), r.actor); err != nil {
		return err
	}
	return r.render(status, newUserView(r.frame("Create user", ""), v))
}

// typedUser is the user that was typed. Roles of workspaces that the form did not have stay as they are in old.
func typedUser(r *request, old control.User) control.User {
	u := old
	u.Name = r.value("name")
	u.Role = roleNamed(r.value("role"))
	u.Roles = map[string]control.Role{}
	for id, role := range old.Roles {
		u.Roles[id] = role
	}
	for name := range r.PostForm {
		id, ok := strings.CutPrefix(name, "role.")
		if !ok {
			continue
		}
		if r.value(name) == "" {
			delete(u.Roles, id)
		} else {
			u.Roles[id] = roleNamed(r.value(name))
		}
	}
	return u
}

// roleNamed is a role by its name; a name that there is not gives no role.
func roleNamed(name string) control.Role {
	for _, role := range everyRole {
		if role.String() == name {
			return role
		}
	}
	return control.NoRole
}

func (p *portal) createUser(r *request) error {
	if err := r.needAdmin(); err != nil {
		return err
	}
	u := typedUser(r, control.User{})
	u.Username = r.value("username")
	_, err := p.admin.CreateUser(r.ctx(), r.actor, u, r.PostForm.Get("password"))
	if err != nil {
		status, errs, ok := formProblem(err, "username", "name", "password", "role")
		if !ok {
			return err
		}
		return p.renderNewUser(r, status, userForm{username: u.Username, name: u.Name, role: u.Role, roles: u.Roles, errs: errs})
	}
	return r.done("/app/users", "user-created")
}

// listed is the user of the address.
func (r *request) listed() (control.User, error) {
	if err := r.needAdmin(); err != nil {
		return control.User{}, err
	}
	list, err := r.p.admin.ListUsers(r.ctx(), r.actor)
	if err != nil {
		return control.User{}, err
	}
	for _, u := range list {
		if u.ID == r.PathValue("user") {
			return u, nil
		}
	}
	return control.User{}, control.Errorf(control.NotFound, "", "There is no such user.")
}

func (p *portal) editUser(r *request) error {
	u, err := r.listed()
	if err != nil {
		return err
	}
	return p.renderUser(r, http.StatusOK, u, func(v *userForm) { v.deleting = r.query("ask") == "delete" && !v.self })
}

func (p *portal) renderUser(r *request, status int, u control.User, set func(*userForm)) error {
	v := userForm{id: u.ID, username: u.Username, name: u.Name, role: u.Role, roles: u.Roles, self: u.ID == r.user.ID}
	if !u.Static() {
		v.external = u.IDPID
	}
	set(&v)
	var err error
	if v.workspaces, err = p.admin.ListWorkspaces(r.ctx(), r.actor); err != nil {
		return err
	}
	return r.render(status, editUserView(r.frame(u.Username, ""), v))
}

func (p *portal) saveUser(r *request) error {
	old, err := r.listed()
	if err != nil {
		return err
	}
	u := typedUser(r, old)
	if _, err := p.admin.UpdateUser(r.ctx(), r.actor, u); err != nil {
		status, errs, ok := formProblem(err, "name", "role")
		if !ok {
			return err
		}
		return p.renderUser(r, status, u, func(v *userForm) { v.errs = errs })
	}
	return r.done(userPath(u.ID), "user-saved")
}

// setPassword ends every session of the user; one who sets the own password logs in anew.
func (p *portal) setPassword(r *request) error {
	u, err := r.listed()
	if err != nil {
		return err
	}
	if err := p.admin.SetPassword(r.ctx(), r.actor, u.ID, r.PostForm.Get("password")); err != nil {
		status, errs, ok := formProblem(err, "password")
		if !ok {
			return err
		}
		return p.renderUser(r, status, u, func(v *userForm) { v.password = errs })
	}
	return r.done(userPath(u.ID), "password-set")
}

func (p *portal) deleteUser(r *request) error {
	u, err := r.listed()
	if err != nil {
		return err
	}
	if u.ID == r.user.ID {
		return control.Errorf(control.Malformed, "", "You cannot delete yourself; another administrator can.")
	}
	if err := p.admin.DeleteUser(r.ctx(), r.actor, u.ID); err != nil {
		return err
	}
	return r.done("/app/users", "user-deleted")
}

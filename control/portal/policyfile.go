package portal

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"portcullis/control"
	"portcullis/edge/waist"
)

// maxPolicyFile is the most bytes that are read of an uploaded policy; a longer one is refused on save.
const maxPolicyFile = 256 << 10

// policyFile is the name and the type of a policy as a file.
func policyFile(pol control.Policy) (name, contentType string) {
	switch pol.Language {
	case waist.LanguageRego:
		return pol.ID + ".rego", "text/plain; charset=utf-8"
	case waist.LanguageCedar:
		return pol.ID + ".cedar", "text/plain; charset=utf-8"
	}
	return pol.ID + ".yaml", "application/yaml; charset=utf-8"
}

// downloadPolicy is the stored policy as a file, in the form in which it is edited and uploaded.
func (p *portal) downloadPolicy(r *request) error {
	pol, err := r.policy()
	if err != nil {
		return err
	}
	v, err := pageOf(pol)
	if err != nil {
		return err
	}
	name, contentType := policyFile(pol)
	r.w.Header().Set("Content-Type", contentType)
	r.w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	_, err = io.WriteString(r.w, v.form.text)
	return err
}

// uploadPolicy puts a file into the editor; nothing is saved.
func (p *portal) uploadPolicy(r *request) error {
	pol, err := r.policy()
	if err != nil {
		return err
	}
	if err := r.needManager(); err != nil {
		return err
	}
	v, err := pageOf(pol)
	if err != nil {
		return err
	}
	name, text, err := r.uploaded("file", maxPolicyFile)
	if err != nil {
		status, errs, ok := formProblem(err, "file")
		if !ok {
			return err
		}
		v.uploaded = errs
		return p.renderPolicy(r, status, v)
	}
	v.form.text, v.unsaved = text, "This is the file "+clip(name, 100)+". Save to keep it."
	return p.renderPolicy(r, http.StatusOK, v)
}

// uploaded is the text of a file in a form of multipart/form-data.
func (r *request) uploaded(field string, most int64) (name, text string, err error) {
	refuse := func(format string, args ...any) error {
		e := control.Errorf(control.Invalid, "invalid_file", "the file cannot be read")
		e.Fields = map[string]string{field: control.Errorf(control.Invalid, "", format, args...).Message}
		return e
	}
	file, header, err := r.FormFile(field)
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return "", "", refuse("The file is larger than %d KB.", most>>10)
		}
		return "", "", refuse("Choose a file first.")
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, most+1))
	switch {
	case err != nil:
		return "", "", refuse("The file could not be read to its end; try again.")
	case int64(len(body)) > most:
		return "", "", refuse("The file is larger than %d KB.", most>>10)
	case len(bytes.TrimSpace(body)) == 0:
		return "", "", refuse("The file is empty.")
	case !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0:
		return "", "", refuse("The file is not text in UTF-8.")
	}
	return header.Filename, strings.ReplaceAll(strings.TrimPrefix(string(body), "\ufeff"), "\r\n", "\n"), nil
}

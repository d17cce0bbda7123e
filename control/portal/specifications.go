package portal

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"

	"portcullis/control"
)

// maxDocument is what a form with a specification may have in bytes: the largest document, twice in case it was pasted and
// chosen, and what a form puts around it.
const maxDocument = 13 << 20

// multipartForm reports a form that may carry a file.
func multipartForm(r *http.Request) bool {
	mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && mt == "multipart/form-data"
}

// showImport is the page of a service's specification.
func (p *portal) showImport(r *request) error {
	if err := r.needManager(); err != nil {
		return err
	}
	s, err := r.service()
	if err != nil {
		return err
	}
	return r.render(http.StatusOK, importView(r.frame("Import OpenAPI", "apis"), importPage{service: s, remove: s.WithSpecification && r.query("ask") == "remove"}))
}

// importSpecification shows what a document would change, and changes it once that was seen.
func (p *portal) importSpecification(r *request) error {
	if err := r.needManager(); err != nil {
		return err
	}
	s, err := r.service()
	if err != nil {
		return err
	}
	v := importPage{service: s}
	if err := v.read(r); err != nil {
		return err
	}
	if v.errs.text == "" && len(v.errs.fields) == 0 {
		dry := r.value("action") != "import"
		var result control.SpecificationResult
		if v.url != "" {
			result, err = p.admin.ImportSpecificationFromURL(r.ctx(), r.actor, s.ID, v.url, dry)
		} else {
			result, err = p.admin.ImportSpecification(r.ctx(), r.actor, s.ID, control.SpecificationImport{Text: []byte(v.text), Source: v.source, DryRun: dry})
		}
		if err == nil && !dry {
			return r.done(in(r.wid(), "apis", "authorization")+"#service-"+pathEscape(s.ID), "specification-imported")
		}
		if err == nil {
			v.preview = &result
			return r.render(http.StatusOK, importView(r.frame("Import OpenAPI", "apis"), v))
		}
		var ok bool
		if v.status, v.errs, ok = formProblem(err, "url"); !ok {
			return err
		}
	}
	return r.render(v.status, importView(r.frame("Import OpenAPI", "apis"), v))
}

// read takes the document from the one field that holds it.
func (v *importPage) read(r *request) error {
	v.status = http.StatusUnprocessableEntity
	if !multipartForm(r.Request) {
		v.text, v.url = r.PostForm.Get("text"), r.value("url")
	} else if err := r.ParseMultipartForm(1 << 20); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) || errors.Is(err, multipart.ErrMessageTooLarge) {
			return control.Errorf(control.Malformed, "body_too_large", "The document is too large to be imported. Nothing was changed.")
		}
		return control.Errorf(control.Malformed, "", "The form could not be read. Nothing was changed; go back and try again.")
	} else {
		defer r.MultipartForm.RemoveAll()
		v.text, v.url = r.PostForm.Get("text"), r.value("url")
		if files := r.MultipartForm.File["file"]; len(files) > 0 && files[0].Size > 0 {
			f, err := files[0].Open()
			if err != nil {
				return err
			}
			defer f.Close()
			b, err := io.ReadAll(f)
			if err != nil {
				return err
			}
			if v.text != "" {
				v.errs.text = "A text and a file are given; leave one of them out."
				return nil
			}
			v.text, v.source = string(b), files[0].Filename
		}
	}
	if v.source == "" {
		v.source = clip(r.value("source"), 200)
	}
	switch {
	case v.text == "" && v.url == "":
		v.errs.text = "Paste a document, choose a file, or give a URL."
	case v.text != "" && v.url != "":
		v.errs.text = "A document and a URL are given; leave one of them out."
	}
	return nil
}

// removeSpecification takes the specification's APIs away.
func (p *portal) removeSpecification(r *request) error {
	s, err := r.service()
	if err != nil {
		return err
	}
	if _, err := p.admin.RemoveSpecification(r.ctx(), r.actor, s.ID); err != nil {
		return err
	}
	return r.done(in(r.wid(), "apis", "authorization")+"#service-"+pathEscape(s.ID), "specification-removed")
}

// maxListed bounds the methods of each kind that the preview lists; the numbers are whole.
const maxListed = 200

func listed(all []control.API) []control.API { return all[:min(len(all), maxListed)] }

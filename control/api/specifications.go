package api

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"

	"portcullis/control"
	"portcullis/control/specification"
)

// maxUpload leaves room for what a form puts around a document.
const maxUpload = specification.MaxBytes + 64<<10

// specificationTypes are the media types of a document that is the body.
var specificationTypes = []string{"text/plain", "application/json", "application/yaml"}

// importText takes the body as the document.
func (a *API) importText(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(specificationTypes, mt) {
		return control.Errorf(control.Malformed, "content_type", "the body must be text/plain, application/json or application/yaml: the document itself")
	}
	text, err := readPart(r.Body, specification.MaxBytes)
	if err != nil {
		return err
	}
	return a.importSpecification(w, r, actor, control.SpecificationImport{Text: text, Source: "text"})
}

// importFile takes the document from the field "file" of a form.
func (a *API) importFile(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	if err := servedByAWS(r); err != nil {
		return err
	}
	text, name, err := formField(r, "file", specification.MaxBytes)
	if err != nil {
		return err
	}
	return a.importSpecification(w, r, actor, control.SpecificationImport{Text: text, Source: name})
}

func (a *API) importSpecification(w http.ResponseWriter, r *http.Request, actor control.Actor, in control.SpecificationImport) (err error) {
	if in.DryRun, err = flag(r, "dry_run"); err != nil {
		return err
	}
	out, err := a.Admin.ImportSpecification(r.Context(), actor, r.PathValue("sid"), in)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, out)
}

// importURL fetches the document from the field "url" of a form.
func (a *API) importURL(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	if err := servedByAWS(r); err != nil {
		return err
	}
	dry, err := flag(r, "dry_run")
	if err != nil {
		return err
	}
	address, _, err := formField(r, "url", 4<<10)
	if err != nil {
		return err
	}
	out, err := a.Admin.ImportSpecificationFromURL(r.Context(), actor, r.PathValue("sid"), string(address), dry)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, out)
}

func (a *API) removeSpecification(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	r, err := precondition(r, actor, a.serviceNow)
	if err != nil {
		return err
	}
	out, err := a.Admin.RemoveSpecification(r.Context(), actor, r.PathValue("sid"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, out)
}

// servedByAWS checks gateway_type: the gateways of this server are Amazon's.
func servedByAWS(r *http.Request) error {
	if t := r.URL.Query().Get("gateway_type"); t != "" && t != "aws" {
		return badParameter("gateway_type", "must be aws, or be left out")
	}
	return nil
}

// formField reads one field of a multipart form, and its file name; other fields are refused by name.
func formField(r *http.Request, name string, maxBytes int64) (value []byte, file string, err error) {
	r.Body = http.MaxBytesReader(nil, r.Body, maxUpload)
	form, err := r.MultipartReader()
	if err != nil {
		return nil, "", control.Errorf(control.Malformed, "content_type", "the body must be multipart/form-data with the field %s", name)
	}
	found := false
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, "", unreadable(err)
		}
		switch {
		case part.FormName() != name:
			return nil, "", invalid(clip(part.FormName(), 64), "is not a field of this form; send the field "+name)
		case found:
			return nil, "", invalid(name, "comes twice")
		}
		found = true
		if value, err = readPart(part, maxBytes); err != nil {
			return nil, "", err
		}
		file = clip(part.FileName(), 200)
	}
	if !found {
		return nil, "", invalid(name, "is missing")
	}
	return value, file, nil
}

func readPart(from io.Reader, maxBytes int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(from, maxBytes+1))
	if err != nil {
		return nil, unreadable(err)
	}
	if int64(len(text)) > maxBytes {
		return nil, control.Errorf(control.Malformed, "body_too_large", "this takes at most %d bytes", maxBytes)
	}
	return text, nil
}

func unreadable(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, multipart.ErrMessageTooLarge) {
		return control.Errorf(control.Malformed, "body_too_large", "the body is larger than is accepted here")
	}
	return control.Errorf(control.Malformed, "", "the body could not be read to its end; send it again")
}

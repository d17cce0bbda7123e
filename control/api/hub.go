package api

import (
	"encoding/json"
	"net/http"
	"strconv"

	"portcullis/control"
	"portcullis/control/web"
)

// maxTree bounds the documents of configuration as code, in bytes.
const maxTree = 32 << 20

// document reads a body that is a tree, a dump or a patch of one.
func readDocument(r *http.Request) (any, error) {
	var raw json.RawMessage
	if err := web.DecodeJSON(r, &raw, maxTree); err != nil {
		return nil, err
	}
	return control.ParseTree(raw)
}

// flag reads a query parameter that is true or false.
func flag(r *http.Request, name string) (bool, error) {
	s := r.URL.Query().Get(name)
	if s == "" {
		return false, nil
	}
	v, err := strconv.ParseBool(s)
	if err != nil {
		return false, badParameter(name, "must be true or false")
	}
	return v, nil
}

// importOptions reads mode and dry_run. Without a mode what is there is overwritten, as the published clients ask for.
func importOptions(r *http.Request) (o control.ImportOptions, err error) {
	if o.DryRun, err = flag(r, "dry_run"); err != nil {
		return o, err
	}
	switch o.Mode = r.URL.Query().Get("mode"); o.Mode {
	case "":
		o.Mode = control.ImportUpdate
	case control.ImportIgnore, control.ImportFail, control.ImportUpdate:
	default:
		return o, badParameter("mode", "must be ignore, fail or update")
	}
	return o, nil
}

func (a *API) exportWorkspace(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	credentials, err := flag(r, "with_credentials")
	if err != nil {
		return err
	}
	out, err := a.Admin.ExportWorkspace(r.Context(), actor, r.PathValue("wid"), credentials)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusOK, out)
}

func (a *API) exportTenant(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	credentials, err := flag(r, "with_credentials")
	if err != nil {
		return err
	}
	out, err := a.Admin.ExportTenant(r.Context(), actor, credentials)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusOK, out)
}

func (a *API) dumpTenant(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	credentials, err := flag(r, "with_data")
	if err != nil {
		return err
	}
	out, err := a.Admin.DumpTenant(r.Context(), actor, r.URL.Query().Get("workspace_id"), credentials)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusOK, out)
}

// take is an operation that reads a document and answers 204.
func (a *API) take(do func(r *http.Request, actor control.Actor, document any, o control.ImportOptions) error) verb {
	return func(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
		o, err := importOptions(r)
		if err != nil {
			return err
		}
		document, err := readDocument(r)
		if err != nil {
			return err
		}
		if err := do(r, actor, document, o); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

func (a *API) importWorkspace() verb {
	return a.take(func(r *http.Request, actor control.Actor, document any, o control.ImportOptions) error {
		return a.Admin.ImportWorkspace(r.Context(), actor, r.PathValue("wid"), document, o)
	})
}

func (a *API) importTenant() verb {
	return a.take(func(r *http.Request, actor control.Actor, document any, o control.ImportOptions) error {
		return a.Admin.ImportTenant(r.Context(), actor, document, o)
	})
}

func (a *API) importDump() verb {
	return a.take(func(r *http.Request, actor control.Actor, document any, o control.ImportOptions) error {
		return a.Admin.ImportDump(r.Context(), actor, document, o)
	})
}

// A patcher makes a patch of a body.
type patcher func(document any) (control.Patch, error)

func mergePatch(document any) (control.Patch, error) { return control.MergePatch(document), nil }

func (a *API) patchWorkspace(make patcher) verb {
	return a.take(func(r *http.Request, actor control.Actor, document any, o control.ImportOptions) error {
		patch, err := make(document)
		if err != nil {
			return err
		}
		return a.Admin.PatchWorkspace(r.Context(), actor, r.PathValue("wid"), patch, o)
	})
}

func (a *API) patchTenant(make patcher) verb {
	return a.take(func(r *http.Request, actor control.Actor, document any, o control.ImportOptions) error {
		patch, err := make(document)
		if err != nil {
			return err
		}
		return a.Admin.PatchTenant(r.Context(), actor, patch, o)
	})
}

func (a *API) patchDump() verb {
	return a.take(func(r *http.Request, actor control.Actor, document any, o control.ImportOptions) error {
		patch, err := control.JSONPatch(document)
		if err != nil {
			return err
		}
		return a.Admin.PatchDump(r.Context(), actor, patch, o)
	})
}

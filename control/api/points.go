package api

import (
	"encoding/json"
	"net/http"

	"portcullis/control"
	"portcullis/control/api/openapi"
	"portcullis/control/web"
)

type executionPoints struct {
	Points []control.PolicyExecutionPoint `json:"execution_points"`
}

func (a *API) pointsNow(r *http.Request, actor control.Actor) (any, error) {
	all, err := a.Admin.ListPolicyExecutionPoints(r.Context(), actor, r.PathValue("wid"))
	return executionPoints{all}, err
}

func (a *API) listPoints(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	out, err := a.pointsNow(r, actor)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusOK, out)
}

// setPoints assigns policies to APIs in one transaction; APIs that are not named keep theirs.
func (a *API) setPoints(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in executionPoints
	if err := web.DecodeContract(r, &in, 4*maxBody, web.Contract{Request: new(openapi.SetPolicyExecutionPointsRequest)}); err != nil {
		return err
	}
	r, err := precondition(r, actor, a.pointsNow)
	if err != nil {
		return err
	}
	if err := a.Admin.SetPolicyExecutionPoints(r.Context(), actor, r.PathValue("wid"), in.Points); err != nil {
		return err
	}
	return a.listPoints(w, r, actor)
}

// noted is openapi.Workspace with what was noted about it, as it was noted.
type noted struct {
	openapi.Workspace
	Metadata json.RawMessage `json:"metadata"`
}

// workspaceNow is the workspace as a directory shows it, with what was noted about it.
func (a *API) workspaceNow(r *http.Request, actor control.Actor) (any, error) {
	ws, err := a.Admin.GetWorkspace(r.Context(), actor, r.PathValue("wid"))
	if err != nil {
		return nil, err
	}
	out := a.workspaceOf(ws)
	text, err := a.Admin.WorkspaceMetadata(r.Context(), actor, ws.ID)
	return noted{out, text}, err
}

func (a *API) getWorkspace(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	out, err := a.workspaceNow(r, actor)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusOK, out)
}

func (a *API) updateMetadata(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in map[string]json.RawMessage
	if err := web.DecodeJSON(r, &in, maxBody); err != nil {
		return err
	}
	r, err := precondition(r, actor, a.workspaceNow)
	if err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	if err := a.Admin.SetWorkspaceMetadata(r.Context(), actor, r.PathValue("wid"), body); err != nil {
		return err
	}
	return a.getWorkspace(w, r, actor)
}

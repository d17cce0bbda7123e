package attach

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"portcullis/aws/discover"
	"portcullis/aws/signed"
	"portcullis/edge/waist"
)

// Attacher carries plans out.
type Attacher struct {
	Client *signed.Client
	Now    func() time.Time
	// Apply is AWS_CREATE_AUTHORIZER: without it nothing is changed and the plan is reported.
	Apply         bool
	Replace       bool
	UnboundStages bool
	// TTL is for how many seconds API Gateway may keep answers, where Wanted.Caching says that it may; 0 is not at all.
	TTL int

	mu        sync.Mutex
	permitted map[string]time.Time // function ARN -> when the permission was last confirmed
	refused   time.Time            // when IAM last refused to look after it
	emptied   map[string]flushed   // API group -> what its cache was last emptied for
}

// Wanted is what a run is to bring about.
type Wanted struct {
	Bound       map[string]bool // ids of the bound API groups
	FunctionARN string          // whom the authorizers call
	Revision    int64           // of the configuration; a new one empties caches
	Caching     map[string]Caching
}

// Report of one run over all REST APIs.
type Report struct {
	Changed  int
	Flushed  int // caches of stages that were emptied
	Redeploy []string
	Notes    []string // what was left alone, and why
	Problems []string // what went wrong, with the missing permission where IAM refused
	Plan     []string // AWS CLI lines, only when nothing may be changed
	Complete bool     // false: the time ran out, the next run goes on
}

// maxPlanLines bounds the plan in a report; the log is no place for thousands of lines.
const maxPlanLines = 200

// permissionEvery is how often the permission is asked for again: somebody may have removed it.
const permissionEvery = 10 * time.Minute

// Run brings every REST API to the state that the bound groups ask for. apis is updated to what was done. It goes on
// after a failure, with the next method or API.
func (a *Attacher) Run(ctx context.Context, apis []discover.API, w Wanted) Report {
	rep := Report{Complete: true}
	functionARN, bound := w.FunctionARN, w.Bound
	stop := func(err error) Report {
		rep.Complete = false
		if signed.IsThrottled(err) {
			rep.Problems = append(rep.Problems, fmt.Sprintf("the account's API Gateway takes no more calls for now; the next event goes on: %v", err))
		}
		return rep
	}
	asked := false // whether API Gateway asks us for a bound stage
	for i := range apis {
		api := &apis[i]
		if api.Protocol != "" {
			rep.Notes = append(rep.Notes, byHand(api, &w)...)
			continue
		}
		plan := a.plan(api, &w)
		rep.Notes = append(append(rep.Notes, plan.Notes...), plan.Caching...)
		switch {
		case !a.Apply:
			rep.Plan = append(rep.Plan, a.commands(&plan, functionARN)...)
		case !plan.Empty():
			if err := a.apply(ctx, &plan, functionARN, &rep); err != nil {
				rep.Redeploy = append(rep.Redeploy, Redeploy(api, functionARN, bound)...)
				return stop(err)
			}
		}
		asked = asked || plan.bound && plan.anyAttached(functionARN)
		rep.Redeploy = append(rep.Redeploy, Redeploy(api, functionARN, bound)...)
		if err := a.settle(ctx, &plan, &w, &rep); err != nil {
			return stop(err)
		}
	}
	if asked && a.Apply {
		if err := a.keepPermitted(ctx, functionARN, &rep); err != nil {
			return stop(err)
		}
	}
	if len(rep.Plan) > maxPlanLines {
		rep.Plan = append(rep.Plan[:maxPlanLines], fmt.Sprintf("# and %d more", len(rep.Plan)-maxPlanLines))
	}
	return rep
}

// byHand says which bound stages of an HTTP or WebSocket API have routes that do not ask us: their authorizer is put there
// by whoever made the API.
func byHand(api *discover.API, w *Wanted) (notes []string) {
	open := 0
	for i := range api.Resources {
		for verb, m := range api.Resources[i].Methods {
			if verb != "OPTIONS" && api.InFront(m, w.FunctionARN) != waist.AuthorizerOurs {
				open++
			}
		}
	}
	for _, s := range api.Stages {
		if open > 0 && w.Bound[waist.GroupID(api.ID, s.Name)] {
			notes = append(notes, fmt.Sprintf("%s/%s: %d routes of this %s API do not ask this function: give them its authorizer in your own code", api.Name, s.Name, open, api.Protocol))
		}
	}
	return notes
}

func (a *Attacher) plan(api *discover.API, w *Wanted) Plan {
	return Make(api, w.Bound, Options{FunctionARN: w.FunctionARN, Replace: a.Replace, UnboundStages: a.UnboundStages, Wanted: w, TTL: a.TTL, Previous: previous(api)})
}

// apply carries out one plan. Its error means that the time ran out; everything else is a problem in the report.
func (a *Attacher) apply(ctx context.Context, p *Plan, functionARN string, rep *Report) error {
	problem := func(err error) {
		rep.Problems = append(rep.Problems, fmt.Sprintf("REST API %s (%s): %v", p.API.Name, p.API.ID, err))
	}
	if len(p.Attach) > 0 || p.Create {
		// The permission comes first: a method that asks a function it may not call answers 500.
		if err := a.permit(ctx, functionARN); err != nil {
			if outOfTime(ctx, err) {
				return err
			}
			problem(err)
			return nil
		}
	}
	if p.Cache.TTL > 0 && (p.Create || p.Repair) {
		if err := a.mark(ctx, p.API); err != nil {
			if outOfTime(ctx, err) {
				return err
			}
			problem(err)
			p.Cache = discover.Cache{} // what cannot be found again is not kept
			ours := findOurs(p.API, functionARN)
			p.Repair = ours != nil && edited(ours).TTL > 0
		}
	}
	if p.Create {
		id, err := a.create(ctx, p.API, p.Cache, functionARN)
		if err != nil {
			if outOfTime(ctx, err) {
				return err
			}
			problem(err)
			return nil
		}
		p.Authorizer = id
	}
	if p.Repair {
		if err := a.repair(ctx, p.API, p.Authorizer, p.Cache); err != nil {
			if outOfTime(ctx, err) {
				return err
			}
			problem(err)
		}
	}
	if err := a.remember(ctx, p); err != nil {
		if outOfTime(ctx, err) {
			return err
		}
		problem(err)
		p.Attach = onlyOpen(p.Attach) // what cannot be remembered is not replaced
	}
	failures := len(rep.Problems)
	for _, step := range append(p.Attach, p.Detach...) {
		if step.To.AuthorizationType == "CUSTOM" && step.To.AuthorizerID == "" {
			step.To.AuthorizerID = p.Authorizer
		}
		err := a.patch(ctx, p.API, step)
		switch {
		case err == nil:
			rep.Changed++
			setMethod(p.API, step)
		case outOfTime(ctx, err):
			return err
		case signed.IsNotFound(err): // deleted since it was read
		default:
			if step.To.AuthorizerID == p.Authorizer && authorizerGone(err) {
				problem(errors.New("our authorizer was deleted since the account was read; the next event makes it anew"))
				return nil
			}
			problem(fmt.Errorf("%s %s: %w", step.Verb, step.Path, err))
			if signed.IsDenied(err) {
				return nil // the rest of this API would be refused as well
			}
		}
	}
	if len(p.Detach) > 0 && len(rep.Problems) == failures { // everything is restored: the records have done their work
		if err := a.writeRecords(ctx, p.API, nil); err != nil && !outOfTime(ctx, err) {
			problem(err)
		}
	}
	return nil
}

func onlyOpen(steps []Step) []Step {
	var out []Step
	for _, s := range steps {
		if s.From.AuthorizationType == "" || s.From.AuthorizationType == "NONE" {
			out = append(out, s)
		}
	}
	return out
}

func setMethod(api *discover.API, step Step) {
	for i := range api.Resources {
		if api.Resources[i].ID == step.ResourceID {
			methods := maps.Clone(api.Resources[i].Methods) // it is shared with other resources
			methods[step.Verb] = step.To
			api.Resources[i].Methods = methods
		}
	}
}

// outOfTime reports that a run has to stop: its time is over, or API Gateway takes no more calls of this account for now.
// The next run goes on.
func outOfTime(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || signed.IsThrottled(err)
}

// authorizerGone reports that a method was not attached because our authorizer is no longer there.
func authorizerGone(err error) bool {
	var e *signed.Error
	return errors.As(err, &e) && e.Status == http.StatusBadRequest && strings.HasPrefix(e.Message, "Invalid authorizer ID specified")
}

// patchOperation is one operation of an API Gateway PATCH.
type patchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value"`
}

type patchBody struct {
	Operations []patchOperation `json:"patchOperations"`
}

func replace(pairs ...string) patchBody {
	var b patchBody
	for i := 0; i+1 < len(pairs); i += 2 {
		b.Operations = append(b.Operations, patchOperation{"replace", pairs[i], pairs[i+1]})
	}
	return b
}

func (a *Attacher) call(operation, method, path string, body any) signed.Call {
	return signed.Call{Service: "apigateway", Operation: operation, Method: method, Path: path, Body: body,
		Action: a.Client.APIGatewayAction(method, path)}
}

// patch changes one method. Type and authorizer go in one call: API Gateway ignores an authorizer id while the type is
// NONE and refuses CUSTOM without one.
func (a *Attacher) patch(ctx context.Context, api *discover.API, s Step) error {
	body := replace("/authorizationType", s.To.AuthorizationType)
	if s.To.AuthorizerID != "" {
		body = replace("/authorizationType", s.To.AuthorizationType, "/authorizerId", s.To.AuthorizerID)
	}
	path := "/restapis/" + url.PathEscape(api.ID) + "/resources/" + url.PathEscape(s.ResourceID) + "/methods/" + url.PathEscape(s.Verb)
	return a.Client.Do(ctx, a.call("UpdateMethod", http.MethodPatch, path, body), nil)
}

// create makes our authorizer: REQUEST; without a cache also without identity source, so that it is asked for every
// request, those without a credential included.
func (a *Attacher) create(ctx context.Context, api *discover.API, c discover.Cache, functionARN string) (string, error) {
	path := "/restapis/" + url.PathEscape(api.ID) + "/authorizers"
	body := map[string]any{"name": Name, "type": "REQUEST", "authorizerUri": a.uri(functionARN), "identitySource": c.IdentitySource, "authorizerResultTtlInSeconds": c.TTL}
	var out discover.Authorizer
	if err := a.Client.Do(ctx, a.call("CreateAuthorizer", http.MethodPost, path, body), &out); err != nil {
		return "", err
	}
	if out.ID == "" {
		return "", errors.New("CreateAuthorizer: the answer has no id")
	}
	out.Name, out.Type, out.URI, out.TTL, out.IdentitySource = Name, "REQUEST", a.uri(functionARN), &c.TTL, c.IdentitySource
	api.Authorizers = append(api.Authorizers, out)
	return out.ID, nil
}

// repair sets what our authorizer keeps.
func (a *Attacher) repair(ctx context.Context, api *discover.API, id string, c discover.Cache) error {
	path := "/restapis/" + url.PathEscape(api.ID) + "/authorizers/" + url.PathEscape(id)
	return a.Client.Do(ctx, a.call("UpdateAuthorizer", http.MethodPatch, path, replace("/authorizerResultTtlInSeconds", strconv.Itoa(c.TTL), "/identitySource", c.IdentitySource)), nil)
}

func (a *Attacher) uri(functionARN string) string {
	return "arn:" + signed.Partition(a.Client.Region) + ":apigateway:" + a.Client.Region + ":lambda:path/2015-03-31/functions/" + functionARN + "/invocations"
}

// permit lets API Gateway invoke the function for any authorizer of this account and region: one statement, since a
// function policy holds 20,480 bytes at most. SourceAccount keeps other accounts out.
func (a *Attacher) permit(ctx context.Context, functionARN string) error {
	a.mu.Lock()
	at, done := a.permitted[functionARN]
	a.mu.Unlock()
	if done && a.now().Sub(at) < permissionEvery {
		return nil
	}
	f, err := parseFunction(functionARN)
	if err != nil {
		return err
	}
	call := signed.Call{Service: "lambda", Operation: "AddPermission", Method: http.MethodPost,
		Path: "/2015-03-31/functions/" + url.PathEscape(f.name) + "/policy", Action: "lambda:AddPermission on " + functionARN,
		Body: map[string]string{
			"StatementId": statementID, "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
			"SourceArn": f.sourceARN(), "SourceAccount": f.account,
		}}
	if f.qualifier != "" {
		call.Query = url.Values{"Qualifier": {f.qualifier}}
	}
	if err := a.Client.Do(ctx, call, nil); err != nil && !signed.IsConflict(err) {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.permitted == nil {
		a.permitted = map[string]time.Time{}
	}
	a.permitted[functionARN] = a.now()
	return nil
}

const statementID = "portcullis-apigateway-authorizers"

// keepPermitted gives the permission anew where methods are attached already: somebody may have removed it, and then every
// request to them is answered 500. A role that may not do that did it once, or its installer did; it is worth a note.
func (a *Attacher) keepPermitted(ctx context.Context, functionARN string, rep *Report) error {
	a.mu.Lock()
	since := a.now().Sub(a.refused)
	a.mu.Unlock()
	if since < permissionEvery {
		return nil
	}
	err := a.permit(ctx, functionARN)
	switch {
	case err == nil:
	case outOfTime(ctx, err):
		return err
	case signed.IsDenied(err):
		rep.Notes = append(rep.Notes, fmt.Sprintf("whether API Gateway may still call the function is not looked after: %v", err))
		a.mu.Lock()
		a.refused = a.now()
		a.mu.Unlock()
	default:
		rep.Problems = append(rep.Problems, err.Error())
	}
	return nil
}

func (a *Attacher) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}

// function is a Lambda function's ARN in parts.
type function struct{ partition, region, account, name, qualifier string }

func parseFunction(arn string) (function, error) {
	p := strings.Split(arn, ":")
	if len(p) < 7 || len(p) > 8 || p[0] != "arn" || p[2] != "lambda" || p[5] != "function" || p[4] == "" || p[6] == "" {
		return function{}, errors.New("the function's ARN is not known (arn:aws:lambda:{region}:{account}:function:{name}); set AWS_AUTHORIZER_ARN")
	}
	f := function{partition: p[1], region: p[3], account: p[4], name: p[6]}
	if len(p) == 8 {
		f.qualifier = p[7]
	}
	return f, nil
}

func (f function) sourceARN() string {
	return "arn:" + f.partition + ":execute-api:" + f.region + ":" + f.account + ":*/authorizers/*"
}

// commands is the plan as AWS CLI lines.
func (a *Attacher) commands(p *Plan, functionARN string) []string {
	if p.Empty() {
		return nil
	}
	var out []string
	id := p.Authorizer
	for _, line := range p.Caching {
		out = append(out, comment("#", "%s", line))
	}
	if p.Create {
		if f, err := parseFunction(functionARN); err == nil {
			q := ""
			if f.qualifier != "" {
				q = " --qualifier " + f.qualifier
			}
			out = append(out, fmt.Sprintf("aws lambda add-permission --function-name %s%s --statement-id %s --action lambda:InvokeFunction --principal apigateway.amazonaws.com --source-arn '%s' --source-account %s",
				f.name, q, statementID, f.sourceARN(), f.account))
		}
		source := ""
		if p.Cache.IdentitySource != "" {
			source = " --identity-source '" + p.Cache.IdentitySource + "'"
		}
		out = append(out, fmt.Sprintf("aws apigateway create-authorizer --rest-api-id %s --name %s --type REQUEST --authorizer-uri '%s' --authorizer-result-ttl-in-seconds %d%s --query id --output text  # this is $AUTHORIZER_ID below",
			p.API.ID, Name, a.uri(functionARN), p.Cache.TTL, source))
		id = "$AUTHORIZER_ID"
	}
	if p.Cache.TTL > 0 && p.API.Tags[discover.TagCaching] == "" {
		out = append(out, fmt.Sprintf("aws apigateway tag-resource --resource-arn %s --tags %s=true", a.restAPI(p.API), discover.TagCaching))
	}
	if p.Repair {
		out = append(out, fmt.Sprintf("aws apigateway update-authorizer --rest-api-id %s --authorizer-id %s --patch-operations op=replace,path=/authorizerResultTtlInSeconds,value=%d op=replace,path=/identitySource,value='%s'", p.API.ID, id, p.Cache.TTL, strings.ReplaceAll(p.Cache.IdentitySource, ",", `\,`)))
	}
	for _, s := range append(p.Attach, p.Detach...) {
		ops := "op=replace,path=/authorizationType,value=" + s.To.AuthorizationType
		if s.To.AuthorizationType == "CUSTOM" && s.To.AuthorizerID == "" {
			s.To.AuthorizerID = id
		}
		if s.To.AuthorizerID != "" {
			ops += " op=replace,path=/authorizerId,value=" + s.To.AuthorizerID
		}
		out = append(out, fmt.Sprintf("aws apigateway update-method --rest-api-id %s --resource-id %s --http-method %s --patch-operations %s  # %s", p.API.ID, s.ResourceID, s.Verb, ops, s.Path))
	}
	return out
}

package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func (w *walk) prerequisites() []step {
	return []step{
		{"Import the pet store into API Gateway and deploy it to stage dev", func(ctx context.Context) (string, error) {
			api, err := w.gateway.ImportRestApi(ctx, &apigateway.ImportRestApiInput{Body: w.shop.definition(),
				Parameters: map[string]string{"endpointConfigurationTypes": "REGIONAL"}})
			if err != nil {
				return "", err
			}
			w.restAPIID = aws.ToString(api.Id)
			w.invokeURL = fmt.Sprintf("%s/_aws/execute-api/%s/%s", w.world.awsURL, w.restAPIID, stage)
			if err := w.deploy(ctx, "before Portcullis"); err != nil {
				return "", err
			}
			return fmt.Sprintf("REST API %s, invoke URL %s", w.restAPIID, w.invokeURL), nil
		}},
		{"curl {invoke_url}/pets: nothing stands in front of it", func(ctx context.Context) (string, error) {
			return w.expect(ctx, http.MethodGet, "/pets", "", http.StatusOK, "Rex")
		}},
	}
}

func (w *walk) deploy(ctx context.Context, description string) error {
	_, err := w.gateway.CreateDeployment(ctx, &apigateway.CreateDeploymentInput{RestApiId: &w.restAPIID,
		StageName: aws.String(stage), Description: &description})
	return err
}

func (w *walk) selectWorkspace() []step {
	return []step{
		{"Log in to the portal; the Workspace Directory opens", func(ctx context.Context) (string, error) {
			err := w.acp.enter(ctx, "admin", w.world.adminPassword, "Workspace Directory", workspace)
			if err != nil {
				return "", err
			}
			return "workspace " + workspace + " is there", w.acp.login(ctx, w.world.clientID, w.world.clientSecret)
		}},
	}
}

func (w *walk) createGateway() []step {
	return []step{
		{"APIs › GATEWAYS › ADD GATEWAY: Amazon API Gateway, name, description, NEXT", func(ctx context.Context) (string, error) {
			var gw struct {
				ID        string `json:"id"`
				IssuerURL string `json:"issuer_url"`
				Client    struct {
					ID     string `json:"client_id"`
					Secret string `json:"client_secret"`
				} `json:"client"`
			}
			request := map[string]any{"server_id": workspace, "type": "aws", "name": "AWS", "description": "The pet store's account"}
			if err := w.acp.do(ctx, http.MethodPost, "/gateways", request, &gw, http.StatusCreated); err != nil {
				return "", err
			}
			w.gatewayID, w.acpClientID, w.acpSecret, w.acpURL = gw.ID, gw.Client.ID, gw.Client.Secret, gw.IssuerURL
			if w.acpClientID == "" || len(w.acpSecret) < 32 || w.acpURL == "" {
				return "", fmt.Errorf("the new gateway lacks its client id, secret or issuer URL")
			}
			return "gateway " + gw.ID + " created", w.acp.page(ctx, "/app/"+workspace+"/gateways/"+gw.ID, "QUICK START", "APIS", "SETTINGS", "DOWNLOAD AUTHORIZER", "CONNECT TO YOUR APIS")
		}},
		{"You can add only one AWS API gateway per workspace: a second is refused", func(ctx context.Context) (string, error) {
			request := map[string]any{"server_id": workspace, "type": "aws", "name": "Another"}
			return "409 Conflict", w.acp.do(ctx, http.MethodPost, "/gateways", request, nil, http.StatusConflict)
		}},
		{"SETTINGS: copy ACP_CLIENT_ID, ACP_CLIENT_SECRET and ACP_ISSUER_URL", func(ctx context.Context) (string, error) {
			return fmt.Sprintf("ACP_CLIENT_ID=%s  ACP_CLIENT_SECRET=(%d characters)  ACP_ISSUER_URL=%s", w.acpClientID, len(w.acpSecret), w.acpURL),
				w.acp.page(ctx, "/app/"+workspace+"/gateways/"+w.gatewayID+"/settings", "ACP_CLIENT_ID", "ACP_CLIENT_SECRET", "ACP_ISSUER_URL", w.acpClientID, w.acpURL)
		}},
	}
}

func (w *walk) configureLambda() []step {
	return []step{
		{"DOWNLOAD AUTHORIZER; create function " + functionName + ", handler " + handlerName + ", upload the zip, set the environment", w.createFunction},
		{"Add a trigger: EventBridge rule " + ruleName + ", rate(1 minute)", w.addTrigger},
		{"Without permissions the authorizer finds nothing yet", func(ctx context.Context) (string, error) {
			if err := w.fire(ctx); err != nil {
				return "", err
			}
			var groups groupList
			if err := w.acp.do(ctx, http.MethodGet, "/gateways/"+w.gatewayID+"/groups", nil, &groups, http.StatusOK); err != nil {
				return "", err
			}
			if len(groups.Groups) != 0 {
				return "", fmt.Errorf("%d API groups were found although the role may not read API Gateway", len(groups.Groups))
			}
			return "0 API groups: IAM denies apigateway:GET", nil
		}},
		{"Configure Lambda permissions: inline policy with API Gateway (all actions, all resources) and Lambda (all actions, this function)", w.grant},
	}
}

// createFunction follows "Create a function". The guide's runtime, Go 1.x, can no longer be created at AWS;
// provided.al2023 takes its place and ignores the handler, which the guide sets all the same.
func (w *walk) createFunction(ctx context.Context) (string, error) {
	var zip []byte
	if err := w.acp.do(ctx, http.MethodGet, "/gateways/"+w.gatewayID+"/package?arch="+w.packageArch, nil, &zip, http.StatusOK); err != nil {
		return "", err
	}
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	role, err := w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(roleName), AssumeRolePolicyDocument: &trust})
	if err != nil {
		return "", err
	}
	w.roleARN = aws.ToString(role.Role.Arn)
	fn, err := w.lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName:  aws.String(functionName),
		Runtime:       lambdatypes.RuntimeProvidedal2023,
		Handler:       aws.String(handlerName),
		Role:          &w.roleARN,
		Architectures: []lambdatypes.Architecture{lambdatypes.Architecture(w.packageArch)},
		MemorySize:    aws.Int32(128),
		Timeout:       aws.Int32(10),
		Code:          &lambdatypes.FunctionCode{ZipFile: zip},
		Environment: &lambdatypes.Environment{Variables: map[string]string{
			"ACP_CLIENT_ID": w.acpClientID, "ACP_CLIENT_SECRET": w.acpSecret, "ACP_ISSUER_URL": w.acpURL,
			"CONFIG_REFRESH_INTERVAL": w.flags.Refresh.String(), "INJECT_CONTEXT": "true"}},
	})
	if err != nil {
		return "", err
	}
	w.functionARN = aws.ToString(fn.FunctionArn)
	err = lambda.NewFunctionActiveV2Waiter(w.lambda).Wait(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(functionName)}, 30*time.Second)
	return fmt.Sprintf("%.1f MB (%s), SHA-256 %x…, runtime provided.al2023\n%s", float64(len(zip))/1e6, w.packageArch, sha256.Sum256(zip), w.functionARN), err
}

func (w *walk) addTrigger(ctx context.Context) (string, error) {
	rule, err := w.events.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String(ruleName), ScheduleExpression: aws.String("rate(1 minute)"), State: eventtypes.RuleStateEnabled})
	if err != nil {
		return "", err
	}
	_, err = w.lambda.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: aws.String(functionName), StatementId: aws.String(ruleName),
		Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com"), SourceArn: rule.RuleArn})
	if err != nil {
		return "", err
	}
	targets, err := w.events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String(ruleName), Targets: []eventtypes.Target{{Id: aws.String("authorizer"), Arn: &w.functionARN}}})
	if err != nil {
		return "", err
	}
	if targets.FailedEntryCount != 0 {
		return "", fmt.Errorf("PutTargets: %s", aws.ToString(targets.FailedEntries[0].ErrorMessage))
	}
	return aws.ToString(rule.RuleArn), nil
}

func (w *walk) grant(ctx context.Context) (string, error) {
	policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []map[string]string{
		{"Effect": "Allow", "Action": "apigateway:*", "Resource": "*"},
		{"Effect": "Allow", "Action": "lambda:*", "Resource": w.functionARN}}})
	if err != nil {
		return "", err
	}
	_, err = w.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String(roleName), PolicyName: aws.String("protect-apis"), PolicyDocument: aws.String(string(policy))})
	return "policy protect-apis on role " + roleName, err
}

// fire lets the rule fire now, so that nobody waits a minute, and returns when the function has answered.
func (w *walk) fire(ctx context.Context) error {
	q := url.Values{"rule": {ruleName}, "account": {w.flags.AWSAccount}, "region": {w.flags.AWSRegion}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.world.awsURL+"/_aws/events/fire?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := w.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the local AWS answered %s when asked to fire rule %s", resp.Status, ruleName)
	}
	return nil
}

type groupList struct {
	Groups []struct {
		ID        string `json:"id"`
		Name      string `json:"name"`
		ServiceID string `json:"service_id"`
		APIs      []struct{ Method, Path string }
	} `json:"groups"`
}

func (w *walk) connectService() []step {
	return []step{
		{"CONNECT TO YOUR APIS: the API groups of the account appear in the APIS tab", func(ctx context.Context) (string, error) {
			if err := w.fire(ctx); err != nil {
				return "", err
			}
			var what string
			err := eventually(ctx, 30*time.Second, "API group PetStore/"+stage+" to be discovered", func(ctx context.Context) (bool, error) {
				var groups groupList
				if err := w.acp.do(ctx, http.MethodGet, "/gateways/"+w.gatewayID+"/groups", nil, &groups, http.StatusOK); err != nil {
					return false, err
				}
				for _, g := range groups.Groups {
					if g.Name == "PetStore/"+stage {
						w.groupID, what = g.ID, fmt.Sprintf("%s, %d APIs", g.Name, len(g.APIs))
						return true, nil
					}
				}
				return false, nil
			})
			if err != nil {
				return "", err
			}
			return what, w.acp.page(ctx, "/app/"+workspace+"/gateways/"+w.gatewayID+"/apis", "PetStore/"+stage)
		}},
		{"Bind the API group to a new service", func(ctx context.Context) (string, error) {
			var service struct {
				ID string `json:"id"`
			}
			err := w.acp.do(ctx, http.MethodPost, "/services", map[string]any{"authorization_server_id": workspace, "name": "Pet store"}, &service, http.StatusCreated)
			if err != nil {
				return "", err
			}
			w.serviceID = service.ID
			if err := w.acp.page(ctx, "/app/"+workspace+"/apis", "AUTHORIZATION", "GATEWAYS", "Pet store", "ADD GATEWAY API"); err != nil {
				return "", err
			}
			return "service Pet store, bound to PetStore/" + stage,
				w.acp.do(ctx, http.MethodPost, "/gateways/"+w.gatewayID+"/groups/"+w.groupID+"/bind", map[string]string{"service_id": service.ID}, nil, http.StatusOK)
		}},
		{"The authorizer attaches itself to the methods of the bound group", func(ctx context.Context) (string, error) {
			if err := w.fire(ctx); err != nil {
				return "", err
			}
			var what string
			err := eventually(ctx, 40*time.Second, "every method but OPTIONS to have the authorizer", func(ctx context.Context) (done bool, err error) {
				what, done, err = w.attached(ctx)
				return done, err
			})
			return what, err
		}},
		{"Until the stage is deployed, API Gateway still answers without the authorizer", func(ctx context.Context) (string, error) {
			return w.expect(ctx, http.MethodGet, "/pets", "invalid_token", http.StatusOK, `"context":{}`)
		}},
		{"Resources › Actions › Deploy API: stage dev", func(ctx context.Context) (string, error) {
			return "deployed", w.deploy(ctx, "with the authorizer")
		}},
	}
}

// attached reports whether every method except OPTIONS has an authorizer in the edited API.
func (w *walk) attached(ctx context.Context) (what string, done bool, err error) {
	resources, err := w.gateway.GetResources(ctx, &apigateway.GetResourcesInput{RestApiId: &w.restAPIID, Embed: []string{"methods"}, Limit: aws.Int32(500)})
	if err != nil {
		return "", false, err
	}
	var with, without int
	for _, r := range resources.Items {
		for verb, m := range r.ResourceMethods {
			custom := aws.ToString(m.AuthorizationType) == "CUSTOM"
			if verb == http.MethodOptions {
				if custom {
					return "", false, fmt.Errorf("OPTIONS %s has the authorizer: a browser's preflight would be refused", aws.ToString(r.Path))
				}
				continue
			}
			if custom {
				with++
			} else {
				without++
			}
		}
	}
	return fmt.Sprintf("%d methods, OPTIONS left alone", with), with > 0 && without == 0, nil
}

func (w *walk) applyPolicy() []step {
	return []step{
		{"Without a policy (None) the API stays open: GET /pets is 200", func(ctx context.Context) (string, error) {
			// The authorizer has to see the binding first: that takes at most one refresh interval.
			var last string
			err := eventually(ctx, w.flags.Refresh+15*time.Second, "GET /pets to be answered through the authorizer", func(ctx context.Context) (bool, error) {
				r, err := w.curl(ctx, http.MethodGet, "/pets", "")
				last = r.String()
				return r.status == http.StatusOK && strings.Contains(r.body, `"principalId":"anonymous"`), err
			})
			return last, err
		}},
		{"Create a policy: the token must come from this workspace", func(ctx context.Context) (string, error) {
			issuer := w.world.portalURL + "/default/" + workspace
			var created struct {
				ID string `json:"id"`
			}
			err := w.acp.do(ctx, http.MethodPost, "/policies", map[string]any{"server_id": workspace, "policy_name": "Known caller", "type": "api", "language": "cloudentity",
				"validators": []any{map[string]any{"name": "identity-context", "conf": map[string]any{"fields": []any{
					map[string]any{"field": "iss", "comparator": "equals", "value": issuer}}}}}}, &created, http.StatusCreated)
			w.policyID = created.ID
			return "policy " + created.ID, err
		}},
		{"Create another one in Rego: pet 3 is not for visitors", func(ctx context.Context) (string, error) {
			var created struct {
				ID string `json:"id"`
			}
			rego := "package acp.authz\n\ndefault allow = false\n\nallow {\n\tinput.authn_ctx.sub\n\tinput.request.path_params.petId != \"3\"\n}\n"
			err := w.acp.do(ctx, http.MethodPost, "/policies", map[string]any{"server_id": workspace, "policy_name": "Not the fish", "type": "api", "language": "rego",
				"definition": rego}, &created, http.StatusCreated)
			w.regoPolicyID = created.ID
			return "policy " + created.ID, err
		}},
		{"APIs › AUTHORIZATION: select an API with status None, Edit API: Policy, Update", func(ctx context.Context) (string, error) {
			assigned, err := w.assign(ctx, map[string]string{"GET /pets": w.policyID, "GET /pets/{petId}": w.regoPolicyID})
			if err != nil {
				return "", err
			}
			return assigned, w.acp.page(ctx, "/app/"+workspace+"/apis", "Pet store", "/pets/{petId}", "Known caller", "None")
		}},
	}
}

// assign gives the named APIs of the service their policies.
func (w *walk) assign(ctx context.Context, policies map[string]string) (string, error) {
	var list struct {
		APIs []struct {
			ID, Method, Path string
		} `json:"apis"`
	}
	if err := w.acp.do(ctx, http.MethodGet, "/services/"+w.serviceID+"/apis", nil, &list, http.StatusOK); err != nil {
		return "", err
	}
	var done []string
	for _, api := range list.APIs {
		policy, wanted := policies[api.Method+" "+api.Path]
		if !wanted {
			continue
		}
		if err := w.acp.do(ctx, http.MethodPut, "/apis/"+api.ID, map[string]string{"policy_id": policy}, nil, http.StatusOK); err != nil {
			return "", err
		}
		done = append(done, api.Method+" "+api.Path+": "+policy)
	}
	w.assigned = time.Now()
	if len(done) != len(policies) {
		return "", fmt.Errorf("of %d APIs to protect, the service has %d", len(policies), len(done))
	}
	return strings.Join(done, "\n"), nil
}

func (w *walk) confirm() []step {
	const denied = `{"Message":"User is not authorized to access this resource with an explicit deny"}`
	return []step{
		{`curl -v {invoke_url}/pets -H "Authorization: Bearer invalid_token"`, func(ctx context.Context) (string, error) {
			// The policy is in force within the refresh interval; before that the API is still open. Each environment of
			// the function keeps that interval by itself, so the first 403 does not speak for all of them.
			var r reply
			err := eventually(ctx, w.flags.Refresh+15*time.Second, "403 Forbidden", func(ctx context.Context) (ok bool, err error) {
				r, err = w.curl(ctx, http.MethodGet, "/pets", "invalid_token")
				return r.status == http.StatusForbidden, err
			})
			if err != nil {
				return "", fmt.Errorf("%w (the last answer was %v)", err, r)
			}
			if strings.TrimSpace(r.body) != denied || r.header.Get("X-Amzn-Errortype") != "AccessDeniedException" {
				return "", fmt.Errorf("the 403 is not API Gateway's own: %v, x-amzn-ErrorType %q", r, r.header.Get("X-Amzn-Errortype"))
			}
			first := time.Since(w.assigned)
			select {
			case <-time.After(time.Until(w.assigned.Add(w.flags.Refresh + 500*time.Millisecond))):
			case <-ctx.Done():
				return "", ctx.Err()
			}
			what, err := w.expect(ctx, http.MethodGet, "/pets", "invalid_token", http.StatusForbidden, denied)
			return fmt.Sprintf("%s\nenforced %d ms after Update (refresh interval %v)", what, first.Milliseconds(), w.flags.Refresh), err
		}},
		{"No token at all is refused as well", func(ctx context.Context) (string, error) {
			return w.expect(ctx, http.MethodGet, "/pets", "", http.StatusForbidden, "explicit deny")
		}},
		{"Applications: create a client and get a token from the workspace's token endpoint", func(ctx context.Context) (string, error) {
			var client struct {
				ID     string `json:"client_id"`
				Secret string `json:"client_secret"`
			}
			err := w.acp.do(ctx, http.MethodPost, "/clients", map[string]any{"tenant_id": "default", "authorization_server_id": workspace,
				"client_name": "Pet shop app", "grant_types": []string{"client_credentials"}}, &client, http.StatusCreated)
			if err != nil {
				return "", err
			}
			w.appID, w.appSecret = client.ID, client.Secret
			w.appToken, err = w.acp.tokenFrom(ctx, workspace, client.ID, client.Secret)
			return "client " + client.ID, err
		}},
		{"With that token GET /pets is 200, and the backend sees who calls", func(ctx context.Context) (string, error) {
			what, err := w.expect(ctx, http.MethodGet, "/pets", w.appToken, http.StatusOK, "Rex")
			if err != nil {
				return "", err
			}
			seen := w.shop.lastContext()
			if seen["client_id"] != w.appID || seen["principalId"] == "" || seen["decision_id"] == "" || seen["revision"] == "" {
				return "", fmt.Errorf("the backend saw the context %v; it lacks client_id %s, principalId, decision_id or revision", seen, w.appID)
			}
			return fmt.Sprintf("%s\ncontext: principalId %s, client_id %s, revision %s, decision %s", what, seen["principalId"], seen["client_id"], seen["revision"], seen["decision_id"]), nil
		}},
		{"The Rego policy lets it see pet 1 and refuses pet 3", func(ctx context.Context) (string, error) {
			one, err := w.expect(ctx, http.MethodGet, "/pets/1", w.appToken, http.StatusOK, "Rex")
			if err != nil {
				return "", err
			}
			three, err := w.expect(ctx, http.MethodGet, "/pets/3", w.appToken, http.StatusForbidden, "explicit deny")
			return one + "\n" + three, err
		}},
		{"A browser's preflight still works, and a method without a policy is still open", func(ctx context.Context) (string, error) {
			preflight, err := w.expect(ctx, http.MethodOptions, "/pets", "", http.StatusOK, "")
			if err != nil {
				return "", err
			}
			open, err := w.expect(ctx, http.MethodGet, "/files/readme.txt", "", http.StatusOK, "readme.txt")
			return "OPTIONS " + preflight + "\nGET /files/readme.txt " + open, err
		}},
		{"The portal explains the decisions", func(ctx context.Context) (string, error) {
			// Request events leave the function after an answer, in batches, at most once a second: what a burst left
			// over goes with the next request.
			err := eventually(ctx, 20*time.Second, "the denied request to show on the Overview page", func(ctx context.Context) (bool, error) {
				if _, err := w.curl(ctx, http.MethodGet, "/files/readme.txt", ""); err != nil {
					return false, err
				}
				time.Sleep(time.Second)
				return w.acp.page(ctx, "/app/"+workspace+"/overview", "token_inactive") == nil, nil
			})
			return "Overview shows the denial of invalid_token with its reason, token_inactive", err
		}},
	}
}

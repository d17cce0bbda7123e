package apigateway

import "net/http"

// controlRoutes are all operations of the control plane that exist here, by the paths of the service model.
func controlRoutes() []route {
	const (
		get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete
		rest                       = "/restapis/{restapi_id}"
		meth                       = rest + "/resources/{resource_id}/methods/{http_method}"
	)
	return []route{
		{verb: get, path: "/restapis", operation: "GetRestApis", status: 200, handle: (*Service).getRestAPIs},
		{verb: post, path: "/restapis?mode=import", operation: "ImportRestApi", status: 201, handle: (*Service).importRestAPI},
		{verb: post, path: "/restapis", operation: "CreateRestApi", status: 201, handle: (*Service).createRestAPI},
		{verb: get, path: rest, operation: "GetRestApi", status: 200, handle: (*Service).getRestAPI},
		{verb: put, path: rest, operation: "PutRestApi", status: 200, handle: (*Service).putRestAPI},
		{verb: patch, path: rest, operation: "UpdateRestApi", status: 200, handle: (*Service).updateRestAPI},
		{verb: del, path: rest, operation: "DeleteRestApi", status: 202, handle: (*Service).deleteRestAPI},

		{verb: get, path: rest + "/resources", operation: "GetResources", status: 200, handle: (*Service).getResources},
		{verb: post, path: rest + "/resources/{parent_id}", operation: "CreateResource", status: 201, handle: (*Service).createResource},
		{verb: get, path: rest + "/resources/{resource_id}", operation: "GetResource", status: 200, handle: (*Service).getResource},
		{verb: patch, path: rest + "/resources/{resource_id}", operation: "UpdateResource", status: 200, handle: (*Service).updateResource},
		{verb: del, path: rest + "/resources/{resource_id}", operation: "DeleteResource", status: 202, handle: (*Service).deleteResource},

		{verb: put, path: meth, operation: "PutMethod", status: 201, handle: (*Service).putMethod},
		{verb: get, path: meth, operation: "GetMethod", status: 200, handle: (*Service).getMethod},
		{verb: patch, path: meth, operation: "UpdateMethod", status: 200, handle: (*Service).updateMethod},
		{verb: del, path: meth, operation: "DeleteMethod", status: 204, handle: (*Service).deleteMethod},
		{verb: post, path: meth, operation: "TestInvokeMethod", status: 200, handle: (*Service).testInvokeMethod, unlocked: true},
		{verb: put, path: meth + "/responses/{status_code}", operation: "PutMethodResponse", status: 201, handle: (*Service).putMethodResponse},
		{verb: get, path: meth + "/responses/{status_code}", operation: "GetMethodResponse", status: 200, handle: (*Service).getMethodResponse},
		{verb: patch, path: meth + "/responses/{status_code}", operation: "UpdateMethodResponse", status: 201, handle: (*Service).updateMethodResponse},
		{verb: del, path: meth + "/responses/{status_code}", operation: "DeleteMethodResponse", status: 204, handle: (*Service).deleteMethodResponse},

		{verb: put, path: meth + "/integration", operation: "PutIntegration", status: 201, handle: (*Service).putIntegration},
		{verb: get, path: meth + "/integration", operation: "GetIntegration", status: 200, handle: (*Service).getIntegration},
		{verb: patch, path: meth + "/integration", operation: "UpdateIntegration", status: 200, handle: (*Service).updateIntegration},
		{verb: del, path: meth + "/integration", operation: "DeleteIntegration", status: 204, handle: (*Service).deleteIntegration},
		{verb: put, path: meth + "/integration/responses/{status_code}", operation: "PutIntegrationResponse", status: 201, handle: (*Service).putIntegrationResponse},
		{verb: get, path: meth + "/integration/responses/{status_code}", operation: "GetIntegrationResponse", status: 200, handle: (*Service).getIntegrationResponse},
		{verb: patch, path: meth + "/integration/responses/{status_code}", operation: "UpdateIntegrationResponse", status: 200, handle: (*Service).updateIntegrationResponse},
		{verb: del, path: meth + "/integration/responses/{status_code}", operation: "DeleteIntegrationResponse", status: 204, handle: (*Service).deleteIntegrationResponse},

		{verb: get, path: rest + "/authorizers", operation: "GetAuthorizers", status: 200, handle: (*Service).getAuthorizers},
		{verb: post, path: rest + "/authorizers", operation: "CreateAuthorizer", status: 201, handle: (*Service).createAuthorizer},
		{verb: get, path: rest + "/authorizers/{authorizer_id}", operation: "GetAuthorizer", status: 200, handle: (*Service).getAuthorizer},
		{verb: patch, path: rest + "/authorizers/{authorizer_id}", operation: "UpdateAuthorizer", status: 200, handle: (*Service).updateAuthorizer},
		{verb: del, path: rest + "/authorizers/{authorizer_id}", operation: "DeleteAuthorizer", status: 202, handle: (*Service).deleteAuthorizer},
		{verb: post, path: rest + "/authorizers/{authorizer_id}", operation: "TestInvokeAuthorizer", status: 200, handle: (*Service).testInvokeAuthorizer, unlocked: true},

		{verb: get, path: rest + "/deployments", operation: "GetDeployments", status: 200, handle: (*Service).getDeployments},
		{verb: post, path: rest + "/deployments", operation: "CreateDeployment", status: 201, handle: (*Service).createDeployment},
		{verb: get, path: rest + "/deployments/{deployment_id}", operation: "GetDeployment", status: 200, handle: (*Service).getDeployment},
		{verb: patch, path: rest + "/deployments/{deployment_id}", operation: "UpdateDeployment", status: 200, handle: (*Service).updateDeployment},
		{verb: del, path: rest + "/deployments/{deployment_id}", operation: "DeleteDeployment", status: 202, handle: (*Service).deleteDeployment},

		{verb: get, path: rest + "/stages", operation: "GetStages", status: 200, handle: (*Service).getStages},
		{verb: post, path: rest + "/stages", operation: "CreateStage", status: 201, handle: (*Service).createStage},
		{verb: get, path: rest + "/stages/{stage_name}", operation: "GetStage", status: 200, handle: (*Service).getStage},
		{verb: patch, path: rest + "/stages/{stage_name}", operation: "UpdateStage", status: 200, handle: (*Service).updateStage},
		{verb: del, path: rest + "/stages/{stage_name}", operation: "DeleteStage", status: 202, handle: (*Service).deleteStage},
		{verb: del, path: rest + "/stages/{stage_name}/cache/authorizers", operation: "FlushStageAuthorizersCache", status: 202, handle: (*Service).flushStageAuthorizersCache},
		{verb: del, path: rest + "/stages/{stage_name}/cache/data", operation: "FlushStageCache", status: 202, handle: (*Service).flushStageCache},
		{verb: get, path: rest + "/stages/{stage_name}/exports/{export_type}", operation: "GetExport", status: 200, handle: (*Service).getExport},

		{verb: get, path: rest + "/models", operation: "GetModels", status: 200, handle: (*Service).getModels},
		{verb: post, path: rest + "/models", operation: "CreateModel", status: 201, handle: (*Service).createModel},
		{verb: get, path: rest + "/models/{model_name}", operation: "GetModel", status: 200, handle: (*Service).getModel},
		{verb: patch, path: rest + "/models/{model_name}", operation: "UpdateModel", status: 200, handle: (*Service).updateModel},
		{verb: del, path: rest + "/models/{model_name}", operation: "DeleteModel", status: 202, handle: (*Service).deleteModel},

		{verb: get, path: rest + "/requestvalidators", operation: "GetRequestValidators", status: 200, handle: (*Service).getValidators},
		{verb: post, path: rest + "/requestvalidators", operation: "CreateRequestValidator", status: 201, handle: (*Service).createValidator},
		{verb: get, path: rest + "/requestvalidators/{requestvalidator_id}", operation: "GetRequestValidator", status: 200, handle: (*Service).getValidator},
		{verb: patch, path: rest + "/requestvalidators/{requestvalidator_id}", operation: "UpdateRequestValidator", status: 200, handle: (*Service).updateValidator},
		{verb: del, path: rest + "/requestvalidators/{requestvalidator_id}", operation: "DeleteRequestValidator", status: 202, handle: (*Service).deleteValidator},

		{verb: get, path: rest + "/gatewayresponses", operation: "GetGatewayResponses", status: 200, handle: (*Service).getGatewayResponses},
		{verb: get, path: rest + "/gatewayresponses/{response_type}", operation: "GetGatewayResponse", status: 200, handle: (*Service).getGatewayResponse},
		{verb: put, path: rest + "/gatewayresponses/{response_type}", operation: "PutGatewayResponse", status: 201, handle: (*Service).putGatewayResponse},
		{verb: patch, path: rest + "/gatewayresponses/{response_type}", operation: "UpdateGatewayResponse", status: 200, handle: (*Service).updateGatewayResponse},
		{verb: del, path: rest + "/gatewayresponses/{response_type}", operation: "DeleteGatewayResponse", status: 202, handle: (*Service).deleteGatewayResponse},

		{verb: get, path: "/apikeys", operation: "GetApiKeys", status: 200, handle: (*Service).getAPIKeys},
		{verb: post, path: "/apikeys", operation: "CreateApiKey", status: 201, handle: (*Service).createAPIKey},
		{verb: get, path: "/apikeys/{api_key}", operation: "GetApiKey", status: 200, handle: (*Service).getAPIKey},
		{verb: patch, path: "/apikeys/{api_key}", operation: "UpdateApiKey", status: 200, handle: (*Service).updateAPIKey},
		{verb: del, path: "/apikeys/{api_key}", operation: "DeleteApiKey", status: 202, handle: (*Service).deleteAPIKey},

		{verb: get, path: "/usageplans", operation: "GetUsagePlans", status: 200, handle: (*Service).getUsagePlans},
		{verb: post, path: "/usageplans", operation: "CreateUsagePlan", status: 201, handle: (*Service).createUsagePlan},
		{verb: get, path: "/usageplans/{plan_id}", operation: "GetUsagePlan", status: 200, handle: (*Service).getUsagePlan},
		{verb: patch, path: "/usageplans/{plan_id}", operation: "UpdateUsagePlan", status: 200, handle: (*Service).updateUsagePlan},
		{verb: del, path: "/usageplans/{plan_id}", operation: "DeleteUsagePlan", status: 202, handle: (*Service).deleteUsagePlan},
		{verb: get, path: "/usageplans/{plan_id}/usage", operation: "GetUsage", status: 200, handle: (*Service).getUsage},
		{verb: get, path: "/usageplans/{plan_id}/keys", operation: "GetUsagePlanKeys", status: 200, handle: (*Service).getUsagePlanKeys},
		{verb: post, path: "/usageplans/{plan_id}/keys", operation: "CreateUsagePlanKey", status: 201, handle: (*Service).createUsagePlanKey},
		{verb: get, path: "/usageplans/{plan_id}/keys/{key_id}", operation: "GetUsagePlanKey", status: 200, handle: (*Service).getUsagePlanKey},
		{verb: del, path: "/usageplans/{plan_id}/keys/{key_id}", operation: "DeleteUsagePlanKey", status: 202, handle: (*Service).deleteUsagePlanKey},

		{verb: get, path: "/tags/{resource_arn}", operation: "GetTags", status: 200, handle: (*Service).getTags},
		{verb: put, path: "/tags/{resource_arn}", operation: "TagResource", status: 204, handle: (*Service).tagResource},
		{verb: del, path: "/tags/{resource_arn}", operation: "UntagResource", status: 204, handle: (*Service).untagResource},

		{verb: get, path: "/account", operation: "GetAccount", status: 200, handle: (*Service).getAccount},
		{verb: patch, path: "/account", operation: "UpdateAccount", status: 200, handle: (*Service).updateAccount},
	}
}

package apigateway

import "net/http"

// restRoutes are the operations on REST APIs and what is in them, by the paths of the service model.
func restRoutes() []route {
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
		{verb: get, path: rest + "/models/{model_name}/default_template", operation: "GetModelTemplate", status: 200, handle: (*Service).getModelTemplate},

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

		{verb: get, path: rest + "/documentation/parts", operation: "GetDocumentationParts", status: 200, handle: (*Service).getDocumentationParts},
		{verb: post, path: rest + "/documentation/parts", operation: "CreateDocumentationPart", status: 201, handle: (*Service).createDocumentationPart},
		{verb: put, path: rest + "/documentation/parts", operation: "ImportDocumentationParts", status: 200, handle: (*Service).importDocumentationParts},
		{verb: get, path: rest + "/documentation/parts/{part_id}", operation: "GetDocumentationPart", status: 200, handle: (*Service).getDocumentationPart},
		{verb: patch, path: rest + "/documentation/parts/{part_id}", operation: "UpdateDocumentationPart", status: 200, handle: (*Service).updateDocumentationPart},
		{verb: del, path: rest + "/documentation/parts/{part_id}", operation: "DeleteDocumentationPart", status: 202, handle: (*Service).deleteDocumentationPart},
		{verb: get, path: rest + "/documentation/versions", operation: "GetDocumentationVersions", status: 200, handle: (*Service).getDocumentationVersions},
		{verb: post, path: rest + "/documentation/versions", operation: "CreateDocumentationVersion", status: 201, handle: (*Service).createDocumentationVersion},
		{verb: get, path: rest + "/documentation/versions/{doc_version}", operation: "GetDocumentationVersion", status: 200, handle: (*Service).getDocumentationVersion},
		{verb: patch, path: rest + "/documentation/versions/{doc_version}", operation: "UpdateDocumentationVersion", status: 200, handle: (*Service).updateDocumentationVersion},
		{verb: del, path: rest + "/documentation/versions/{doc_version}", operation: "DeleteDocumentationVersion", status: 202, handle: (*Service).deleteDocumentationVersion},
	}
}

// accountRoutes are those of what belongs to an account and region, not to one API.
func accountRoutes() []route {
	const get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete
	return []route{
		{verb: get, path: "/apikeys", operation: "GetApiKeys", status: 200, handle: (*Service).getAPIKeys},
		{verb: post, path: "/apikeys?mode=import", operation: "ImportApiKeys", status: 201, handle: (*Service).importAPIKeys},
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
		{verb: patch, path: "/usageplans/{plan_id}/keys/{key_id}/usage", operation: "UpdateUsage", status: 200, handle: (*Service).updateUsage},
		{verb: get, path: "/usageplans/{plan_id}/keys", operation: "GetUsagePlanKeys", status: 200, handle: (*Service).getUsagePlanKeys},
		{verb: post, path: "/usageplans/{plan_id}/keys", operation: "CreateUsagePlanKey", status: 201, handle: (*Service).createUsagePlanKey},
		{verb: get, path: "/usageplans/{plan_id}/keys/{key_id}", operation: "GetUsagePlanKey", status: 200, handle: (*Service).getUsagePlanKey},
		{verb: del, path: "/usageplans/{plan_id}/keys/{key_id}", operation: "DeleteUsagePlanKey", status: 202, handle: (*Service).deleteUsagePlanKey},

		{verb: get, path: "/clientcertificates", operation: "GetClientCertificates", status: 200, handle: (*Service).getClientCertificates},
		{verb: post, path: "/clientcertificates", operation: "GenerateClientCertificate", status: 201, handle: (*Service).generateClientCertificate},
		{verb: get, path: "/clientcertificates/{clientcertificate_id}", operation: "GetClientCertificate", status: 200, handle: (*Service).getClientCertificate},
		{verb: patch, path: "/clientcertificates/{clientcertificate_id}", operation: "UpdateClientCertificate", status: 200, handle: (*Service).updateClientCertificate},
		{verb: del, path: "/clientcertificates/{clientcertificate_id}", operation: "DeleteClientCertificate", status: 202, handle: (*Service).deleteClientCertificate},

		{verb: get, path: "/domainnames", operation: "GetDomainNames", status: 200, handle: (*Service).getDomainNames},
		{verb: post, path: "/domainnames", operation: "CreateDomainName", status: 201, handle: (*Service).createDomainName},
		{verb: get, path: "/domainnames/{domain_name}", operation: "GetDomainName", status: 200, handle: (*Service).getDomainName},
		{verb: patch, path: "/domainnames/{domain_name}", operation: "UpdateDomainName", status: 200, handle: (*Service).updateDomainName},
		{verb: del, path: "/domainnames/{domain_name}", operation: "DeleteDomainName", status: 202, handle: (*Service).deleteDomainName},
		{verb: get, path: "/domainnames/{domain_name}/basepathmappings", operation: "GetBasePathMappings", status: 200, handle: (*Service).getBasePathMappings},
		{verb: post, path: "/domainnames/{domain_name}/basepathmappings", operation: "CreateBasePathMapping", status: 201, handle: (*Service).createBasePathMapping},
		{verb: get, path: "/domainnames/{domain_name}/basepathmappings/{base_path}", operation: "GetBasePathMapping", status: 200, handle: (*Service).getBasePathMapping},
		{verb: patch, path: "/domainnames/{domain_name}/basepathmappings/{base_path}", operation: "UpdateBasePathMapping", status: 200, handle: (*Service).updateBasePathMapping},
		{verb: del, path: "/domainnames/{domain_name}/basepathmappings/{base_path}", operation: "DeleteBasePathMapping", status: 202, handle: (*Service).deleteBasePathMapping},

		{verb: get, path: "/tags/{resource_arn}", operation: "GetTags", status: 200, handle: (*Service).getTags},
		{verb: put, path: "/tags/{resource_arn}", operation: "TagResource", status: 204, handle: (*Service).tagResource},
		{verb: del, path: "/tags/{resource_arn}", operation: "UntagResource", status: 204, handle: (*Service).untagResource},

		{verb: get, path: "/account", operation: "GetAccount", status: 200, handle: (*Service).getAccount},
		{verb: patch, path: "/account", operation: "UpdateAccount", status: 200, handle: (*Service).updateAccount},
	}
}

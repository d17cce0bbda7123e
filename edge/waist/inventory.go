package waist

import "strings"

// Inventory is the body of POST /gateways/configuration: every API group that the authorizer found.
// It replaces the gateway's whole list of groups.
type Inventory struct {
	APIGroups []APIGroup `json:"api_groups"`
}

// InventoryResult is the answer to an Inventory.
type InventoryResult struct {
	NumberOfAddedAPIGroups int `json:"number_of_added_api_groups"`
}

// GatewayTypeAWS is the gateway type of Amazon API Gateway.
const GatewayTypeAWS = "aws"

// APIGroup is one discovered unit; on AWS one REST API and stage. ID is stable for that pair and safe in a URL path;
// Name is "{API name}/{stage}".
type APIGroup struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Metadata GroupMetadata `json:"metadata"`
	APIs     []GatewayAPI  `json:"apis"`
}

// GroupMetadata says where a group lives; on AWS {"type":"aws","aws":{…}}.
type GroupMetadata struct {
	Type string       `json:"type"`
	AWS  *AWSMetadata `json:"aws,omitempty"`
}

// AWSMetadata names a REST API's stage. Region and Account are additive.
type AWSMetadata struct {
	APIID   string `json:"api_id"`
	APIName string `json:"api_name"`
	Stage   string `json:"stage"`
	Region  string `json:"region,omitempty"`
	Account string `json:"account,omitempty"`
}

// What stands in front of a method in API Gateway. The empty value means "not reported".
const (
	AuthorizerNone  = "none"  // nothing: the method is open at API Gateway
	AuthorizerOurs  = "ours"  // this authorizer
	AuthorizerOther = "other" // another authorizer, IAM or Cognito
)

// GatewayAPI is one method of a group.
type GatewayAPI struct {
	APIType string `json:"api_type,omitempty"` // absent means "rest"
	Method  string `json:"method"`
	Path    string `json:"path"`
	// Authorizer is what stands in front of the method in the edited API: AuthorizerNone, -Ours, -Other. Additive.
	Authorizer string `json:"authorizer,omitempty"`
	// Deployed is whether the stage enforces what Authorizer says: nil means not reported, false means that the
	// edit is not live until the stage is deployed. Additive.
	Deployed *bool `json:"deployed,omitempty"`
}

// GroupID is the id of the AWS API group for an API and stage. Stage names are [A-Za-z0-9_-]+ and API ids are
// lower-case alphanumerics, so the pair reads back without ambiguity: everything before the first "-" is the API id. The
// stage $default of HTTP APIs is written ~default, which no other stage can be called and a URL path can hold.
func GroupID(apiID, stage string) string { return apiID + "-" + strings.Replace(stage, "$", "~", 1) }

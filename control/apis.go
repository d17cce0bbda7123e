package control

import "portcullis/edge/waist"

// API is one method and path template of a service; PolicyID empty means open ("None").
type API = waist.API

// APIUpdate is what PUT /apis/{api} may change.
type APIUpdate struct {
	PolicyID            string   `json:"policy_id"`
	DataClassifications []string `json:"data_classifications"`
}

// ServiceAPIs is a service with its APIs in position order and what stands in front of each in AWS.
type ServiceAPIs struct {
	Service Service
	Gateway *Gateway // of the bound group; nil when there is none
	Group   *APIGroup
	APIs    []APIState
}

// APIState is an API with its policy's name and the last report of the gateway: Authorizer is waist.AuthorizerNone,
// -Ours, -Other or empty (not reported); Deployed nil means not reported.
type APIState struct {
	API
	PolicyName string
	Authorizer string
	Deployed   *bool
	// Gone means that the gateway no longer reports the method: the API is kept for its policy, outside every
	// configuration, and returns with it.
	Gone bool
}

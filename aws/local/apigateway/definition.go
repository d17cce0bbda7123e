package apigateway

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// definition is everything about a REST API that a deployment freezes. Its members carry the wire names of the API
// Gateway API, so that one type serves the answers, the snapshots and the exports.
type definition struct {
	API              restAPI
	Resources        map[string]*resource        // :: resource id → resource
	Authorizers      map[string]*authorizer      // :: authorizer id → authorizer
	Models           map[string]*model           // :: model name → model
	Validators       map[string]*validator       // :: validator id → request validator
	GatewayResponses map[string]*gatewayResponse // :: response type → customised response
}

type restAPI struct {
	ID                        string            `json:"id"`
	Name                      string            `json:"name"`
	Description               string            `json:"description,omitempty"`
	CreatedDate               int64             `json:"createdDate"` // seconds since the epoch
	Version                   string            `json:"version,omitempty"`
	Warnings                  []string          `json:"warnings,omitempty"`
	BinaryMediaTypes          []string          `json:"binaryMediaTypes,omitempty"`
	MinimumCompressionSize    *int              `json:"minimumCompressionSize,omitempty"`
	APIKeySource              string            `json:"apiKeySource"`
	EndpointConfiguration     endpoint          `json:"endpointConfiguration"`
	Policy                    string            `json:"policy,omitempty"`
	Tags                      map[string]string `json:"tags,omitempty"`
	DisableExecuteAPIEndpoint bool              `json:"disableExecuteApiEndpoint"`
	RootResourceID            string            `json:"rootResourceId"`
	SecurityPolicy            string            `json:"securityPolicy,omitempty"`
	EndpointAccessMode        string            `json:"endpointAccessMode,omitempty"`
	APIStatus                 string            `json:"apiStatus,omitempty"`
}

type endpoint struct {
	Types          []string `json:"types"`
	IPAddressType  string   `json:"ipAddressType,omitempty"`
	VPCEndpointIDs []string `json:"vpcEndpointIds,omitempty"`
}

type resource struct {
	ID       string             `json:"id"`
	ParentID string             `json:"parentId,omitempty"`
	PathPart string             `json:"pathPart,omitempty"`
	Path     string             `json:"path"`
	Methods  map[string]*method `json:"resourceMethods,omitempty"` // :: verb or ANY → method
}

type method struct {
	HTTPMethod          string                     `json:"httpMethod"`
	AuthorizationType   string                     `json:"authorizationType"`
	AuthorizerID        string                     `json:"authorizerId,omitempty"`
	APIKeyRequired      bool                       `json:"apiKeyRequired"`
	RequestValidatorID  string                     `json:"requestValidatorId,omitempty"`
	OperationName       string                     `json:"operationName,omitempty"`
	RequestParameters   map[string]bool            `json:"requestParameters,omitempty"` // :: method.request.… → required
	RequestModels       map[string]string          `json:"requestModels,omitempty"`     // :: content type → model name
	MethodResponses     map[string]*methodResponse `json:"methodResponses,omitempty"`
	MethodIntegration   *integration               `json:"methodIntegration,omitempty"`
	AuthorizationScopes []string                   `json:"authorizationScopes,omitempty"`
}

type methodResponse struct {
	StatusCode         string            `json:"statusCode"`
	ResponseParameters map[string]bool   `json:"responseParameters,omitempty"`
	ResponseModels     map[string]string `json:"responseModels,omitempty"`
}

type integration struct {
	Type                 string                          `json:"type"`
	HTTPMethod           string                          `json:"httpMethod,omitempty"`
	URI                  string                          `json:"uri,omitempty"`
	ConnectionType       string                          `json:"connectionType,omitempty"`
	ConnectionID         string                          `json:"connectionId,omitempty"`
	Credentials          string                          `json:"credentials,omitempty"`
	RequestParameters    map[string]string               `json:"requestParameters,omitempty"`
	RequestTemplates     map[string]string               `json:"requestTemplates,omitempty"`
	PassthroughBehavior  string                          `json:"passthroughBehavior,omitempty"`
	ContentHandling      string                          `json:"contentHandling,omitempty"`
	TimeoutInMillis      int                             `json:"timeoutInMillis,omitempty"`
	CacheNamespace       string                          `json:"cacheNamespace,omitempty"`
	CacheKeyParameters   []string                        `json:"cacheKeyParameters"`
	IntegrationResponses map[string]*integrationResponse `json:"integrationResponses,omitempty"`
	TLSConfig            *tlsConfig                      `json:"tlsConfig,omitempty"`
	ResponseTransferMode string                          `json:"responseTransferMode,omitempty"`
	IntegrationTarget    string                          `json:"integrationTarget,omitempty"`
}

type tlsConfig struct {
	InsecureSkipVerification bool `json:"insecureSkipVerification"`
}

type integrationResponse struct {
	StatusCode         string            `json:"statusCode"`
	SelectionPattern   string            `json:"selectionPattern,omitempty"`
	ResponseParameters map[string]string `json:"responseParameters,omitempty"`
	ResponseTemplates  map[string]string `json:"responseTemplates,omitempty"`
	ContentHandling    string            `json:"contentHandling,omitempty"`
}

type authorizer struct {
	ID                           string   `json:"id"`
	Name                         string   `json:"name"`
	Type                         string   `json:"type"` // TOKEN, REQUEST or COGNITO_USER_POOLS
	ProviderARNs                 []string `json:"providerARNs,omitempty"`
	AuthType                     string   `json:"authType,omitempty"`
	AuthorizerURI                string   `json:"authorizerUri,omitempty"`
	AuthorizerCredentials        string   `json:"authorizerCredentials,omitempty"`
	IdentitySource               string   `json:"identitySource,omitempty"`
	IdentityValidationExpression string   `json:"identityValidationExpression,omitempty"`
	TTL                          *int     `json:"authorizerResultTtlInSeconds,omitempty"` // nil: not sent, 300 applies
}

// ttl is the cache time in seconds that applies.
func (a *authorizer) ttl() int {
	if a.TTL == nil {
		return 300
	}
	return *a.TTL
}

// sources are the configured identity sources, in order.
func (a *authorizer) sources() []string {
	var out []string
	for s := range strings.SplitSeq(a.IdentitySource, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

type model struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Schema      string `json:"schema,omitempty"`
	ContentType string `json:"contentType"`
}

type validator struct {
	ID                        string `json:"id"`
	Name                      string `json:"name,omitempty"`
	ValidateRequestBody       bool   `json:"validateRequestBody"`
	ValidateRequestParameters bool   `json:"validateRequestParameters"`
}

type gatewayResponse struct {
	ResponseType       string            `json:"responseType"`
	StatusCode         string            `json:"statusCode,omitempty"`
	ResponseParameters map[string]string `json:"responseParameters"`
	ResponseTemplates  map[string]string `json:"responseTemplates"`
	DefaultResponse    bool              `json:"defaultResponse"`
}

// deployment is a snapshot; nothing in it changes but the description.
type deployment struct {
	ID          string `json:"id"`
	Description string `json:"description,omitempty"`
	CreatedDate int64  `json:"createdDate"`

	frozen *definition
	router *router
}

type stage struct {
	StageName           string                   `json:"stageName"`
	DeploymentID        string                   `json:"deploymentId"`
	ClientCertificateID string                   `json:"clientCertificateId,omitempty"`
	Description         string                   `json:"description,omitempty"`
	CacheClusterEnabled bool                     `json:"cacheClusterEnabled"`
	CacheClusterSize    string                   `json:"cacheClusterSize,omitempty"`
	CacheClusterStatus  string                   `json:"cacheClusterStatus"`
	MethodSettings      map[string]methodSetting `json:"methodSettings"` // :: "*/*" or "pets~1{id}/GET" → settings
	Variables           map[string]string        `json:"variables,omitempty"`
	DocumentationVer    string                   `json:"documentationVersion,omitempty"`
	AccessLogSettings   *accessLogSettings       `json:"accessLogSettings,omitempty"`
	CanarySettings      *canarySettings          `json:"canarySettings,omitempty"`
	TracingEnabled      bool                     `json:"tracingEnabled"`
	WebACLARN           string                   `json:"webAclArn,omitempty"`
	Tags                map[string]string        `json:"tags,omitempty"`
	CreatedDate         int64                    `json:"createdDate"`
	LastUpdatedDate     int64                    `json:"lastUpdatedDate"`
}

type methodSetting struct {
	MetricsEnabled                         bool    `json:"metricsEnabled"`
	LoggingLevel                           string  `json:"loggingLevel,omitempty"`
	DataTraceEnabled                       bool    `json:"dataTraceEnabled"`
	ThrottlingBurstLimit                   int     `json:"throttlingBurstLimit"`
	ThrottlingRateLimit                    float64 `json:"throttlingRateLimit"`
	CachingEnabled                         bool    `json:"cachingEnabled"`
	CacheTTLInSeconds                      int     `json:"cacheTtlInSeconds"`
	CacheDataEncrypted                     bool    `json:"cacheDataEncrypted"`
	RequireAuthorizationForCacheControl    bool    `json:"requireAuthorizationForCacheControl"`
	UnauthorizedCacheControlHeaderStrategy string  `json:"unauthorizedCacheControlHeaderStrategy"`
}

type accessLogSettings struct {
	Format         string `json:"format,omitempty"`
	DestinationARN string `json:"destinationArn,omitempty"`
}

type canarySettings struct {
	PercentTraffic         float64           `json:"percentTraffic"`
	DeploymentID           string            `json:"deploymentId,omitempty"`
	StageVariableOverrides map[string]string `json:"stageVariableOverrides,omitempty"`
	UseStageCache          bool              `json:"useStageCache"`
}

func newDefinition() *definition {
	return &definition{Resources: map[string]*resource{}, Authorizers: map[string]*authorizer{}, Models: map[string]*model{},
		Validators: map[string]*validator{}, GatewayResponses: map[string]*gatewayResponse{}}
}

// clone returns a deep copy that shares nothing with v. The types above are plain data, so JSON copies them whole.
func clone[T any](v *T) *T {
	b, err := json.Marshal(v)
	if err != nil {
		panic("apigateway: plain data does not encode: " + err.Error())
	}
	out := new(T)
	if err := json.Unmarshal(b, out); err != nil {
		panic("apigateway: plain data does not decode: " + err.Error())
	}
	return out
}

// resourceByPath returns the resource with this path, or nil.
func (d *definition) resourceByPath(path string) *resource {
	for _, r := range d.Resources {
		if r.Path == path {
			return r
		}
	}
	return nil
}

func (d *definition) authorizerByName(name string) *authorizer {
	for _, a := range d.Authorizers {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// eachMethod visits every method in a fixed order: by path, then by verb.
func (d *definition) eachMethod(visit func(r *resource, m *method)) {
	for _, r := range d.sortedResources() {
		for _, verb := range slices.Sorted(maps.Keys(r.Methods)) {
			visit(r, r.Methods[verb])
		}
	}
}

func (d *definition) sortedResources() []*resource {
	return slices.SortedFunc(maps.Values(d.Resources), func(a, b *resource) int { return strings.Compare(a.Path, b.Path) })
}

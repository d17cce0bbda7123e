package apigateway

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const badAuthorizerID = "Invalid Authorizer identifier specified"

func (q *request) authorizer() (*api, *authorizer, error) {
	a := q.account.apis[q.params["restapi_id"]]
	if a == nil {
		return nil, nil, notFound(badAuthorizerID)
	}
	z := a.edited.Authorizers[q.params["authorizer_id"]]
	if z == nil {
		return nil, nil, notFound(badAuthorizerID)
	}
	return a, z, nil
}

func (s *Service) getAuthorizers(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	return page(q, a.edited.Authorizers, same)
}

func (s *Service) getAuthorizer(q *request) (any, error) {
	_, z, err := q.authorizer()
	if err != nil {
		return nil, err
	}
	return z, nil
}

func (s *Service) createAuthorizer(q *request) (any, error) {
	z := &authorizer{}
	if err := q.decode(z); err != nil {
		return nil, err
	}
	if err := checkAuthorizer(z); err != nil { // the URI's format is checked before the API id is
		return nil, err
	}
	a := q.account.apis[q.params["restapi_id"]]
	if a == nil {
		return nil, conflict("Unable to complete operation due to concurrent modification. Please try again later.")
	}
	if err := s.addAuthorizer(a.edited, z); err != nil {
		return nil, err
	}
	return z, nil
}

func (s *Service) addAuthorizer(d *definition, z *authorizer) error {
	if d.authorizerByName(z.Name) != nil {
		return badRequest("Authorizer name must be unique. Authorizer " + z.Name + " already exists in this RestApi.")
	}
	if len(d.Authorizers) >= s.opt.MaxAuthorizers {
		return limitExceeded("Maximum number of authorizers for this API has been reached. Please contact AWS if you need additional authorizers.")
	}
	z.ID = freshID(6, func(id string) bool { return d.Authorizers[id] != nil })
	if z.AuthType == "" {
		z.AuthType = "custom"
		if z.Type == "COGNITO_USER_POOLS" {
			z.AuthType = "cognito_user_pools"
		}
	}
	d.Authorizers[z.ID] = z
	return nil
}

var tokenSource = regexp.MustCompile(`^method\.request\.header\.[^\s,]+$`)
var requestAuthSource = regexp.MustCompile(`^(method\.request\.(header|querystring|multivalueheader|multivaluequerystring)\.[^\s,]+|stageVariables\.[^\s,]+|context\.[^\s,]+)$`)

// checkAuthorizer applies the rules of Create- and UpdateAuthorizer.
func checkAuthorizer(z *authorizer) error {
	if z.Name == "" {
		return badRequest("Authorizer name cannot be empty")
	}
	if z.TTL != nil && (*z.TTL < 0 || *z.TTL > 3600) {
		return badRequest("Authorizer result TTL must be between 0 and 3600 seconds")
	}
	switch z.Type {
	case "COGNITO_USER_POOLS":
		if len(z.ProviderARNs) == 0 {
			return badRequest("Invalid Cognito User Pool provider ARNs specified")
		}
		return nil
	case "TOKEN", "REQUEST":
	default:
		return validation("1 validation error detected: Value '" + z.Type + "' at 'createAuthorizerInput.type' failed to satisfy constraint: Member must satisfy enum value set: [TOKEN, REQUEST, COGNITO_USER_POOLS]")
	}
	if _, ok := functionARN(z.AuthorizerURI); !ok && !strings.Contains(z.AuthorizerURI, "${stageVariables.") {
		return badRequest("Invalid Authorizer URI: " + z.AuthorizerURI + ". Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.")
	}
	if z.AuthorizerCredentials != "" && !strings.HasPrefix(z.AuthorizerCredentials, "arn:") {
		return badRequest("Invalid ARN specified in the request")
	}
	if z.Type == "TOKEN" {
		if !tokenSource.MatchString(z.IdentitySource) {
			return badRequest("Invalid identity source specified. A TOKEN authorizer needs exactly one: method.request.header.[headerName]")
		}
		if _, err := regexp.Compile(z.IdentityValidationExpression); err != nil {
			return badRequest("Invalid identity validation expression specified: " + z.IdentityValidationExpression)
		}
		return nil
	}
	if z.IdentityValidationExpression != "" {
		return badRequest("Identity validation expression is only supported for TOKEN authorizers")
	}
	if z.ttl() > 0 && len(z.sources()) == 0 {
		return badRequest("Invalid request input") // AWS says no more than this
	}
	for _, src := range z.sources() {
		if !requestAuthSource.MatchString(src) {
			return badRequest("Invalid identity source specified: " + src)
		}
	}
	return nil
}

func (s *Service) updateAuthorizer(q *request) (any, error) {
	a, old, err := q.authorizer()
	if err != nil {
		return nil, err
	}
	z := clone(old)
	err = q.patch([]patchRule{
		setString("/authorizerCredentials", &z.AuthorizerCredentials),
		{"/authorizerResultTtlInSeconds", "replace", func(op patchOp, _ []string) error {
			n, err := strconv.Atoi(op.Value)
			if err != nil {
				return badRequest("Authorizer result TTL must be between 0 and 3600 seconds")
			}
			z.TTL = &n
			return nil
		}},
		setString("/authorizerUri", &z.AuthorizerURI),
		setString("/authType", &z.AuthType),
		setString("/identitySource", &z.IdentitySource),
		setString("/identityValidationExpression", &z.IdentityValidationExpression),
		setString("/name", &z.Name),
		setString("/type", &z.Type),
		{"/providerARNs", "add,remove,replace", func(op patchOp, _ []string) error {
			return inSet("/{}", &z.ProviderARNs).apply(op, []string{op.Value})
		}},
	})
	if err != nil {
		return nil, err
	}
	if err := checkAuthorizer(z); err != nil {
		return nil, err
	}
	if other := a.edited.authorizerByName(z.Name); other != nil && other.ID != z.ID {
		return nil, badRequest("Authorizer name must be unique. Authorizer " + z.Name + " already exists in this RestApi.")
	}
	a.edited.Authorizers[z.ID] = z
	return z, nil
}

func (s *Service) deleteAuthorizer(q *request) (any, error) {
	a, z, err := q.authorizer()
	if err != nil {
		return nil, err
	}
	used := ""
	a.edited.eachMethod(func(r *resource, m *method) {
		if m.AuthorizerID == z.ID && used == "" {
			used = fmt.Sprintf("Cannot delete authorizer '%s', is referenced in method: %s/%s", z.Name, m.HTTPMethod, r.Path)
		}
	})
	if used != "" {
		return nil, conflict(used)
	}
	delete(a.edited.Authorizers, z.ID)
	return nil, nil
}

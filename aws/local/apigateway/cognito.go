package apigateway

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// errTokenExpired is told to callers of a Cognito authorizer, and to nobody else in these words.
var errTokenExpired = errors.New("the token has expired")

// cognitoAuthorizer checks a token of one of the authorizer's user pools: an ID token, or for a method with scopes an access
// token that has one of them. There are no user pools here: Options.UserPools says which issuer stands for one. Its keys are
// read by its discovery document. A pool without an issuer is a configuration error.
// Source: Developer Guide, "Control access to REST APIs using Amazon Cognito user pools as an authorizer".
func (x *exchange) cognitoAuthorizer(z *authorizer) error {
	unauthorized := func(message, detail string) error {
		return fail("UNAUTHORIZED", message, "authorizer "+z.Name+": "+detail)
	}
	source := z.IdentitySource
	if source == "" {
		source = "method.request.header.Authorization"
	}
	token := x.source(source)
	if len(token) >= 7 && strings.EqualFold(token[:7], "Bearer ") {
		token = strings.TrimSpace(token[7:])
	}
	if token == "" {
		return unauthorized("Unauthorized", "the token is missing")
	}
	var why error
	for _, pool := range z.ProviderARNs {
		issuer := x.svc.opt.UserPools[pool]
		if issuer == "" {
			return configurationError("authorizer " + z.Name + ": nothing stands for the user pool " + pool + " here; Options.UserPools (local-aws --user-pool) names its issuer")
		}
		claims, err := x.svc.verifyJWT(x.ctx.Context(), &jwtConfiguration{Issuer: issuer}, token)
		if err == nil {
			if why = x.cognitoToken(z, claims); why == nil {
				return nil
			}
			break
		}
		if why == nil || errors.Is(err, errTokenExpired) {
			why = err
		}
	}
	if errors.Is(why, errTokenExpired) {
		return unauthorized("The incoming token has expired", why.Error())
	}
	return unauthorized("Unauthorized", why.Error())
}

// cognitoToken checks what is particular about the tokens of a user pool, and takes the claims for events.
func (x *exchange) cognitoToken(z *authorizer, claims map[string]any) error {
	use, scopes := "id", x.match.method.AuthorizationScopes
	if len(scopes) > 0 {
		use = "access"
		granted := strings.Fields(claimText(claims["scope"]))
		if !slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(granted, s) }) {
			return errors.New("the token has none of the scopes that the method needs")
		}
	}
	if claims["token_use"] != use {
		return errors.New("the token is not an " + use + " token (token_use)")
	}
	if e := z.IdentityValidationExpression; e != "" {
		audience, ok := claims["aud"]
		if !ok {
			audience = claims["client_id"]
		}
		re, err := regexp.Compile("^(?:" + e + ")$")
		if err != nil || !re.MatchString(claimText(audience)) {
			return errors.New("the audience of the token does not match the identity validation expression")
		}
	}
	x.claims = map[string]string{}
	for k, v := range claims {
		x.claims[k] = claimText(v)
	}
	return nil
}

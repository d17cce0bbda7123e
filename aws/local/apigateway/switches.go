package apigateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"portcullis/aws/local/wire"
)

// Switches are the questions about AWS that nobody outside can settle, and a few where reports disagree. The zero value
// of each is the variant that the simulator takes by default. docs/reference/local-aws-apigateway.md has the source of
// each and the test of both variants.
type Switches struct {
	// SkipSourceCheckUncached: a REQUEST authorizer with TTL 0 and configured identity sources is invoked even when a
	// source is missing. Default: 401 without invocation, whatever the TTL.
	SkipSourceCheckUncached bool
	// NormalizeMethodARN: methodArn carries the path percent-decoded and without its trailing slash. Default: as sent.
	NormalizeMethodARN bool
	// AllowMissingPrincipal: authorizer output without principalId is accepted. Default: configuration error.
	AllowMissingPrincipal bool
	// IgnoreLongResource: a Resource above 512 characters in authorizer output matches nothing instead of being a
	// configuration error.
	IgnoreLongResource bool
	// IgnoreMethodOverride: X-HTTP-Method-Override does not change the verb. Default: it does, as documented.
	IgnoreMethodOverride bool
	// HTTPUnauthorizedError: an authorizer of an HTTP API that fails with the error "Unauthorized" gives 401, as for REST
	// APIs. Default: 500.
	HTTPUnauthorizedError bool
	// EscapedWildcards: ${*}, ${?} and ${$} in a Resource of an authorizer's policy of version 2012-10-17 stand for the
	// characters themselves, as in IAM. Default: the braces are text and the star within them is a wildcard.
	EscapedWildcards bool
	// MaxAuthorizerPolicy is the size in bytes above which the policy of a REST API's authorizer allows nothing (403). 0: no
	// limit but Lambda's own for an answer, 6 MB.
	MaxAuthorizerPolicy int
	// LogMissingIdentity: a 401 for a missing identity source, or for a token that does not match, is in the execution log.
	// Default: it is not.
	LogMissingIdentity bool
	// UnansweredIsFailure: an authorizer's function that gives no answer (the wait is over, it is throttled, Lambda itself
	// fails) is an AUTHORIZER_FAILURE. Default: AUTHORIZER_CONFIGURATION_ERROR, as every other failure of an authorizer.
	UnansweredIsFailure bool
	// FailureErrorType is the x-amzn-ErrorType of AUTHORIZER_FAILURE. "": AuthorizerFailureException.
	FailureErrorType string
	// FailureMessage is the message in the body of AUTHORIZER_FAILURE. "": null.
	FailureMessage string
	// DenialMember names the member of the body of ACCESS_DENIED that holds the text. "": Message, with the capital.
	DenialMember string
	// DenialSuffix is what follows the text of an explicit deny.
	DenialSuffix string
	// AuthorizerPathWithoutBase: for a request to a custom domain, requestContext.path of the authorizer's event lacks the
	// base path. Default: it has it, as the event of the integration.
	AuthorizerPathWithoutBase bool
	// DecodeHTTPPath: the paths in events of HTTP APIs are percent-decoded. Default: as sent.
	DecodeHTTPPath bool
	// HTTPPathWithoutStage: path of the events of format 1.0 of HTTP APIs lacks a named stage. Default: it is in front.
	HTTPPathWithoutStage bool
	// LowerCaseHeaders: the names of headers in events of REST APIs are in lower case, as a regional endpoint passes them on that
	// an HTTP/2 client has called. Default: the canonical spelling, as of an edge-optimised endpoint.
	LowerCaseHeaders bool
	// AuthorizerTimeout is how long a REST or WebSocket API waits for an authorizer. 0: 30 s. HTTP APIs wait 10 s.
	AuthorizerTimeout time.Duration
}

// Set turns a switch by its name, for a command line. value is "true" or "false" for most, a number of bytes, a text or
// a duration ("29s") for the others; "" is "true".
func (s *Switches) Set(name, value string) error {
	flags := map[string]*bool{"SkipSourceCheckUncached": &s.SkipSourceCheckUncached, "NormalizeMethodARN": &s.NormalizeMethodARN, "AllowMissingPrincipal": &s.AllowMissingPrincipal,
		"IgnoreLongResource": &s.IgnoreLongResource, "IgnoreMethodOverride": &s.IgnoreMethodOverride, "HTTPUnauthorizedError": &s.HTTPUnauthorizedError,
		"EscapedWildcards": &s.EscapedWildcards, "LogMissingIdentity": &s.LogMissingIdentity, "UnansweredIsFailure": &s.UnansweredIsFailure, "AuthorizerPathWithoutBase": &s.AuthorizerPathWithoutBase,
		"LowerCaseHeaders": &s.LowerCaseHeaders, "DecodeHTTPPath": &s.DecodeHTTPPath, "HTTPPathWithoutStage": &s.HTTPPathWithoutStage}
	texts := map[string]*string{"FailureErrorType": &s.FailureErrorType, "FailureMessage": &s.FailureMessage, "DenialMember": &s.DenialMember, "DenialSuffix": &s.DenialSuffix}
	var err error
	switch {
	case flags[name] != nil:
		*flags[name] = true
		if value != "" {
			*flags[name], err = strconv.ParseBool(value)
		}
	case texts[name] != nil:
		*texts[name] = value
	case name == "MaxAuthorizerPolicy":
		s.MaxAuthorizerPolicy, err = strconv.Atoi(value)
	case name == "AuthorizerTimeout":
		s.AuthorizerTimeout, err = time.ParseDuration(value)
	default:
		known := append(sortedKeys(flags), append(sortedKeys(texts), "MaxAuthorizerPolicy", "AuthorizerTimeout")...)
		slices.Sort(known)
		return fmt.Errorf("there is no switch %q; there are %s", name, strings.Join(known, ", "))
	}
	if err != nil {
		return fmt.Errorf("switch %s: %w", name, err)
	}
	return nil
}

// unanswered is the failure of a REST API whose authorizer's function gave no result at all.
func (s *Switches) unanswered(n *notCalled) *failure {
	detail := n.Error()
	var e *wire.Error
	unanswered := errors.Is(n, context.DeadlineExceeded) || errors.As(n, &e) && (e.Status == http.StatusTooManyRequests || e.Status == 499 || e.Status >= 500)
	if !s.UnansweredIsFailure || !unanswered {
		return configurationError(detail)
	}
	f := &failure{kind: "AUTHORIZER_FAILURE", body: `{"message":null}`, detail: detail, errorType: s.FailureErrorType}
	if s.FailureMessage != "" {
		f.message, f.body = &s.FailureMessage, ""
	}
	return f
}

// withLiterals takes the escapes of wildcards out of the resources of a statement: what is left matches the characters
// themselves.
func (s *Switches) withLiterals(st statement, version string) statement {
	if !s.EscapedWildcards || version != "2012-10-17" {
		return st
	}
	escapes := strings.NewReplacer("${*}", string(rune(literalStar)), "${?}", string(rune(literalMark)), "${$}", "$")
	resources := make([]string, len(st.resources))
	for i, r := range st.resources {
		resources[i] = escapes.Replace(r)
	}
	st.resources = resources
	return st
}

// Bytes that no ARN has; in a pattern they stand for a star and a question mark that are no wildcards.
const (
	literalStar = 0x01
	literalMark = 0x02
)

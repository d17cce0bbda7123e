package acp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"portcullis/edge/scan"
)

// scopes is everything the authorizer ever does with the system API.
const scopes = "introspect_tokens push_gateway_requests read_gateway_configuration write_gateway_configuration"

// The token is renewed this long before it expires, or at half its life time if that is sooner.
const renewBefore = 30 * time.Second

// token returns the bearer token, fetching one when there is none or it is about to expire (RFC 6749 section 4.4,
// client authentication by Basic, section 2.3.1).
func (c *Client) token(ctx context.Context) (string, error) {
	c.mu.Lock()
	bearer, valid := c.bearer, c.o.Now().Before(c.expires)
	c.mu.Unlock()
	if bearer != "" && valid {
		return bearer, nil
	}
	const op = "fetch the gateway's own token"
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scopes}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.issuer+"/oauth2/token", strings.NewReader(form))
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	req.SetBasicAuth(url.QueryEscape(c.o.ClientID), url.QueryEscape(c.o.ClientSecret))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	a, err := c.do(req, op, maxAnswerBytes)
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		return "", tokenError(op, a)
	}
	bearer, expires, err := readToken(a.body)
	if err != nil || bearer == "" {
		return "", errors.New(op + ": the answer holds no access token; is ACP_ISSUER_URL that of an authorization server?")
	}
	life := time.Duration(max(0, min(expires, 86400))) * time.Second
	c.mu.Lock()
	c.bearer, c.expires = bearer, c.o.Now().Add(life-min(renewBefore, life/2))
	c.mu.Unlock()
	return bearer, nil
}

// readToken reads a token answer (RFC 6749 section 5.1); expires is in seconds.
func readToken(body []byte) (bearer string, expires int64, err error) {
	t := scan.Of(string(body))
	for name := range t.Fields([]string{"access_token", "expires_in"}) {
		if name == "access_token" {
			bearer = t.String()
		} else {
			expires = t.Int()
		}
	}
	if t.Done() {
		return bearer, expires, nil
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	err = json.Unmarshal(body, &answer)
	return answer.AccessToken, answer.ExpiresIn, err
}

// tokenError reads the OAuth error body (RFC 6749 section 5.2). Its description may be logged, the request not.
func tokenError(op string, a *answer) error {
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	e, ok := a.err(op).(*Error)
	if ok && json.Unmarshal(a.body, &body) == nil && body.Error != "" {
		e.Code, e.Message = cut(body.Error, 60), cut(strings.TrimSpace(body.Error+" "+body.Description), 300)
	}
	return e
}

// drop forgets the token if it is still the current one.
func (c *Client) drop(bearer string) {
	c.mu.Lock()
	if c.bearer == bearer {
		c.bearer = ""
	}
	c.mu.Unlock()
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// controlPlane speaks the admin API with the automation client, and the portal as a browser without scripts would.
type controlPlane struct {
	base    string
	token   string
	api     *http.Client
	browser *http.Client // keeps cookies
}

func newControlPlane(base string) *controlPlane {
	jar, _ := cookiejar.New(nil) // never fails without options
	return &controlPlane{base: base,
		api:     &http.Client{Timeout: 20 * time.Second},
		browser: &http.Client{Timeout: 20 * time.Second, Jar: jar}}
}

// tokenFrom gets an access token by client credentials (RFC 6749 section 4.4).
func (c *controlPlane) tokenFrom(ctx context.Context, workspace, clientID, secret string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/default/"+workspace+"/oauth2/token",
		strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(secret))
	resp, err := c.api.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.AccessToken == "" {
		return "", fmt.Errorf("the token endpoint of workspace %s answered %s: %s %s", workspace, resp.Status, answer.Error, answer.Description)
	}
	return answer.AccessToken, nil
}

// login gets the token with which every later call is made.
func (c *controlPlane) login(ctx context.Context, clientID, secret string) (err error) {
	c.token, err = c.tokenFrom(ctx, "admin", clientID, secret)
	return err
}

// do calls the admin API; in is sent as JSON unless nil, the answer is decoded into out: a pointer, a *[]byte for the
// raw body, or nil.
func (c *controlPlane) do(ctx context.Context, method, path string, in, out any, want int) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+"/api/admin/default"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.api.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != want {
		return fmt.Errorf("%s %s answered %s, not %d: %s", method, path, resp.Status, want, bytes.TrimSpace(answer[:min(len(answer), 500)]))
	}
	switch out := out.(type) {
	case nil:
		return nil
	case *[]byte:
		*out = answer
		return nil
	default:
		return json.Unmarshal(answer, out)
	}
}

// page gets a portal page and checks that it shows every one of the words.
func (c *controlPlane) page(ctx context.Context, path string, words ...string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return err
	}
	return c.browse(req, words)
}

// submit posts a portal form and checks the page that follows.
func (c *controlPlane) submit(ctx context.Context, path string, form url.Values, words ...string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return c.browse(req, words)
}

// loginForm is the address that the form of the log-in page posts to.
var loginForm = regexp.MustCompile(`<form method="post" action="([^"]*)"`)

// enter logs in to the portal, which sends a browser to the log-in page of the workspace admin.
func (c *controlPlane) enter(ctx context.Context, username, password string, words ...string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/app/login", nil)
	if err != nil {
		return err
	}
	_, body, err := c.open(req)
	if err != nil {
		return err
	}
	form := loginForm.FindSubmatch(body)
	if form == nil {
		return errors.New("the portal's log-in page has no form")
	}
	return c.submit(ctx, html.UnescapeString(string(form[1])), url.Values{"step": {"login"}, "username": {username}, "password": {password}}, words...)
}

// open follows redirects to a page.
func (c *controlPlane) open(req *http.Request) (*http.Response, []byte, error) {
	resp, err := c.browser.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	return resp, body, err
}

func (c *controlPlane) browse(req *http.Request, words []string) error {
	resp, body, err := c.open(req)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the portal answered %s %s with %s", req.Method, req.URL.Path, resp.Status)
	}
	var missing []error
	for _, w := range words {
		if !bytes.Contains(body, []byte(w)) {
			missing = append(missing, fmt.Errorf("the portal page %s does not show %q", resp.Request.URL.Path, w))
		}
	}
	return errors.Join(missing...)
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/edge/waist"
)

// remote is what pull, push and diff know of the server; the help text is the manual.
type remote struct {
	IssuerURL        string        `name:"issuer-url" required:"" env:"PORTCULLIS_ISSUER_URL" help:"The system workspace's issuer, e.g. https://portcullis.example.com/default/system."`
	ClientID         string        `name:"client-id" required:"" env:"PORTCULLIS_CLIENT_ID" help:"A client of the system workspace with the scope manage_configuration; read_configuration is enough to pull and diff without secrets. Its secret comes from PORTCULLIS_CLIENT_SECRET or a file."`
	ClientSecretFile string        `name:"client-secret-file" placeholder:"FILE" env:"PORTCULLIS_CLIENT_SECRET_FILE" help:"A file with the client's secret."`
	Dir              string        `default:"data" env:"PORTCULLIS_DIR" help:"The directory of the files."`
	Workspace        string        `env:"PORTCULLIS_WORKSPACE" help:"One workspace."`
	Tenant           bool          `help:"All workspaces of the tenant, instead of one."`
	Timeout          time.Duration `default:"2m" help:"How long one request may take."`
	AllowHTTP        bool          `name:"allow-http" env:"PORTCULLIS_ALLOW_HTTP" help:"Send the secret over http:// to another machine, in clear."`

	base, tenant, token string
	client              *http.Client
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 256 << 20

// connect checks the flags and gets an access token.
func (r *remote) connect(ctx context.Context) error {
	if (r.Workspace == "") != r.Tenant {
		return errors.New("say what to work on: either --workspace ID or --tenant")
	}
	if strings.ContainsAny(r.Workspace, "/\\") || strings.HasPrefix(r.Workspace, ".") {
		return fmt.Errorf("--workspace %q is not the id of a workspace", r.Workspace)
	}
	u, err := url.Parse(r.IssuerURL)
	parts := strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(parts) < 2 || u.RawQuery != "" || u.User != nil {
		return fmt.Errorf("--issuer-url %q must be https://host/TENANT/system", r.IssuerURL)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) && !r.AllowHTTP {
		return fmt.Errorf("--issuer-url %s would send the secret in clear over the network; use https://, or add --allow-http", r.IssuerURL)
	}
	r.tenant = parts[len(parts)-2]
	r.base = u.Scheme + "://" + u.Host
	if front := strings.Join(parts[:len(parts)-2], "/"); front != "" {
		r.base += "/" + front
	}
	r.client = &http.Client{Timeout: r.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	secret := os.Getenv("PORTCULLIS_CLIENT_SECRET")
	if r.ClientSecretFile != "" {
		b, err := os.ReadFile(r.ClientSecretFile)
		if err != nil {
			return fmt.Errorf("the client's secret could not be read: %w", err)
		}
		secret = strings.TrimSpace(string(b))
	}
	if secret == "" {
		return errors.New("there is no client secret; set PORTCULLIS_CLIENT_SECRET, or name a file with --client-secret-file")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(r.IssuerURL, "/")+"/oauth2/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(r.ClientID), url.QueryEscape(secret)) // RFC 6749 2.3.1
	status, body, err := r.send(req)
	if err != nil {
		return err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &answer) != nil || status != http.StatusOK || answer.AccessToken == "" {
		return fmt.Errorf("%s gave no access token (status %d): %s %s", r.IssuerURL, status, answer.Error, answer.Description)
	}
	r.token = answer.AccessToken
	return nil
}

func (r *remote) send(req *http.Request) (int, []byte, error) {
	resp, err := r.client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("the server cannot be reached: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return 0, nil, fmt.Errorf("the answer of %s broke off: %w", req.URL.Path, err)
	}
	if len(body) > maxAnswer {
		return 0, nil, fmt.Errorf("the answer of %s is larger than %d bytes", req.URL.Path, maxAnswer)
	}
	return resp.StatusCode, body, nil
}

// path is where the configuration is.
func (r *remote) path() string {
	p := r.base + "/api/hub/" + r.tenant
	if r.Workspace != "" {
		p += "/workspaces/" + url.PathEscape(r.Workspace)
	}
	return p + "/promote/config"
}

// call sends a document or nothing, and returns the answer; an error of the server comes with all that it names.
func (r *remote) call(ctx context.Context, method, url string, document any) ([]byte, error) {
	var body io.Reader
	if document != nil {
		b, err := json.Marshal(document)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("Accept", "application/json")
	if document != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	status, answer, err := r.send(req)
	if err != nil || status == http.StatusOK || status == http.StatusNoContent {
		return answer, err
	}
	return nil, serverError(status, answer)
}

// serverError is the server's error with its details, one line each.
func serverError(status int, body []byte) error {
	var e waist.Error
	if json.Unmarshal(body, &e) != nil || e.Message == "" {
		return fmt.Errorf("the server answered %d", status)
	}
	lines := []string{fmt.Sprintf("the server refused (%d %s): %s", status, e.Code, e.Message)}
	fields := object(e.Details["fields"])
	names := sorted(fields)
	sort.Strings(names)
	for _, name := range names {
		lines = append(lines, fmt.Sprintf("  %s %v", name, fields[name]))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// export reads the workspaces from the server, tidy. :: workspace id → tree
func (r *remote) export(ctx context.Context, secrets bool) (map[string]map[string]any, error) {
	url := r.path()
	if secrets {
		url += "?with_credentials=true"
	}
	answer, err := r.call(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	document, err := control.ParseTree(answer)
	if err != nil {
		return nil, fmt.Errorf("the answer of the server: %w", err)
	}
	if r.Workspace != "" {
		return map[string]map[string]any{r.Workspace: tidyServer(object(document))}, nil
	}
	out := map[string]map[string]any{}
	for wid, tree := range object(object(document)["servers"]) {
		if wid == "" || strings.ContainsAny(wid, "/\\") || strings.HasPrefix(wid, ".") {
			return nil, fmt.Errorf("the server names a workspace %q, which is no name for a directory", wid)
		}
		out[wid] = tidyServer(object(tree))
	}
	return out, nil
}

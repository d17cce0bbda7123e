package acp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"portcullis/edge/waist"
)

// Poll is what the authorizer says of itself when it asks for the configuration.
type Poll struct {
	ETag     string // of the configuration in use; empty before the first
	Revision int64  // in use; 0 before the first
	Age      time.Duration
	// Sign asks for a signature over a configuration that is unchanged; one that is fetched has it anyway.
	Sign bool
}

// Fetched is the answer to a poll. Without NotModified, Raw holds the exact bytes and Configuration what they say.
// Signatures were not checked yet; there are none from a control plane that does not sign.
type Fetched struct {
	NotModified   bool
	ETag          string
	Raw           []byte
	Configuration *waist.Configuration
	Signatures    []string
}

// GetConfiguration fetches the gateway's configuration, conditionally when p.ETag is set.
func (c *Client) GetConfiguration(ctx context.Context, p Poll) (Fetched, error) {
	const op = "fetch the configuration"
	h := http.Header{}
	if p.ETag != "" {
		h.Set("If-None-Match", p.ETag)
	}
	if c.o.Environment != "" {
		h.Set(waist.HeaderEnvironment, c.o.Environment)
	}
	if c.o.Version != "" {
		h.Set(waist.HeaderVersion, c.o.Version)
	}
	if p.Revision > 0 {
		h.Set(waist.HeaderRevision, strconv.FormatInt(p.Revision, 10))
		h.Set(waist.HeaderAge, strconv.FormatInt(int64(p.Age/time.Second), 10))
	}
	if p.Sign {
		h.Set(waist.HeaderSign, "true")
	}
	a, err := c.call(ctx, op, http.MethodGet, "/gateways/configuration?authorizer_version="+url.QueryEscape(c.version()), h, nil, maxConfigurationBytes)
	switch {
	case err != nil:
		return Fetched{}, err
	case a.status == http.StatusNotModified && p.ETag != "":
		return Fetched{NotModified: true, ETag: p.ETag, Signatures: signatures(a.header)}, nil
	case a.status != http.StatusOK:
		return Fetched{}, a.err(op)
	}
	cfg, err := Decode(a.body)
	if err != nil {
		return Fetched{}, fmt.Errorf("%s: %w", op, err)
	}
	return Fetched{ETag: a.header.Get("ETag"), Raw: a.body, Configuration: cfg, Signatures: signatures(a.header)}, nil
}

func (c *Client) version() string {
	if c.o.Version == "" {
		return "latest"
	}
	return c.o.Version
}

// PushInventory replaces the control plane's list of API groups of this gateway.
func (c *Client) PushInventory(ctx context.Context, inv waist.Inventory) (waist.InventoryResult, error) {
	var out waist.InventoryResult
	return out, c.push(ctx, "push the inventory", "/gateways/configuration", inv, &out)
}

// PushEvents sends request events, at most waist.MaxEventsPerPush of them.
func (c *Client) PushEvents(ctx context.Context, events waist.RequestEvents) (waist.RequestEventsResult, error) {
	var out waist.RequestEventsResult
	return out, c.push(ctx, "push request events", "/gateways/requests", events, &out)
}

func (c *Client) push(ctx context.Context, op, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	a, err := c.call(ctx, op, http.MethodPost, path+"?authorizer_version="+url.QueryEscape(c.version()), http.Header{}, body, maxAnswerBytes)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return a.err(op)
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return fmt.Errorf("%s: the answer is not readable: %w", op, err)
	}
	return nil
}

// Introspect asks about an opaque token of the protected workspace (RFC 7662, at /gateways/introspect) and returns the
// whole answer; the member "active" decides.
func (c *Client) Introspect(ctx context.Context, raw string) (map[string]any, error) {
	const op = "introspect a token"
	h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	a, err := c.call(ctx, op, http.MethodPost, "/gateways/introspect", h, []byte(url.Values{"token": {raw}}.Encode()), maxAnswerBytes)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, a.err(op)
	}
	var out map[string]any
	if err := json.Unmarshal(a.body, &out); err != nil || out == nil {
		return nil, errors.New(op + ": the answer is not a JSON object")
	}
	return out, nil
}

package apigateway_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"portcullis/aws/local/apigateway"
	"portcullis/aws/local/wire"
)

// TestAuthorizerWait: how long a REST API waits for an authorizer is not documented; both a long and a short wait can be
// had. One that does not answer in time is a configuration error, as any other failure of the function.
func TestAuthorizerWait(t *testing.T) {
	answered := make(chan struct{})
	close(answered)
	for name, c := range map[string]struct {
		wait   time.Duration
		answer chan struct{} // nil: the function never answers
		status int
		body   string
	}{
		"the default, answered":  {0, answered, http.StatusOK, `{"ok":true}`},
		"a short wait, answered": {time.Minute, answered, http.StatusOK, `{"ok":true}`},
		"a short wait, in vain":  {20 * time.Millisecond, nil, http.StatusInternalServerError, `{"message":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(o *apigateway.Options) {
				o.AuthorizerTimeout = c.wait
				o.Invoke = func(ctx context.Context, in wire.Invocation) (wire.InvokeResult, error) {
					select {
					case <-c.answer:
						return echoPolicy(in)
					case <-ctx.Done():
						return wire.InvokeResult{}, ctx.Err()
					}
				}
			})
			id := b.importAPI(document([]string{"GET /pets"}, uncached))
			got := b.call(id, "GET", "/dev/pets", "", "Authorization: Bearer x")
			if got.status != c.status {
				t.Fatalf("%d %s, want %d", got.status, got.body, c.status)
			}
			if c.status != http.StatusOK {
				wantReply(t, got, c.status, c.body)
				if e := got.header.Get("X-Amzn-Errortype"); e != "AuthorizerConfigurationException" {
					t.Errorf("error type %q", e)
				}
			}
		})
	}
}

package specification

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"portcullis/control"
	"portcullis/control/outbound"
)

const maxURL = 2048 // bytes

// Fetch gets the document at a URL by a client of package outbound, which keeps out of our own network and follows no
// redirect. It sends no credentials. The error is one of kind Invalid about the field url; it says nothing of what a
// resolver, a certificate or an address looks like from here.
func Fetch(ctx context.Context, c *http.Client, address string) ([]byte, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || len(address) > maxURL || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, refused("must be an https:// URL of at most %d bytes", maxURL)
	case u.User != nil:
		return nil, refused("must not hold a user name or password")
	}
	text, err := outbound.Get(ctx, outbound.Larger(c, MaxBytes), u.String())
	if err == nil {
		return text, nil
	}
	var dns *net.DNSError
	var status *outbound.StatusError
	for _, known := range []error{outbound.ErrAddress, outbound.ErrPlain, outbound.ErrTooLarge, outbound.ErrRedirects} {
		if errors.Is(err, known) {
			return nil, refused("was not fetched: %s", known)
		}
	}
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &status):
		return nil, refused("answers with status %d", status.Status)
	case errors.As(err, &dns):
		return nil, refused("has a host name that is not known")
	}
	return nil, refused("could not be reached in time, or its certificate is not valid here")
}

func refused(format string, args ...any) *control.Error {
	what := fmt.Sprintf(format, args...)
	e := control.Errorf(control.Invalid, "specification_not_fetched", "the specification was not fetched: the URL %s", what)
	e.Fields = map[string]string{"url": what}
	return e
}

package acp

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"portcullis/edge/waist"
)

// signatures reads the lines of waist.HeaderSignature.
func signatures(h http.Header) []string {
	var out []string
	for _, line := range h.Values(waist.HeaderSignature) {
		for s := range strings.SplitSeq(line, ",") {
			if s = strings.TrimSpace(s); s != "" && len(out) < waist.MaxSignatures {
				out = append(out, s)
			}
		}
	}
	return out
}

// Verify finds, among the signatures that came with a configuration, the one for this gateway's client secret, and
// checks that it is for this gateway. Nothing of raw is looked at but its bytes. What the document says of itself, and how
// old it may be, is for the caller to compare.
func (c *Client) Verify(signatures []string, raw []byte) (waist.ConfigurationSignature, error) {
	if len(signatures) == 0 {
		return waist.ConfigurationSignature{}, errors.New("the configuration is not signed")
	}
	for _, line := range signatures {
		s, err := waist.VerifySignature(c.o.ClientSecret, line, raw)
		if err != nil {
			continue // for another secret, while a rotation lasts
		}
		if s.ClientID != c.o.ClientID || s.TenantID != c.tenant {
			return waist.ConfigurationSignature{}, fmt.Errorf("the configuration is signed for client %q of tenant %q, this is %q of %q", s.ClientID, s.TenantID, c.o.ClientID, c.tenant)
		}
		return s, nil
	}
	return waist.ConfigurationSignature{}, fmt.Errorf("%w (is ACP_CLIENT_SECRET still the gateway's?)", waist.ErrSignature)
}

package local

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"portcullis/aws/local/iam"
	"portcullis/aws/local/wire"
)

// signature is what a request says about its AWS Signature Version 4, in the Authorization header or, presigned, in the
// query.
type signature struct {
	keyID, date, region, service string
	headers                      []string // names, lower case
	value                        string   // hexadecimal
	time                         time.Time
	token                        string
	presigned                    bool
	lifetime                     time.Duration // of a presigned request
}

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
	maxSkew    = 5 * time.Minute
)

func missing() error {
	return failure(http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
}

func incomplete(text string) error {
	return failure(http.StatusForbidden, "IncompleteSignatureException", text)
}

// readSignature finds the signature of a request.
func readSignature(r *http.Request) (*signature, error) {
	sig := &signature{}
	var credential, headers, at string
	if q := r.URL.Query(); q.Get("X-Amz-Algorithm") != "" {
		if q.Get("X-Amz-Algorithm") != algorithm {
			return nil, incomplete("Unsupported AWS 'algorithm': '" + q.Get("X-Amz-Algorithm") + "'.")
		}
		credential, headers, sig.value, at = q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Signature"), q.Get("X-Amz-Date")
		sig.token, sig.presigned = q.Get("X-Amz-Security-Token"), true
		seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
		if err != nil || seconds < 1 || seconds > 604800 {
			return nil, incomplete("X-Amz-Expires must be a number of seconds from 1 to 604800")
		}
		sig.lifetime = time.Duration(seconds) * time.Second
	} else {
		auth := r.Header.Get("Authorization")
		if auth == "" {
			return nil, missing()
		}
		rest, ok := strings.CutPrefix(auth, algorithm)
		if !ok {
			return nil, incomplete("Authorization header requires 'Credential' parameter, a signature of the kind " + algorithm + ".")
		}
		for _, part := range strings.Split(rest, ",") {
			k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
			switch k {
			case "Credential":
				credential = v
			case "SignedHeaders":
				headers = v
			case "Signature":
				sig.value = v
			}
		}
		at, sig.token = r.Header.Get("X-Amz-Date"), r.Header.Get("X-Amz-Security-Token")
		if at == "" {
			if d, err := http.ParseTime(r.Header.Get("Date")); err == nil {
				at = d.UTC().Format(timeFormat)
			}
		}
	}
	scope := strings.Split(credential, "/")
	if n := len(scope); n < 5 || scope[n-1] != "aws4_request" {
		return nil, incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" + credential + "'")
	} else {
		sig.keyID, sig.date, sig.region, sig.service = strings.Join(scope[:n-4], "/"), scope[n-4], scope[n-3], scope[n-2]
	}
	if headers == "" || sig.value == "" {
		return nil, incomplete("Authorization header requires 'SignedHeaders' and 'Signature' parameters.")
	}
	var err error
	if sig.time, err = time.Parse(timeFormat, at); err != nil || !strings.HasPrefix(at, sig.date) {
		return nil, incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header of the form " + timeFormat + ", of the day in the credential scope.")
	}
	sig.headers = strings.Split(strings.ToLower(headers), ";")
	return sig, nil
}

func mismatch(why string) error {
	return failure(http.StatusForbidden, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details. ("+why+")")
}

// verify checks the request against the secret of the key it names. Signing programs use the real clock, so the age of
// the signature is measured on it; the end of the key's session is on the server's clock.
func (sig *signature) verify(c *wire.Call, key iam.Key) error {
	if subtle.ConstantTimeCompare([]byte(sig.token), []byte(key.SessionToken)) != 1 {
		return failure(http.StatusForbidden, "UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	if !key.Expires.IsZero() && !c.Now.Before(key.Expires) {
		return failure(http.StatusForbidden, "ExpiredTokenException", "The security token included in the request is expired")
	}
	age := time.Since(sig.time)
	if limit := max(maxSkew, sig.lifetime); age > limit || age < -maxSkew {
		return failure(http.StatusForbidden, "InvalidSignatureException", "Signature expired: "+sig.time.Format(timeFormat)+" is not within "+limit.String()+" of the current time")
	}
	if !contains(sig.headers, "host") {
		return mismatch("the header host is not signed")
	}
	hash, err := payloadHash(c, sig)
	if err != nil {
		return err
	}
	canonical := strings.Join([]string{c.Request.Method, canonicalPath(c.Request, c.Service), canonicalQuery(c.Request), canonicalHeaders(c.Request, sig.headers),
		strings.Join(sig.headers, ";"), hash}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{algorithm, sig.time.Format(timeFormat), sig.date + "/" + sig.region + "/" + sig.service + "/aws4_request", hex.EncodeToString(sum[:])}, "\n")
	k := []byte("AWS4" + key.Secret)
	for _, part := range []string{sig.date, sig.region, sig.service, "aws4_request", text} {
		k = mac(k, part)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(k)), []byte(sig.value)) {
		return mismatch("the signature differs")
	}
	return nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// payloadHash is the last line of the canonical request. A stated hash must be that of the body; only S3 takes requests
// that leave the body out of the signature.
func payloadHash(c *wire.Call, sig *signature) (string, error) {
	sum := sha256.Sum256(c.Body)
	actual := hex.EncodeToString(sum[:])
	stated := c.Request.Header.Get("X-Amz-Content-Sha256")
	switch {
	case c.Service == "s3" && sig.presigned && stated == "":
		return "UNSIGNED-PAYLOAD", nil
	case c.Service == "s3" && (stated == "UNSIGNED-PAYLOAD" || strings.HasPrefix(stated, "STREAMING-")):
		return stated, nil
	case stated != "" && stated != actual:
		return "", mismatch("the body is not the one that was signed")
	}
	return actual, nil
}

// canonicalPath encodes the path as it was sent once more, except for S3.
func canonicalPath(r *http.Request, service string) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if u, err := url.Parse(r.RequestURI); err == nil && u.IsAbs() {
		path = u.EscapedPath()
	}
	if path == "" {
		path = "/"
	}
	if service == "s3" {
		return path
	}
	return escape(path, "/")
}

// escape percent-encodes all but the unreserved characters and those in keep.
func escape(s, keep string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		ch := s[i]
		switch {
		case ch >= 'A' && ch <= 'Z', ch >= 'a' && ch <= 'z', ch >= '0' && ch <= '9', strings.IndexByte("-_.~", ch) >= 0, strings.IndexByte(keep, ch) >= 0:
			b.WriteByte(ch)
		default:
			b.Write([]byte{'%', hexDigits[ch>>4], hexDigits[ch&15]})
		}
	}
	return b.String()
}

func canonicalQuery(r *http.Request) string {
	type pair struct{ k, v string }
	var pairs []pair
	for k, values := range r.URL.Query() {
		if k == "X-Amz-Signature" {
			continue
		}
		for _, v := range values {
			pairs = append(pairs, pair{escape(k, ""), escape(v, "")})
		}
	}
	sort.Slice(pairs, func(i, j int) bool {
		if pairs[i].k != pairs[j].k {
			return pairs[i].k < pairs[j].k
		}
		return pairs[i].v < pairs[j].v
	})
	text := make([]string, len(pairs))
	for i, p := range pairs {
		text[i] = p.k + "=" + p.v
	}
	return strings.Join(text, "&")
}

// canonicalHeaders lists the signed headers, each on a line that ends with a newline.
func canonicalHeaders(r *http.Request, names []string) string {
	var b strings.Builder
	for _, n := range names {
		var values []string
		switch n {
		case "host":
			values = []string{r.Host}
		case "content-length":
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		case "transfer-encoding":
			values = r.TransferEncoding
		default:
			values = r.Header.Values(n)
		}
		trimmed := make([]string, len(values))
		for i, v := range values {
			trimmed[i] = strings.Join(strings.Fields(v), " ")
		}
		b.WriteString(n + ":" + strings.Join(trimmed, ",") + "\n")
	}
	return b.String()
}

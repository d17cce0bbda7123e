package local

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"portcullis/aws/local/iam"
	"portcullis/aws/local/wire"
)

const (
	defaultRegion = "us-east-1"
	// maxBody is what the largest request needs: a 50 MB archive in base64 inside CreateFunction. AWS has the same limit.
	maxBody = 70_167_211
)

// serveService answers a request to a service API: who asks, for which service, region and account, and is the
// signature right; then what the management API has planned for it, and then the service has it.
func (s *Server) serveService(w http.ResponseWriter, r *http.Request) {
	c := &wire.Call{RequestID: wire.NewID(), Now: s.now(), Request: r, Authorize: s.iam.Authorize}
	rec := &recorder{ResponseWriter: w}
	began := time.Now()
	fault := s.admit(rec, c)
	s.history.add(Record{Time: c.Now, Service: c.Service, Region: c.Region, Account: c.Account, Principal: c.Principal.ARN, Operation: operationOf(c),
		Method: r.Method, Path: r.URL.Path, Status: rec.status, ErrorCode: c.ErrorCode, RequestID: c.RequestID, Fault: fault,
		Milliseconds: float64(time.Since(began).Microseconds()) / 1000})
}

// admit reads, identifies and answers a request. It returns the kind of the fault that was played, "" for none.
func (s *Server) admit(w http.ResponseWriter, c *wire.Call) string {
	r := c.Request
	protocol := guessProtocol(r)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		wire.WriteErrorFor(w, c, protocol, failure(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Request must be smaller than 70167211 bytes"))
		return ""
	case err != nil:
		wire.WriteErrorFor(w, c, protocol, failure(http.StatusBadRequest, "IncompleteBody", "the request body could not be read: "+err.Error()))
		return ""
	}
	c.Body = body
	sig, err := readSignature(r)
	if err != nil {
		wire.WriteErrorFor(w, c, protocol, inProtocol(err, protocol))
		return ""
	}
	c.Service, c.Region, c.Partition = sig.service, sig.region, partitionOf(sig.region)
	protocol = wire.ProtocolOf(c.Service)
	if err := s.identify(c, sig); err != nil {
		wire.WriteErrorFor(w, c, protocol, inProtocol(err, protocol))
		return ""
	}
	s.log.Debug("call", "service", c.Service, "region", c.Region, "account", c.Account, "principal", c.Principal.ARN, "method", r.Method, "path", r.URL.Path, "request", c.RequestID)
	service := s.services[c.Service]
	if service == nil {
		wire.WriteErrorFor(w, c, protocol, wire.NotImplemented(c.Service, operationOf(c)))
		return ""
	}
	return s.faults.play(w, c, func(w http.ResponseWriter) { service.ServeAWS(w, c) })
}

// operationOf names an operation as well as its request does: PutRule, CreateRole, "GET /restapis".
func operationOf(c *wire.Call) string {
	if t := wire.Target(c.Request); t != "" {
		return t
	}
	if wire.ProtocolOf(c.Service) == wire.Query {
		if form, err := c.Form(); err == nil && form.Get("Action") != "" {
			return form.Get("Action")
		}
	}
	return c.Request.Method + " " + c.Request.URL.Path
}

var accountKey = regexp.MustCompile(`^[0-9]{12}$`)

// identify sets account and principal of a call. A key that was issued here must have signed the request; any other key
// is an administrator's: of the account it spells, or of the default account.
func (s *Server) identify(c *wire.Call, sig *signature) error {
	key, found, ours := s.iam.Key(sig.keyID)
	switch {
	case found:
		if err := sig.verify(c, key); err != nil {
			return err
		}
		c.Account, c.Principal = key.Account, key.Principal
	case ours: // issued here once, deleted or forgotten since
		return failure(http.StatusForbidden, "UnrecognizedClientException", "The security token included in the request is invalid.")
	case accountKey.MatchString(sig.keyID):
		c.Account = sig.keyID
		c.Principal = iam.Administrator(c.Partition, c.Account)
	default:
		c.Account = s.o.DefaultAccount
		c.Principal = iam.Administrator(c.Partition, c.Account)
	}
	return nil
}

func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// guessProtocol tells how to answer a request whose service is not known yet.
func guessProtocol(r *http.Request) wire.Protocol {
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		return wire.AWSJSON
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return wire.Query
	}
	return wire.RESTJSON
}

func failure(status int, code, message string) *wire.Error {
	return &wire.Error{Status: status, Code: code, Message: message}
}

// queryCodes are the names that Query and XML services have for what JSON services call …Exception.
var queryCodes = map[string]string{
	"MissingAuthenticationTokenException": "MissingAuthenticationToken",
	"IncompleteSignatureException":        "IncompleteSignature",
	"InvalidSignatureException":           "SignatureDoesNotMatch",
	"UnrecognizedClientException":         "InvalidClientTokenId",
	"ExpiredTokenException":               "ExpiredToken",
}

func inProtocol(err error, p wire.Protocol) error {
	var e *wire.Error
	if p != wire.Query && p != wire.RESTXML || !errors.As(err, &e) || queryCodes[e.Code] == "" {
		return err
	}
	renamed := *e
	renamed.Code = queryCodes[e.Code]
	return &renamed
}

package local

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"portcullis/aws/local/apigateway"
	"portcullis/aws/local/wire"
)

// serveExecute hands a request to the data plane of API Gateway, with the faults that are planned for "execute-api".
func (s *Server) serveExecute(w http.ResponseWriter, r *http.Request) {
	c := &wire.Call{Service: "execute-api", RequestID: wire.NewID(), Now: s.now(), Request: r}
	rec := &recorder{ResponseWriter: w}
	began := time.Now()
	fault := s.faults.play(rec, c, func(w http.ResponseWriter) { s.gateway.ServeExecute(w, r) })
	errorCode := ""
	for name, values := range rec.Header() { // API Gateway's spelling of header names is not Go's
		switch {
		case len(values) == 0:
		case strings.EqualFold(name, "x-amzn-RequestId"):
			c.RequestID = values[0]
		case strings.EqualFold(name, "x-amzn-ErrorType"):
			errorCode = values[0]
		}
	}
	s.history.add(Record{Time: c.Now, Service: c.Service, Operation: r.Method + " " + r.URL.Path, Method: r.Method, Path: r.URL.Path, Status: rec.status,
		ErrorCode: errorCode, RequestID: c.RequestID, Fault: fault, Milliseconds: float64(time.Since(began).Microseconds()) / 1000})
}

// maxExecuteBody is the payload limit of API Gateway, 10 MB.
const maxExecuteBody = 10 << 20

// verifyExecute is the apigateway.VerifyIAM of this AWS.
func (s *Server) verifyExecute(r *http.Request, action, resource string) (*apigateway.Caller, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxExecuteBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxExecuteBody {
		return nil, errors.New("the request body is larger than API Gateway takes")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	sig, err := readSignature(r)
	if err != nil {
		return nil, err
	}
	if sig.service != "execute-api" {
		return nil, failure(http.StatusForbidden, "InvalidSignatureException", "Credential should be scoped to correct service: 'execute-api'.")
	}
	if parts := strings.SplitN(resource, ":", 6); parts[3] != sig.region {
		return nil, failure(http.StatusForbidden, "InvalidSignatureException", "Credential should be scoped to a valid region.")
	}
	c := &wire.Call{Service: sig.service, Region: sig.region, Partition: partitionOf(sig.region), Now: s.now(), Request: r, Body: body}
	if err := s.identify(c, sig); err != nil {
		return nil, err
	}
	return &apigateway.Caller{Principal: c.Principal, Account: c.Account, AccessKey: sig.keyID}, s.iam.Authorize(c, action, resource, nil)
}

package wire

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// Call is one authenticated request to one service.
type Call struct {
	Service   string // signing name: "apigateway", "lambda", "events", "iam", "sts", …
	Partition string // "aws", "aws-cn", "aws-us-gov"
	Region    string
	Account   string // 12 digits
	Principal Principal
	RequestID string
	Now       time.Time
	Request   *http.Request
	Body      []byte // read whole; the front door bounds it

	ErrorCode string // of the answer, noted by the functions that write errors

	// Authorize asks IAM whether the principal may do action on resource. Nil means: nobody may do anything.
	Authorize func(c *Call, action, resource string, conditions map[string][]string) error
}

// Principal is who signed the call.
type Principal struct {
	ARN     string // arn:aws:iam::111122223333:user/x or arn:aws:sts::111122223333:assumed-role/role/session
	RoleARN string // set for role sessions: arn:aws:iam::111122223333:role/role
	UserID  string
	Admin   bool // root or an administrator: every action is allowed
}

// Allow checks one action on one resource; the error is an AccessDeniedException as AWS words it.
func (c *Call) Allow(action, resource string, conditions map[string][]string) error {
	if c.Authorize == nil {
		return &Error{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: "no authorization is configured"}
	}
	return c.Authorize(c, action, resource, conditions)
}

// Service answers the calls of one AWS service. It writes the whole response.
type Service interface {
	ServeAWS(w http.ResponseWriter, c *Call)
}

// Error is an AWS service error. Fields are added to the JSON body beside "message".
type Error struct {
	Status     int
	Code       string // "NotFoundException"
	Message    string
	RetryAfter int // seconds; 0 means no header
	Fields     map[string]any
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// WriteJSON writes a REST-JSON or AWS-JSON answer.
func WriteJSON(w http.ResponseWriter, c *Call, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"message":"the simulated service could not encode its answer"}`)
	}
	h := w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	h.Set("X-Amzn-RequestId", c.RequestID)
	w.WriteHeader(status)
	w.Write(body)
}

// WriteError writes err in the REST-JSON form: the code in the header x-amzn-ErrorType, {"message":…} in the body.
// An err that is not an *Error is an InternalFailure (500) with its text, so that a defect of the simulator shows.
func WriteError(w http.ResponseWriter, c *Call, err error) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: err.Error()}
	}
	c.ErrorCode = e.Code
	body := map[string]any{"message": e.Message}
	for k, v := range e.Fields {
		body[k] = v
	}
	w.Header().Set("X-Amzn-ErrorType", e.Code)
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	WriteJSON(w, c, e.Status, body)
}

// NotImplemented is the answer to an operation that the simulator lacks: 501 with its name, never an empty 200.
func NotImplemented(service, operation string) *Error {
	return &Error{Status: http.StatusNotImplemented, Code: "NotImplemented",
		Message: "the local AWS has no " + service + ":" + operation}
}

// Invocation is one service's call of a Lambda function.
type Invocation struct {
	Function      string // function ARN, optionally with :qualifier
	Principal     string // "apigateway.amazonaws.com", "events.amazonaws.com"
	SourceARN     string
	SourceAccount string
	Role          string // ARN of a role that the service assumes for the call; its policies decide then, not the function's
	Payload       []byte
	Async         bool // "Event" invocation: queued, retried twice; the result carries no payload
}

// InvokeResult is what the function answered. FunctionError is "Unhandled" or "Handled" and Payload then holds
// {"errorMessage","errorType"}.
type InvokeResult struct {
	Payload       []byte
	FunctionError string
	RequestID     string
	Version       string
}

// Invoke calls a function as a service principal: the function's resource policy must allow it, or with Role, that role's
// trust policy the service and its own policies the call. Errors are *Error as
// the Lambda API would answer (ResourceNotFoundException, AccessDeniedException, TooManyRequestsException).
type Invoke func(ctx context.Context, in Invocation) (InvokeResult, error)

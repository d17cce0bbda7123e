package wire

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Protocol is the form in which a service reads requests and writes answers and errors.
type Protocol int

const (
	RESTJSON Protocol = iota // lambda, apigateway: error code in x-amzn-ErrorType
	AWSJSON                  // events, ssm, …: X-Amz-Target, error code in "__type"
	Query                    // iam, sts: form in, XML out
	RESTXML                  // s3
)

// protocols lists the services that do not speak REST-JSON.
var protocols = map[string]Protocol{
	"events": AWSJSON, "ssm": AWSJSON, "secretsmanager": AWSJSON, "logs": AWSJSON, "kms": AWSJSON, "dynamodb": AWSJSON, "monitoring": Query,
	"iam": Query, "sts": Query, "cloudformation": Query, "sqs": AWSJSON, "sns": Query, "ec2": Query,
	"s3": RESTXML,
}

// ProtocolOf says what a service speaks, by its signing name.
func ProtocolOf(service string) Protocol { return protocols[service] }

// WriteErrorFor writes err as the service's own protocol has it.
func WriteErrorFor(w http.ResponseWriter, c *Call, p Protocol, err error) {
	switch p {
	case AWSJSON:
		WriteAWSJSONError(w, c, err)
	case Query:
		WriteQueryError(w, c, err)
	case RESTXML:
		WriteXMLError(w, c, err)
	default:
		WriteError(w, c, err)
	}
}

func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: err.Error()}
}

// Target splits the X-Amz-Target header of an AWS-JSON request into its operation: "AWSEvents.PutRule" is "PutRule".
func Target(r *http.Request) string {
	t := r.Header.Get("X-Amz-Target")
	return t[strings.LastIndexByte(t, '.')+1:]
}

// WriteAWSJSON answers 200 in the AWS-JSON 1.1 form.
func WriteAWSJSON(w http.ResponseWriter, c *Call, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	WriteJSON(w, c, http.StatusOK, v)
}

// WriteAWSJSONError writes err with its code in "__type".
func WriteAWSJSONError(w http.ResponseWriter, c *Call, err error) {
	e := asError(err)
	c.ErrorCode = e.Code
	body := map[string]any{"__type": e.Code, "message": e.Message}
	for k, v := range e.Fields {
		body[k] = v
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-ErrorType", e.Code)
	WriteJSON(w, c, e.Status, body)
}

// ServeAWSJSON answers one call of an AWS-JSON service by the operation that it names, which runs on in with lock held. An
// operation without an answer answers an empty object.
func ServeAWSJSON[T any](w http.ResponseWriter, c *Call, operations map[string]func(T) (any, error), in T, lock sync.Locker) {
	name := Target(c.Request)
	op, ok := operations[name]
	if !ok {
		WriteAWSJSONError(w, c, NotImplemented(c.Service, name))
		return
	}
	lock.Lock()
	out, err := op(in)
	lock.Unlock()
	switch {
	case err != nil:
		WriteAWSJSONError(w, c, err)
	case out == nil:
		WriteAWSJSON(w, c, struct{}{})
	default:
		WriteAWSJSON(w, c, out)
	}
}

// Decode reads the JSON body of a call into v; an empty body is an empty object. Members v does not know are ignored,
// as AWS ignores them.
func (c *Call) Decode(v any) error {
	if len(bytes.TrimSpace(c.Body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.Body, v); err != nil {
		return &Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: "could not read the request body: " + err.Error()}
	}
	return nil
}

// Form reads the parameters of a Query call, from the body or, for GET, from the URL.
func (c *Call) Form() (url.Values, error) {
	raw := string(c.Body)
	if c.Request.Method == http.MethodGet {
		raw = c.Request.URL.RawQuery
	}
	v, err := url.ParseQuery(raw)
	if err != nil {
		return nil, &Error{Status: http.StatusBadRequest, Code: "MalformedQueryString", Message: "could not read the parameters: " + err.Error()}
	}
	return v, nil
}

// WriteQuery answers 200 in the Query form: <OpResponse><OpResult>…</OpResult><ResponseMetadata>…. The result must be
// a struct; nil leaves OpResult out.
func WriteQuery(w http.ResponseWriter, c *Call, namespace, operation string, result any) {
	var b bytes.Buffer
	b.WriteString(`<` + operation + `Response xmlns="` + namespace + `">`)
	if result != nil {
		enc := xml.NewEncoder(&b)
		if err := enc.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: operation + "Result"}}); err != nil {
			WriteQueryError(w, c, err)
			return
		}
	}
	b.WriteString(`<ResponseMetadata><RequestId>` + c.RequestID + `</RequestId></ResponseMetadata></` + operation + `Response>`)
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-RequestId", c.RequestID)
	w.WriteHeader(http.StatusOK)
	w.Write(b.Bytes())
}

// WriteQueryError writes err as the Query protocol has it.
func WriteQueryError(w http.ResponseWriter, c *Call, err error) {
	e := asError(err)
	c.ErrorCode = e.Code
	kind := "Sender"
	if e.Status >= 500 {
		kind = "Receiver"
	}
	writeXML(w, c, e.Status, struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Type      string   `xml:"Error>Type"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}{Type: kind, Code: e.Code, Message: e.Message, RequestID: c.RequestID})
}

// WriteXMLError writes err as S3 does.
func WriteXMLError(w http.ResponseWriter, c *Call, err error) {
	e := asError(err)
	c.ErrorCode = e.Code
	writeXML(w, c, e.Status, struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
	}{Code: e.Code, Message: e.Message, RequestID: c.RequestID})
}

func writeXML(w http.ResponseWriter, c *Call, status int, v any) {
	body, err := xml.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte("<Error><Code>InternalFailure</Code></Error>")
	}
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-RequestId", c.RequestID)
	w.WriteHeader(status)
	w.Write(body)
}

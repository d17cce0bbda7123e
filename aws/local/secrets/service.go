package secrets

import (
	"encoding/base64"
	"net/http"
	"sort"
	"sync"
	"time"

	"portcullis/aws/local/wire"
)

// Options of a Service.
type Options struct {
	Now func() time.Time // nil: time.Now
}

// Service is Secrets Manager and the Parameter Store of all accounts and regions.
type Service struct {
	now func() time.Time

	mu         sync.Mutex
	secrets    map[string]*secret    // by account/region/name
	parameters map[string]*parameter // by account/region/name
}

// maxItems bounds secrets and parameters per account and region.
const maxItems = 10_000

// New returns a Service that holds nothing.
func New(o Options) *Service {
	s := &Service{now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	s.Reset()
	return s
}

// Reset forgets everything.
func (s *Service) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets, s.parameters = map[string]*secret{}, map[string]*parameter{}
}

// call is one request being answered, with mu held.
type call struct {
	*wire.Call
	s *Service
}

type operation func(*call) (any, error)

var secretOperations = map[string]operation{
	"CreateSecret":   createSecret,
	"GetSecretValue": getSecretValue,
	"PutSecretValue": putSecretValue,
	"UpdateSecret":   updateSecret,
	"DescribeSecret": describeSecret,
	"DeleteSecret":   deleteSecret,
	"RestoreSecret":  restoreSecret,
	"ListSecrets":    listSecrets,
}

var parameterOperations = map[string]operation{
	"PutParameter":        putParameter,
	"GetParameter":        getParameter,
	"GetParameters":       getParameters,
	"GetParametersByPath": getParametersByPath,
	"DeleteParameter":     deleteParameter,
}

// ServeAWS answers one AWS-JSON call of either service.
func (s *Service) ServeAWS(w http.ResponseWriter, wc *wire.Call) {
	operations := secretOperations
	if wc.Service == "ssm" {
		operations = parameterOperations
	}
	name := wire.Target(wc.Request)
	op, ok := operations[name]
	if !ok {
		wire.WriteAWSJSONError(w, wc, wire.NotImplemented(wc.Service, name))
		return
	}
	s.mu.Lock()
	out, err := op(&call{wc, s})
	s.mu.Unlock()
	if err != nil {
		wire.WriteAWSJSONError(w, wc, err)
		return
	}
	wire.WriteAWSJSON(w, wc, out)
}

func failure(code, message string) error {
	return &wire.Error{Status: 400, Code: code, Message: message}
}

func (c *call) key(name string) string { return c.Account + "/" + c.Region + "/" + name }

func (c *call) allow(resource string) error {
	return c.Allow(c.Service+":"+wire.Target(c.Request), resource, nil)
}

// seconds is how AWS-JSON writes a time.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// page cuts sorted names by an opaque token and a limit.
func page(names []string, token string, limit, most int) ([]string, string, error) {
	sort.Strings(names)
	if limit == 0 {
		limit = most
	}
	if limit < 1 || limit > most {
		return nil, "", failure("ValidationException", "MaxResults is out of range")
	}
	if token != "" {
		after, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, "", failure("InvalidNextToken", "The specified token isn't valid.")
		}
		names = names[sort.Search(len(names), func(i int) bool { return names[i] > string(after) }):]
	}
	if len(names) > limit {
		return names[:limit], base64.RawURLEncoding.EncodeToString([]byte(names[limit-1])), nil
	}
	return names, "", nil
}

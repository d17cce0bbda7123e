package secrets

import (
	"encoding/base64"
	"net/http"
	"sort"
	"strings"
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

var secretOperations = map[string]func(*call) (any, error){
	"CreateSecret":   createSecret,
	"GetSecretValue": getSecretValue,
	"PutSecretValue": putSecretValue,
	"UpdateSecret":   updateSecret,
	"DescribeSecret": describeSecret,
	"DeleteSecret":   deleteSecret,
	"RestoreSecret":  restoreSecret,
	"ListSecrets":    listSecrets,
}

var parameterOperations = map[string]func(*call) (any, error){
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
	wire.ServeAWSJSON(w, wc, operations, &call{wc, s}, &s.mu)
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

// listed cuts one page out of what the account has in this region of all (:: account/region/name → item) and keep wants,
// by name, with an opaque token and a limit (0: most).
func listed[T any](c *call, all map[string]T, keep func(T) bool, token string, limit, most int) (items []T, next string, err error) {
	prefix := c.key("")
	var names []string
	for k, x := range all {
		if name, here := strings.CutPrefix(k, prefix); here && keep(x) {
			names = append(names, name)
		}
	}
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
		names = names[:limit]
		next = base64.RawURLEncoding.EncodeToString([]byte(names[limit-1]))
	}
	for _, name := range names {
		items = append(items, all[prefix+name])
	}
	return items, next, nil
}

package apigateway

import (
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"portcullis/aws/local/wire"
)

// domainName is a custom domain of REST APIs. Certificates are names only: whoever ends TLS in front of the local AWS has
// them.
type domainName struct {
	DomainName               string            `json:"domainName"`
	ARN                      string            `json:"domainNameArn"`
	CertificateName          string            `json:"certificateName,omitempty"`
	CertificateARN           string            `json:"certificateArn,omitempty"`
	CertificateUploadDate    int64             `json:"certificateUploadDate,omitempty"`
	RegionalDomainName       string            `json:"regionalDomainName,omitempty"`
	RegionalHostedZoneID     string            `json:"regionalHostedZoneId,omitempty"`
	RegionalCertificateName  string            `json:"regionalCertificateName,omitempty"`
	RegionalCertificateARN   string            `json:"regionalCertificateArn,omitempty"`
	DistributionDomainName   string            `json:"distributionDomainName,omitempty"`
	DistributionHostedZoneID string            `json:"distributionHostedZoneId,omitempty"`
	EndpointConfiguration    endpoint          `json:"endpointConfiguration"`
	Status                   string            `json:"domainNameStatus"`
	SecurityPolicy           string            `json:"securityPolicy"`
	Tags                     map[string]string `json:"tags,omitempty"`

	scope    scope
	mappings map[string]basePathMapping // :: base path or "(none)" → API and stage
}

// basePathMapping is a value: it is replaced, never changed.
type basePathMapping struct {
	BasePath  string `json:"basePath"`
	RestAPIID string `json:"restApiId"`
	Stage     string `json:"stage,omitempty"` // "": the next segment of the path names it
}

const (
	noBasePath     = "(none)"
	badDomainName  = "Invalid domain name identifier specified"
	badMapping     = "Invalid base path mapping identifier specified"
	maxDomainNames = 120 // public ones per account and region: "Amazon API Gateway quotas"
	maxMappings    = 200 // per domain name, likewise
)

var (
	hostName = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*$`)
	basePath = regexp.MustCompile(`^[a-zA-Z0-9$\-_.+!*'(),]+$`)
)

// notInDomains are members of a domain name that this simulator does not have.
type notInDomains struct {
	MutualTLSAuthentication any    `json:"mutualTlsAuthentication"`
	Policy                  string `json:"policy"`
	RoutingMode             string `json:"routingMode"`
}

func (s *Service) createDomainName(q *request) (any, error) {
	var in struct {
		domainName
		notInDomains
		CertificateBody       string `json:"certificateBody"`
		CertificatePrivateKey string `json:"certificatePrivateKey"`
	}
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	switch {
	case in.MutualTLSAuthentication != nil:
		return nil, wire.NotImplemented("apigateway", "CreateDomainName with mutualTlsAuthentication")
	case in.Policy != "" || slices.Contains(in.EndpointConfiguration.Types, "PRIVATE"):
		return nil, wire.NotImplemented("apigateway", "CreateDomainName of a private domain name")
	case in.RoutingMode != "" && in.RoutingMode != "BASE_PATH_MAPPING_ONLY":
		return nil, wire.NotImplemented("apigateway", "CreateDomainName with routingMode "+in.RoutingMode)
	case in.DomainName == "":
		return nil, badRequest("No Domain Name specified")
	}
	d := in.domainName
	d.DomainName = strings.ToLower(d.DomainName)
	if !hostName.MatchString(d.DomainName) || strings.HasSuffix(d.DomainName, ".amazonaws.com") || len(d.DomainName) > 253 {
		return nil, badRequest("Invalid domain name specified: " + d.DomainName)
	}
	if strings.HasPrefix(d.DomainName, "*.") {
		return nil, wire.NotImplemented("apigateway", "CreateDomainName with a wildcard")
	}
	if s.domains[d.DomainName] != nil {
		return nil, badRequest("The domain name you provided already exists.")
	}
	if len(d.EndpointConfiguration.Types) == 0 {
		d.EndpointConfiguration.Types = []string{"EDGE"}
	}
	if err := checkEndpoint(d.EndpointConfiguration); err != nil {
		return nil, err
	}
	if in.CertificateBody != "" {
		d.CertificateUploadDate = s.opt.Now().Unix()
	}
	if err := full(len(q.account.domains), maxDomainNames, "domain names"); err != nil {
		return nil, err
	}
	if d.SecurityPolicy == "" {
		d.SecurityPolicy = "TLS_1_2"
	}
	d.ARN = "arn:" + q.account.Partition + ":apigateway:" + q.account.Region + "::/domainnames/" + d.DomainName
	d.Status, d.scope, d.mappings = "AVAILABLE", q.account.scope, map[string]basePathMapping{}
	if err := d.setEndpoint(); err != nil {
		return nil, err
	}
	s.domains[d.DomainName], q.account.domains[d.DomainName] = &d, &d
	return &d, nil
}

// setEndpoint gives the domain the target names of its kind, once, and asks for the certificate of that kind.
func (d *domainName) setEndpoint() error {
	for _, kind := range d.EndpointConfiguration.Types {
		switch {
		case kind == "REGIONAL" && d.RegionalCertificateARN == "" && d.RegionalCertificateName == "":
			return badRequest("A regionalCertificateArn or regionalCertificateName must be specified for a REGIONAL domain name")
		case kind == "EDGE" && d.CertificateARN == "" && d.CertificateName == "":
			return badRequest("A certificateArn or certificateName must be specified for an EDGE domain name")
		case kind == "REGIONAL" && d.RegionalDomainName == "":
			d.RegionalDomainName, d.RegionalHostedZoneID = "d-"+newID(10)+".execute-api."+d.scope.Region+".amazonaws.com", "Z"+strings.ToUpper(newID(13))
		case kind == "EDGE" && d.DistributionDomainName == "":
			d.DistributionDomainName, d.DistributionHostedZoneID = "d"+newID(13)+".cloudfront.net", "Z2FDTNDATAQYW2"
		}
	}
	return nil
}

func (q *request) domainName() (*domainName, error) {
	d := q.account.domains[strings.ToLower(q.params["domain_name"])]
	if d == nil {
		return nil, notFound(badDomainName)
	}
	return d, nil
}

func (s *Service) getDomainNames(q *request) (any, error) {
	return page(q, q.account.domains, same)
}

func (s *Service) getDomainName(q *request) (any, error) {
	d, err := q.domainName()
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (s *Service) updateDomainName(q *request) (any, error) {
	old, err := q.domainName()
	if err != nil {
		return nil, err
	}
	d := clone(old)
	d.scope, d.mappings = old.scope, old.mappings
	err = q.patch([]patchRule{
		setString("/certificateArn", &d.CertificateARN), setString("/certificateName", &d.CertificateName),
		setString("/regionalCertificateArn", &d.RegionalCertificateARN), setString("/regionalCertificateName", &d.RegionalCertificateName),
		oneOf("/securityPolicy", &d.SecurityPolicy, "TLS_1_0", "TLS_1_2"),
		inSet("/endpointConfiguration/types/{}", &d.EndpointConfiguration.Types),
		{"/endpointConfiguration/types", "add,remove", func(op patchOp, _ []string) error {
			return inSet("/{}", &d.EndpointConfiguration.Types).apply(op, []string{op.Value})
		}},
		{"/mutualTlsAuthentication/{*}", "replace", func(patchOp, []string) error {
			return wire.NotImplemented("apigateway", "UpdateDomainName with mutualTlsAuthentication")
		}},
	})
	if err != nil {
		return nil, err
	}
	for _, kind := range d.EndpointConfiguration.Types { // a domain name may have both kinds while it moves from one to the other
		if kind != "EDGE" && kind != "REGIONAL" {
			return nil, checkEndpoint(endpoint{Types: []string{kind}})
		}
	}
	if len(d.EndpointConfiguration.Types) == 0 {
		return nil, checkEndpoint(d.EndpointConfiguration)
	}
	if err := d.setEndpoint(); err != nil {
		return nil, err
	}
	s.domains[d.DomainName], q.account.domains[d.DomainName] = d, d
	return d, nil
}

func (s *Service) deleteDomainName(q *request) (any, error) {
	d, err := q.domainName()
	if err != nil {
		return nil, err
	}
	delete(s.domains, d.DomainName)
	delete(q.account.domains, d.DomainName)
	return nil, nil
}

// checkMapping applies the rules of Create- and UpdateBasePathMapping. The API is one of the caller's, in this region.
func (q *request) checkMapping(m basePathMapping) error {
	if strings.Contains(m.BasePath, "/") {
		return badRequest("API Gateway V1 doesn't support the slash character (/) in base path mappings. To create a multi-level base path mapping, use API Gateway V2.")
	}
	if m.BasePath != noBasePath && !basePath.MatchString(m.BasePath) {
		return badRequest("Base path only allows letters, numbers, and characters $-_.+!*'(),")
	}
	a := q.account.apis[m.RestAPIID]
	if a == nil {
		return badRequest("Invalid REST API identifier specified")
	}
	if m.Stage != "" && a.stages[m.Stage] == nil {
		return badRequest("Invalid stage identifier specified")
	}
	return nil
}

func (s *Service) createBasePathMapping(q *request) (any, error) {
	d, err := q.domainName()
	if err != nil {
		return nil, err
	}
	var m basePathMapping
	if err := q.decode(&m); err != nil {
		return nil, err
	}
	if m.BasePath == "" {
		m.BasePath = noBasePath
	}
	if err := q.checkMapping(m); err != nil {
		return nil, err
	}
	if _, taken := d.mappings[m.BasePath]; taken {
		return nil, conflict("Base path already exists for this domain name")
	}
	if err := full(len(d.mappings), maxMappings, "base path mappings of this domain name"); err != nil {
		return nil, err
	}
	d.mappings[m.BasePath] = m
	return m, nil
}

func (q *request) mapping() (*domainName, basePathMapping, error) {
	d, err := q.domainName()
	if err != nil {
		return nil, basePathMapping{}, err
	}
	m, ok := d.mappings[q.params["base_path"]]
	if !ok {
		return nil, m, notFound(badMapping)
	}
	return d, m, nil
}

func (s *Service) getBasePathMappings(q *request) (any, error) {
	d, err := q.domainName()
	if err != nil {
		return nil, err
	}
	return page(q, d.mappings, same)
}

func (s *Service) getBasePathMapping(q *request) (any, error) {
	_, m, err := q.mapping()
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (s *Service) updateBasePathMapping(q *request) (any, error) {
	d, old, err := q.mapping()
	if err != nil {
		return nil, err
	}
	m := old
	err = q.patch([]patchRule{
		{"/basePath", "replace", func(op patchOp, _ []string) error {
			if m.BasePath = op.Value; m.BasePath == "" {
				m.BasePath = noBasePath
			}
			return nil
		}},
		setString("/restapiId", &m.RestAPIID), setString("/stage", &m.Stage),
	})
	if err != nil {
		return nil, err
	}
	if err := q.checkMapping(m); err != nil {
		return nil, err
	}
	if _, taken := d.mappings[m.BasePath]; taken && m.BasePath != old.BasePath {
		return nil, conflict("Base path already exists for this domain name")
	}
	delete(d.mappings, old.BasePath)
	d.mappings[m.BasePath] = m
	return m, nil
}

func (s *Service) deleteBasePathMapping(q *request) (any, error) {
	d, m, err := q.mapping()
	if err != nil {
		return nil, err
	}
	delete(d.mappings, m.BasePath)
	return nil, nil
}

// executeTarget is what a request to the data plane is for.
type executeTarget struct {
	api, stage string
	rest       string // path below the stage: "" or with a slash in front; percent-encoding stays as sent
	domain     string // the custom domain it came by, else ""
	base       string // "/" and the base path, when there is one
	shown      string // requestContext.path: with the stage, or what the caller of a custom domain sent
}

// ServesHost reports whether a Host header names the data plane: an API or a custom domain.
func (s *Service) ServesHost(host string) bool {
	if executeHost(host) {
		return true
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.domains[hostOnly(host)] != nil
}

func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(host)
}

// target reads the host and the path of a request. A custom domain without a mapping for the path has no API.
// Source for what custom domains show: localstack#12295, measured on AWS.
func (s *Service) target(r *http.Request) executeTarget {
	s.mu.RLock()
	defer s.mu.RUnlock()
	path := r.URL.EscapedPath()
	d := s.domains[hostOnly(r.Host)]
	if d == nil || strings.HasPrefix(path, executePrefix) {
		id, path := executeAPI(r)
		stage, rest := firstSegment(path)
		return executeTarget{api: id, stage: stage, rest: rest, shown: "/" + stage + rest}
	}
	t := executeTarget{domain: d.DomainName, shown: "/" + strings.TrimLeft(path, "/")}
	first, rest := firstSegment(path)
	m, ok := d.mappings[first]
	if ok && first != noBasePath {
		t.base, path = "/"+first, rest
	} else if m, ok = d.mappings[noBasePath]; !ok {
		return t
	}
	t.api, t.stage, t.rest = m.RestAPIID, m.Stage, path
	if m.Stage == "" {
		t.stage, t.rest = firstSegment(path)
	}
	return t
}

// firstSegment takes the first segment off a path; what is left is "" or begins with a slash.
func firstSegment(path string) (first, rest string) {
	first, rest, slash := strings.Cut(strings.TrimLeft(path, "/"), "/")
	if slash {
		rest = "/" + rest
	}
	return first, rest
}

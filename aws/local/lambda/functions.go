package lambda

import (
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"time"

	"portcullis/aws/local/wire"
)

// function is one function with everything that hangs on it. Guarded by Service.mu.
type function struct {
	target
	partition string
	latest    *revision
	versions  map[string]*revision // "1", "2", …
	published int                  // the last version number given out; numbers are not used again
	aliases   map[string]*alias
	policies  map[string]*resourcePolicy // by qualifier; "" is the function itself
	reserved  *int
	tags      map[string]string

	idle     []*environment // frozen, the last used last
	busy     int
	settling int           // of the busy ones: have answered, and only their runtime is not back in next
	returned chan struct{} // closed and replaced when one of those is put back
}

// revision is an immutable state of a function's configuration and code: $LATEST now, or a published version.
type revision struct {
	config Configuration
	code   *code
	fn     *function

	settled time.Time // until then the function is Pending, or its update InProgress
	created bool      // it came with the function
}

func (r *revision) timeout() time.Duration { return time.Duration(r.config.Timeout) * time.Second }

// Configuration is FunctionConfiguration of the Lambda API.
type Configuration struct {
	FunctionName         string
	FunctionArn          string
	Runtime              string
	Role                 string
	Handler              string
	CodeSize             int64
	Description          string
	Timeout              int // seconds
	MemorySize           int // MB
	LastModified         string
	CodeSha256           string
	Version              string
	Environment          *Environment `json:",omitempty"`
	TracingConfig        tracing
	RevisionId           string
	State                string
	StateReason          string `json:",omitempty"`
	StateReasonCode      string `json:",omitempty"`
	LastUpdateStatus     string `json:",omitempty"`
	PackageType          string
	Architectures        []string
	EphemeralStorage     storage
	SnapStart            snapStart
	RuntimeVersionConfig runtimeVersion
	LoggingConfig        logging
}

// Environment holds the function's own variables.
type Environment struct {
	Variables map[string]string
}

type (
	tracing        struct{ Mode string }
	storage        struct{ Size int }
	snapStart      struct{ ApplyOn, OptimizationStatus string }
	runtimeVersion struct{ RuntimeVersionArn string }
	logging        struct{ LogFormat, LogGroup string }
)

// settings is what CreateFunction and UpdateFunctionConfiguration share. A nil member was not given.
type settings struct {
	Role             *string
	Handler          *string
	Description      *string
	Timeout          *int
	MemorySize       *int
	Runtime          *string
	Environment      *Environment
	TracingConfig    *tracing
	EphemeralStorage *storage
	LoggingConfig    *logging
	RevisionId       *string
}

// lacking are the members of CreateFunction and UpdateFunctionConfiguration that this Lambda does not have.
var lacking = []string{"VpcConfig", "DeadLetterConfig", "FileSystemConfigs", "ImageConfig", "KMSKeyArn", "Layers", "CodeSigningConfigArn", "SnapStart", "CapacityProviderConfig", "DurableConfig", "TenancyConfig"}

type codeSource struct {
	ZipFile         []byte
	S3Bucket        string
	S3Key           string
	S3ObjectVersion string
	ImageUri        string
	SourceKMSKeyArn string
}

func createFunction(c *call) (reply, error) {
	var in struct {
		settings
		FunctionName  string
		Code          codeSource
		PackageType   string
		Architectures []string
		Publish       bool
		Tags          map[string]string
	}
	if err := c.body(&in, lacking...); err != nil {
		return reply{}, err
	}
	t, err := parseTarget(in.FunctionName, c.Account, c.Region)
	if err != nil {
		return reply{}, err
	}
	if t.qualifier != "" {
		return reply{}, badName(in.FunctionName)
	}
	c.sets(in.Tags)
	if err := c.Allow("lambda:CreateFunction", t.arn(c.Partition), c.conditions); err != nil {
		return reply{}, err
	}
	if in.PackageType != "" && in.PackageType != "Zip" {
		return reply{}, wire.NotImplemented("lambda", "CreateFunction with PackageType "+in.PackageType)
	}
	if in.Runtime == nil || in.Handler == nil || *in.Runtime == "" || *in.Handler == "" {
		return reply{}, invalidValue("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	cfg := Configuration{FunctionName: t.name, FunctionArn: t.arn(c.Partition), Timeout: 3, MemorySize: 128, Version: "$LATEST", PackageType: "Zip",
		State: "Active", LastUpdateStatus: "Successful", TracingConfig: tracing{"PassThrough"}, Architectures: []string{"x86_64"}, EphemeralStorage: storage{512},
		SnapStart: snapStart{"None", "Off"}, LoggingConfig: logging{"Text", "/aws/lambda/" + t.name},
		RuntimeVersionConfig: runtimeVersion{"arn:" + c.Partition + ":lambda:" + c.Region + "::runtime:0000000000000000000000000000000000000000000000000000000000000000"}}
	if err := cfg.apply(c, in.settings, true); err != nil {
		return reply{}, err
	}
	if err := cfg.setArchitectures(in.Architectures); err != nil {
		return reply{}, err
	}
	if err := checkTags(in.Tags); err != nil {
		return reply{}, err
	}
	f := &function{target: t, partition: c.Partition, versions: map[string]*revision{}, aliases: map[string]*alias{}, policies: map[string]*resourcePolicy{}, tags: in.Tags, returned: make(chan struct{})}
	exists := failure(409, "ResourceConflictException", "Function already exist: %s", t.name)
	c.s.mu.Lock()
	taken := c.s.functions[t.key()] != nil
	c.s.mu.Unlock()
	if taken {
		return reply{}, exists
	}
	code, err := c.s.load(c, in.Code)
	if err != nil {
		return reply{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.functions[t.key()] != nil { // somebody was faster
		c.s.release(code)
		return reply{}, exists
	}
	c.s.functions[t.key()] = f
	c.s.set(f, cfg, code)
	if in.Publish {
		return reply{201, c.s.shown(f.publish(""))}, nil
	}
	return reply{201, c.s.shown(f.latest)}, nil
}

// load fetches and unpacks a deployment package. The caller owns one reference.
func (s *Service) load(c *call, src codeSource) (*code, error) {
	switch {
	case src.ImageUri != "":
		return nil, wire.NotImplemented("lambda", "functions from container images")
	case src.S3ObjectVersion != "":
		return nil, wire.NotImplemented("lambda", "functions from a version of an S3 object")
	case src.SourceKMSKeyArn != "":
		return nil, wire.NotImplemented("lambda", "encrypted deployment packages")
	}
	s.mu.Lock()
	s.codeCount++
	dir := filepath.Join(s.dir, "code-"+strconv.Itoa(s.codeCount))
	s.mu.Unlock()
	archive := src.ZipFile
	if src.S3Bucket != "" || src.S3Key != "" {
		var err error
		if archive, err = s.fetch(c, src); err != nil {
			return nil, err
		}
	}
	code, err := unpack(archive, dir)
	if err != nil {
		return nil, err
	}
	code.refs = 1
	return code, nil
}

// fetch reads a deployment package from S3 on behalf of the caller.
func (s *Service) fetch(c *call, src codeSource) ([]byte, error) {
	switch {
	case len(src.ZipFile) > 0:
		return nil, invalidValue("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case s.o.FetchObject == nil:
		return nil, wire.NotImplemented("lambda", "functions from S3")
	}
	if err := c.Allow("s3:GetObject", "arn:"+c.Partition+":s3:::"+src.S3Bucket+"/"+src.S3Key, nil); err != nil {
		return nil, failure(403, "AccessDeniedException", "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for %s/%s. S3 Error Code: AccessDenied. S3 Error Message: Access Denied", src.S3Bucket, src.S3Key)
	}
	b, err := s.o.FetchObject(c.Account, src.S3Bucket, src.S3Key)
	var e *wire.Error
	if errors.As(err, &e) {
		return nil, invalidValue("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", e.Code, e.Message)
	}
	return b, err
}

// release gives one reference back; the caller holds mu.
func (s *Service) release(c *code) {
	if c.refs--; c.refs == 0 {
		os.RemoveAll(c.dir)
		os.Remove(c.archive())
	}
}

// set makes cfg and code the new $LATEST. The function takes over the caller's reference to code.
// The caller holds mu.
func (s *Service) set(f *function, cfg Configuration, code *code) {
	now := s.now()
	cfg.LastModified = now.UTC().Format("2006-01-02T15:04:05.000+0000")
	cfg.RevisionId = wire.NewID()
	cfg.CodeSha256, cfg.CodeSize = code.sha256, code.size
	f.latest = &revision{config: cfg, code: code, fn: f, settled: now.Add(s.o.SettleTime), created: f.latest == nil}
}

// shown is the configuration with the state that it is in now.
func (s *Service) shown(r *revision) Configuration {
	cfg := r.config
	switch {
	case !s.now().Before(r.settled):
	case r.created:
		cfg.State, cfg.StateReason, cfg.StateReasonCode, cfg.LastUpdateStatus = "Pending", "The function is being created.", "Creating", ""
	default:
		cfg.LastUpdateStatus = "InProgress"
	}
	return cfg
}

// unsettled refuses what has to wait until a function is Active or its last update is done.
func (s *Service) unsettled(r *revision) error {
	switch {
	case !s.now().Before(r.settled):
		return nil
	case r.created:
		return failure(409, "ResourceConflictException", "The operation cannot be performed at this time. The function is currently in the following state: Pending")
	}
	return failure(409, "ResourceConflictException", "The operation cannot be performed at this time. An update is in progress for resource: %s", r.fn.arn(r.fn.partition))
}

func listFunctions(c *call) (reply, error) {
	if err := c.Allow("lambda:ListFunctions", "*", nil); err != nil {
		return reply{}, err
	}
	all := c.Request.URL.Query().Get("FunctionVersion") == "ALL"
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	var found []*revision
	for _, f := range c.s.functions {
		if f.account == c.Account && f.region == c.Region {
			found = append(found, f.latest)
			if all {
				for _, v := range f.versions {
					found = append(found, v)
				}
			}
		}
	}
	sort.Slice(found, func(i, j int) bool { return order(found[i]) < order(found[j]) })
	page, next, err := paginate(c, found, order)
	if err != nil {
		return reply{}, err
	}
	configs := make([]Configuration, len(page))
	for i, r := range page {
		configs[i] = c.s.shown(r)
	}
	return reply{200, struct {
		Functions  []Configuration
		NextMarker string `json:",omitempty"`
	}{configs, next}}, nil
}

// order sorts revisions by function, $LATEST first, then by version number.
func order(r *revision) string {
	n, _ := strconv.Atoi(r.config.Version)
	return r.config.FunctionName + "\x00" + string(rune('0'+len(strconv.Itoa(n)))) + strconv.Itoa(n)
}

// paginate cuts one page of sorted items by Marker and MaxItems (1 to 50, default 50). The marker is opaque to clients.
func paginate[T any](c *call, items []T, key func(T) string) (page []T, next string, err error) {
	q, limit := c.Request.URL.Query(), 50
	if m := q.Get("MaxItems"); m != "" {
		if limit, err = strconv.Atoi(m); err != nil || limit < 1 || limit > 10000 {
			return nil, "", invalidValue("MaxItems must be a number from 1 to 10000")
		}
		limit = min(limit, 50)
	}
	if m := q.Get("Marker"); m != "" {
		after, err := base64.RawURLEncoding.DecodeString(m)
		if err != nil {
			return nil, "", invalidValue("Invalid Marker")
		}
		items = items[sort.Search(len(items), func(i int) bool { return key(items[i]) > string(after) }):]
	}
	if len(items) > limit {
		return items[:limit], base64.RawURLEncoding.EncodeToString([]byte(key(items[limit-1]))), nil
	}
	return items, "", nil
}

// one finds the revision that a call names, with its permission checked.
func (c *call) one(action string) (*function, *revision, error) {
	t, err := c.target(action)
	if err != nil {
		return nil, nil, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	f, err := c.s.find(t, c.Partition)
	if err != nil {
		return nil, nil, err
	}
	r, err := f.resolve(t, c.Partition)
	return f, r, err
}

func getFunction(c *call) (reply, error) {
	f, r, err := c.one("GetFunction")
	if err != nil {
		return reply{}, err
	}
	type location struct {
		RepositoryType string
		Location       string `json:",omitempty"`
	}
	type concurrency struct{ ReservedConcurrentExecutions int }
	out := struct {
		Configuration Configuration
		Code          location
		Tags          map[string]string `json:",omitempty"`
		Concurrency   *concurrency      `json:",omitempty"`
	}{Configuration: c.s.shown(r), Code: location{"S3", c.s.location(r.code)}}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	out.Tags = clone(f.tags)
	if f.reserved != nil {
		out.Concurrency = &concurrency{*f.reserved}
	}
	return reply{200, out}, nil
}

func getConfiguration(c *call) (reply, error) {
	_, r, err := c.one("GetFunctionConfiguration")
	if err != nil {
		return reply{}, err
	}
	return reply{200, c.s.shown(r)}, nil
}

func getCodeSigning(c *call) (reply, error) {
	f, _, err := c.one("GetFunctionCodeSigningConfig")
	if err != nil {
		return reply{}, err
	}
	return reply{200, map[string]string{"CodeSigningConfigArn": "", "FunctionName": f.name}}, nil
}

// held finds the function that a call names, with its permission checked; then runs with mu held.
func (c *call) held(action string, then func(target, *function) (reply, error)) (reply, error) {
	t, err := c.target(action)
	if err != nil {
		return reply{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	f, err := c.s.find(t, c.Partition)
	if err != nil {
		return reply{}, err
	}
	return then(t, f)
}

func deleteFunction(c *call) (reply, error) {
	return c.held("DeleteFunction", func(t target, f *function) (reply, error) {
		if t.qualifier != "" {
			return reply{status: 204}, c.s.deleteVersion(f, t)
		}
		delete(c.s.functions, t.key())
		c.s.retire(f)
		c.s.release(f.latest.code)
		for _, v := range f.versions {
			c.s.release(v.code)
		}
		return reply{status: 204}, nil
	})
}

func updateCode(c *call) (reply, error) {
	var in struct {
		codeSource
		Architectures []string
		DryRun        bool
		Publish       bool
		RevisionId    string
	}
	if err := c.body(&in); err != nil {
		return reply{}, err
	}
	f, before, err := c.latest("UpdateFunctionCode", in.RevisionId)
	if err != nil {
		return reply{}, err
	}
	cfg := before.config
	if err := cfg.setArchitectures(in.Architectures); err != nil {
		return reply{}, err
	}
	if err := c.s.checkRuntime(cfg.Runtime, c.Now, false); err != nil {
		return reply{}, err
	}
	code, err := c.s.load(c, in.codeSource)
	if err != nil {
		return reply{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if in.DryRun {
		cfg.CodeSha256, cfg.CodeSize = code.sha256, code.size
		c.s.release(code)
		return reply{200, cfg}, nil
	}
	return c.replace(f, before, cfg, code, in.Publish)
}

func updateConfiguration(c *call) (reply, error) {
	var in settings
	if err := c.body(&in, lacking...); err != nil {
		return reply{}, err
	}
	revisionID := ""
	if in.RevisionId != nil {
		revisionID = *in.RevisionId
	}
	f, before, err := c.latest("UpdateFunctionConfiguration", revisionID)
	if err != nil {
		return reply{}, err
	}
	cfg := before.config
	if err := cfg.apply(c, in, false); err != nil {
		return reply{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	before.code.refs++
	return c.replace(f, before, cfg, before.code, false)
}

// latest finds the function whose $LATEST a call changes, and compares the revision the caller has seen.
func (c *call) latest(action, revisionID string) (*function, *revision, error) {
	f, r, err := c.one(action)
	if err != nil {
		return nil, nil, err
	}
	if r.config.Version != "$LATEST" {
		return nil, nil, invalidValue("%s of a published version is not possible: it is immutable", action)
	}
	if revisionID != "" && revisionID != r.config.RevisionId {
		return nil, nil, failure(http.StatusPreconditionFailed, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	}
	return f, r, c.s.unsettled(r)
}

// replace puts a new $LATEST in the place of before; the caller holds mu and one reference to code.
func (c *call) replace(f *function, before *revision, cfg Configuration, code *code, publish bool) (reply, error) {
	if c.s.functions[f.key()] != f || f.latest != before {
		c.s.release(code)
		return reply{}, failure(409, "ResourceConflictException", "The operation cannot be performed at this time. An update is in progress for resource: %s", f.arn(f.partition))
	}
	c.s.set(f, cfg, code)
	c.s.release(before.code)
	c.s.retireRevision(f, before)
	if publish {
		return reply{200, c.s.shown(f.publish(""))}, nil
	}
	return reply{200, c.s.shown(f.latest)}, nil
}

func clone(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

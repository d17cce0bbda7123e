package s3

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"regexp"
	"sort"
	"strings"
	"sync"
	"time"

	"portcullis/aws/local/wire"
)

// Limits of this S3.
const (
	maxBuckets = 100       // per account
	maxObjects = 10_000    // per bucket
	maxStored  = 512 << 20 // bytes of all objects together
)

// Options of a Service.
type Options struct {
	Now func() time.Time // nil: time.Now
}

// Service is S3 of all accounts; bucket names are unique across them.
type Service struct {
	now func() time.Time

	mu      sync.Mutex
	buckets map[string]*bucket
	stored  int // bytes
}

type bucket struct {
	name, account, region string
	created               time.Time
	objects               map[string]*object
}

// object is immutable; a new one takes its place.
type object struct {
	body     []byte
	etag     string // with its quotes
	modified time.Time
	header   http.Header // Content-Type, Cache-Control, x-amz-meta-…, x-amz-checksum-…
}

// New returns an S3 without buckets.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{now: o.Now, buckets: map[string]*bucket{}}
}

// Reset forgets every bucket.
func (s *Service) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets, s.stored = map[string]*bucket{}, 0
}

// call is one request being answered.
type call struct {
	*wire.Call
	s           *Service
	w           http.ResponseWriter
	bucket, key string
	query       url.Values
}

func failure(status int, code, message string) error {
	return &wire.Error{Status: status, Code: code, Message: message}
}

// parameters are the query parameters that do not name a sub-resource.
var parameters = regexp.MustCompile(`^(x-id|list-type|prefix|delimiter|max-keys|continuation-token|start-after|encoding-type|fetch-owner|location|delete|X-Amz-.*)$`)

// ServeAWS answers one call.
func (s *Service) ServeAWS(w http.ResponseWriter, wc *wire.Call) {
	c := &call{Call: wc, s: s, w: w, query: wc.Request.URL.Query()}
	c.address()
	for q := range c.query {
		if !parameters.MatchString(q) {
			wire.WriteXMLError(w, wc, wire.NotImplemented("s3", wc.Request.Method+" ?"+q))
			return
		}
	}
	if err := c.route(); err != nil {
		if wc.Request.Method == http.MethodHead { // an answer to HEAD has no body that could say more
			wc.ErrorCode = "NotFound"
		}
		wire.WriteXMLError(w, wc, err)
	}
}

// address finds bucket and key: in the path, or the bucket in the host name (bucket.s3.region.…, bucket.localhost).
func (c *call) address() {
	path := strings.TrimPrefix(c.Request.URL.EscapedPath(), "/")
	host, _, _ := strings.Cut(c.Request.Host, ":")
	if name, ok := strings.CutSuffix(host, ".localhost"); ok {
		c.bucket = strings.TrimSuffix(name, ".s3")
	} else if name, _, ok := strings.Cut(host, ".s3."); ok {
		c.bucket = name
	}
	rest := path
	if c.bucket == "" {
		c.bucket, rest, _ = strings.Cut(path, "/")
	}
	if key, err := url.PathUnescape(rest); err == nil {
		c.key = key
	}
}

func (c *call) route() error {
	method := c.Request.Method
	if c.Request.Header.Get("X-Amz-Copy-Source") != "" {
		return wire.NotImplemented("s3", "CopyObject")
	}
	switch {
	case c.bucket == "" && method == http.MethodGet:
		return c.listBuckets()
	case c.key == "":
		switch {
		case method == http.MethodPut:
			return c.createBucket()
		case method == http.MethodHead:
			return c.headBucket()
		case method == http.MethodDelete:
			return c.deleteBucket()
		case method == http.MethodGet && c.query.Has("location"):
			return c.location()
		case method == http.MethodGet && c.query.Get("list-type") == "2":
			return c.listObjects()
		case method == http.MethodPost && c.query.Has("delete"):
			return c.deleteObjects()
		}
	default:
		switch method {
		case http.MethodPut:
			return c.putObject()
		case http.MethodGet, http.MethodHead:
			return c.getObject()
		case http.MethodDelete:
			return c.deleteObject()
		}
	}
	return wire.NotImplemented("s3", method+" "+c.Request.URL.Path)
}

func (c *call) arn() string {
	a := "arn:" + c.Partition + ":s3:::" + c.bucket
	if c.key != "" {
		a += "/" + c.key
	}
	return a
}

// open finds the bucket after the permission has been checked; the caller holds mu.
func (c *call) open() (*bucket, error) {
	b := c.s.buckets[c.bucket]
	if b == nil {
		return nil, failure(404, "NoSuchBucket", "The specified bucket does not exist")
	}
	if b.account != c.Account {
		return nil, failure(403, "AccessDenied", "Access Denied")
	}
	return b, nil
}

func (c *call) xml(status int, v any) error {
	b, err := xml.Marshal(v)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/xml")
	c.head(status)
	c.w.Write([]byte(xml.Header))
	c.w.Write(b)
	return nil
}

func (c *call) head(status int) {
	c.w.Header().Set("X-Amz-Request-Id", c.RequestID)
	c.w.WriteHeader(status)
}

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

var bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func (c *call) createBucket() error {
	if err := c.Allow("s3:CreateBucket", c.arn(), nil); err != nil {
		return err
	}
	if !bucketForm.MatchString(c.bucket) || strings.Contains(c.bucket, "..") {
		return failure(400, "InvalidBucketName", "The specified bucket is not valid.")
	}
	region := c.Region
	if len(c.Body) > 0 {
		var in struct{ LocationConstraint string }
		if err := xml.Unmarshal(c.Body, &in); err != nil {
			return failure(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
		}
		if in.LocationConstraint != "" {
			region = in.LocationConstraint
		}
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if old := c.s.buckets[c.bucket]; old != nil {
		if old.account == c.Account {
			return failure(409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
		}
		return failure(409, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
	}
	n := 0
	for _, b := range c.s.buckets {
		if b.account == c.Account {
			n++
		}
	}
	if n >= maxBuckets {
		return failure(400, "TooManyBuckets", "You have attempted to create more buckets than allowed")
	}
	c.s.buckets[c.bucket] = &bucket{name: c.bucket, account: c.Account, region: region, created: c.s.now(), objects: map[string]*object{}}
	c.w.Header().Set("Location", "/"+c.bucket)
	c.head(200)
	return nil
}

// held opens the bucket of a call that may do action; then runs with mu held.
func (c *call) held(action string, then func(*bucket) error) error {
	if err := c.Allow(action, c.arn(), nil); err != nil {
		return err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	b, err := c.open()
	if err != nil {
		return err
	}
	return then(b)
}

func (c *call) headBucket() error {
	return c.held("s3:ListBucket", func(b *bucket) error {
		c.w.Header().Set("X-Amz-Bucket-Region", b.region)
		c.head(200)
		return nil
	})
}

func (c *call) deleteBucket() error {
	return c.held("s3:DeleteBucket", func(b *bucket) error {
		if len(b.objects) > 0 {
			return failure(409, "BucketNotEmpty", "The bucket you tried to delete is not empty")
		}
		delete(c.s.buckets, b.name)
		c.head(204)
		return nil
	})
}

func (c *call) location() error {
	return c.held("s3:GetBucketLocation", func(b *bucket) error {
		region := b.region
		if region == "us-east-1" {
			region = ""
		}
		return c.xml(200, struct {
			XMLName xml.Name `xml:"LocationConstraint"`
			NS      string   `xml:"xmlns,attr"`
			Region  string   `xml:",chardata"`
		}{NS: namespace, Region: region})
	})
}

func (c *call) listBuckets() error {
	if err := c.Allow("s3:ListAllMyBuckets", "*", nil); err != nil {
		return err
	}
	type entry struct{ Name, CreationDate string }
	out := struct {
		XMLName xml.Name `xml:"ListAllMyBucketsResult"`
		NS      string   `xml:"xmlns,attr"`
		OwnerID string   `xml:"Owner>ID"`
		Buckets []entry  `xml:"Buckets>Bucket"`
	}{NS: namespace, OwnerID: c.Account}
	c.s.mu.Lock()
	for _, b := range c.s.buckets {
		if b.account == c.Account {
			out.Buckets = append(out.Buckets, entry{b.name, b.created.UTC().Format("2006-01-02T15:04:05.000Z")})
		}
	}
	c.s.mu.Unlock()
	sort.Slice(out.Buckets, func(i, j int) bool { return out.Buckets[i].Name < out.Buckets[j].Name })
	return c.xml(200, out)
}

package s3

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"hash/crc32"
	"net/http"
	"sort"
	"strconv"
	"strings"

	"portcullis/aws/local/wire"
)

// kept are the request headers that come back with the object, beside x-amz-meta-….
var kept = []string{"Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires"}

func (c *call) putObject() error {
	if err := c.Allow("s3:PutObject", c.arn(), nil); err != nil {
		return err
	}
	h := c.Request.Header
	body, trailer, err := content(h, c.Body)
	if err != nil {
		return err
	}
	sums := http.Header{}
	for name := range h {
		if strings.HasPrefix(name, "X-Amz-Checksum-") && name != "X-Amz-Checksum-Algorithm" {
			sums[name] = h[name]
		}
	}
	for name := range trailer {
		sums[name] = trailer[name]
	}
	if err := verify(h, sums, body); err != nil {
		return err
	}
	sum := md5.Sum(body) // an ETag, as S3 makes it; nothing relies on its strength
	o := &object{body: body, etag: `"` + hex.EncodeToString(sum[:]) + `"`, modified: c.s.now(), header: sums}
	for _, name := range kept {
		if v := h.Get(name); v != "" {
			o.header.Set(name, v)
		}
	}
	if enc := o.header.Get("Content-Encoding"); enc != "" { // aws-chunked is the way of sending, not of the object
		if enc = strings.Trim(strings.ReplaceAll(enc, "aws-chunked", ""), ", "); enc == "" {
			o.header.Del("Content-Encoding")
		} else {
			o.header.Set("Content-Encoding", enc)
		}
	}
	for name := range h {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			o.header[name] = h[name]
		}
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	b, err := c.open()
	if err != nil {
		return err
	}
	old := b.objects[c.key]
	if err := writable(h, old); err != nil {
		return err
	}
	grown := len(body)
	if old != nil {
		grown -= len(old.body)
	} else if len(b.objects) >= maxObjects {
		return failure(400, "TooManyObjects", "a bucket of the local AWS holds at most "+strconv.Itoa(maxObjects)+" objects")
	}
	if c.s.stored+grown > maxStored {
		return failure(507, "InsufficientStorage", "the local AWS holds at most "+strconv.Itoa(maxStored)+" bytes of objects")
	}
	c.s.stored += grown
	b.objects[c.key] = o
	c.w.Header().Set("ETag", o.etag)
	for name := range sums {
		c.w.Header()[name] = sums[name]
	}
	c.head(200)
	return nil
}

// writable applies If-Match and If-None-Match of a write.
func writable(h http.Header, old *object) error {
	failed := failure(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	if m := h.Get("If-Match"); m != "" {
		if old == nil {
			return failure(404, "NoSuchKey", "The specified key does not exist.")
		}
		if !sameTag(m, old.etag) {
			return failed
		}
	}
	if h.Get("If-None-Match") == "*" && old != nil {
		return failed
	}
	return nil
}

func sameTag(condition, etag string) bool {
	for _, c := range strings.Split(condition, ",") {
		if c = strings.TrimSpace(c); c == "*" || strings.Trim(c, `"`) == strings.Trim(etag, `"`) {
			return true
		}
	}
	return false
}

// content takes the aws-chunked coding off a body, where the client used it. Chunk signatures are not verified: the
// request's own signature is.
func content(h http.Header, body []byte) ([]byte, http.Header, error) {
	if !strings.HasPrefix(h.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return body, nil, nil
	}
	broken := failure(400, "IncompleteBody", "The request body is not in the aws-chunked coding that it states.")
	var out []byte
	for {
		line, rest, ok := bytes.Cut(body, []byte("\r\n"))
		text, _, _ := strings.Cut(string(line), ";")
		n, err := strconv.ParseUint(text, 16, 31)
		if !ok || err != nil || uint64(len(rest)) < n {
			return nil, nil, broken
		}
		if n == 0 {
			body = rest
			break
		}
		out = append(out, rest[:n]...)
		if body, ok = bytes.CutPrefix(rest[n:], []byte("\r\n")); !ok {
			return nil, nil, broken
		}
	}
	trailer := http.Header{}
	for _, line := range strings.Split(string(body), "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.HasPrefix(strings.ToLower(name), "x-amz-checksum-") {
			trailer.Set(name, strings.TrimSpace(value))
		}
	}
	if want := h.Get("X-Amz-Decoded-Content-Length"); want != strconv.Itoa(len(out)) {
		return nil, nil, broken
	}
	return out, trailer, nil
}

// verify compares the checksums a client states. The kinds that are not known here (CRC64NVME) are kept unverified.
func verify(h, sums http.Header, body []byte) error {
	four := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	sha256Sum, sha1Sum, md5Sum := sha256.Sum256(body), sha1.Sum(body), md5.Sum(body)
	for name, sum := range map[string][]byte{
		"X-Amz-Checksum-Crc32":  four(crc32.ChecksumIEEE(body)),
		"X-Amz-Checksum-Crc32c": four(crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))),
		"X-Amz-Checksum-Sha1":   sha1Sum[:],
		"X-Amz-Checksum-Sha256": sha256Sum[:],
	} {
		if v := sums.Get(name); v != "" && v != base64.StdEncoding.EncodeToString(sum) {
			return failure(400, "BadDigest", "The "+strings.TrimPrefix(name, "X-Amz-Checksum-")+" you specified did not match the calculated checksum.")
		}
	}
	if v := h.Get("Content-Md5"); v != "" && v != base64.StdEncoding.EncodeToString(md5Sum[:]) {
		return failure(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	return nil
}

// find returns the object. Who may not list the bucket is not told that an object is missing.
func (c *call) find(b *bucket) (*object, error) {
	if o := b.objects[c.key]; o != nil {
		return o, nil
	}
	if err := c.Allow("s3:ListBucket", "arn:"+c.Partition+":s3:::"+c.bucket, nil); err != nil {
		return nil, err
	}
	return nil, failure(404, "NoSuchKey", "The specified key does not exist.")
}

func (c *call) getObject() error {
	if err := c.Allow("s3:GetObject", c.arn(), nil); err != nil {
		return err
	}
	c.s.mu.Lock()
	b, err := c.open()
	var o *object
	if err == nil {
		o, err = c.find(b)
	}
	c.s.mu.Unlock()
	if err != nil {
		return err
	}
	rh, h := c.Request.Header, c.w.Header()
	if m := rh.Get("If-Match"); m != "" && !sameTag(m, o.etag) {
		return failure(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	for name := range o.header {
		if strings.HasPrefix(name, "X-Amz-Checksum-") && (rh.Get("X-Amz-Checksum-Mode") != "ENABLED" || rh.Get("Range") != "") {
			continue
		}
		h[name] = o.header[name]
	}
	h.Set("ETag", o.etag)
	h.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	h.Set("X-Amz-Request-Id", c.RequestID)
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "binary/octet-stream")
	}
	// ServeContent knows If-None-Match, ranges and HEAD. Its clock has whole seconds, as S3's Last-Modified has.
	http.ServeContent(c.w, c.Request, "", o.modified, bytes.NewReader(o.body))
	return nil
}

func (c *call) deleteObject() error {
	return c.held("s3:DeleteObject", func(b *bucket) error {
		if m := c.Request.Header.Get("If-Match"); m != "" {
			if err := writable(c.Request.Header, b.objects[c.key]); err != nil {
				return err
			}
		}
		c.s.drop(b, c.key)
		c.head(204)
		return nil
	})
}

// drop removes an object, if it is there; the caller holds mu.
func (s *Service) drop(b *bucket, key string) {
	if o := b.objects[key]; o != nil {
		s.stored -= len(o.body)
		delete(b.objects, key)
	}
}

func (c *call) deleteObjects() error {
	var in struct {
		Quiet  bool
		Object []struct{ Key string }
	}
	if err := xml.Unmarshal(c.Body, &in); err != nil || len(in.Object) == 0 || len(in.Object) > 1000 {
		return failure(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	type deleted struct{ Key string }
	type failed struct{ Key, Code, Message string }
	out := struct {
		XMLName xml.Name `xml:"DeleteResult"`
		NS      string   `xml:"xmlns,attr"`
		Deleted []deleted
		Error   []failed
	}{NS: namespace}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	b, err := c.open()
	if err != nil {
		return err
	}
	for _, o := range in.Object {
		if err := c.Allow("s3:DeleteObject", c.arn()+"/"+o.Key, nil); err != nil {
			var e *wire.Error
			if errors.As(err, &e) {
				out.Error = append(out.Error, failed{o.Key, e.Code, e.Message})
			}
			continue
		}
		c.s.drop(b, o.Key)
		if !in.Quiet {
			out.Deleted = append(out.Deleted, deleted{o.Key})
		}
	}
	return c.xml(200, out)
}

// listing is the answer of ListObjectsV2.
type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	NS                    string   `xml:"xmlns,attr"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	MaxKeys               int
	KeyCount              int
	IsTruncated           bool
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	Contents              []listed
	CommonPrefixes        []struct{ Prefix string }
}

type listed struct {
	Key, LastModified, ETag string
	Size                    int
	StorageClass            string
}

func (c *call) listObjects() error {
	if err := c.Allow("s3:ListBucket", c.arn(), map[string][]string{"s3:prefix": {c.query.Get("prefix")}}); err != nil {
		return err
	}
	out := listing{NS: namespace, Name: c.bucket, Prefix: c.query.Get("prefix"), Delimiter: c.query.Get("delimiter"), MaxKeys: 1000,
		ContinuationToken: c.query.Get("continuation-token"), StartAfter: c.query.Get("start-after")}
	if m := c.query.Get("max-keys"); m != "" {
		n, err := strconv.Atoi(m)
		if err != nil || n < 0 {
			return failure(400, "InvalidArgument", "Provided max-keys not an integer or within integer range")
		}
		out.MaxKeys = min(n, 1000)
	}
	after := out.StartAfter
	if out.ContinuationToken != "" {
		b, err := base64.RawURLEncoding.DecodeString(out.ContinuationToken)
		if err != nil {
			return failure(400, "InvalidArgument", "The continuation token provided is incorrect")
		}
		after = string(b)
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	b, err := c.open()
	if err != nil {
		return err
	}
	var keys []string
	for k := range b.objects {
		if strings.HasPrefix(k, out.Prefix) && k > after {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	last, group := "", ""
	for _, k := range keys {
		if group != "" && strings.HasPrefix(k, group) {
			last = k
			continue
		}
		if out.KeyCount == out.MaxKeys {
			out.IsTruncated = true
			out.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(last))
			break
		}
		out.KeyCount++
		last = k
		if out.Delimiter != "" {
			if head, _, ok := strings.Cut(k[len(out.Prefix):], out.Delimiter); ok {
				group = out.Prefix + head + out.Delimiter
				out.CommonPrefixes = append(out.CommonPrefixes, struct{ Prefix string }{group})
				continue
			}
		}
		o := b.objects[k]
		out.Contents = append(out.Contents, listed{k, o.modified.UTC().Format("2006-01-02T15:04:05.000Z"), o.etag, len(o.body), "STANDARD"})
	}
	return c.xml(200, out)
}

// Object returns the content of an object for another service of the local AWS, which has checked its caller's
// permission to read it.
func (s *Service) Object(account, bucketName, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucketName]
	if b == nil {
		return nil, failure(404, "NoSuchBucket", "The specified bucket does not exist")
	}
	if b.account != account {
		return nil, failure(403, "AccessDenied", "Access Denied")
	}
	o := b.objects[key]
	if o == nil {
		return nil, failure(404, "NoSuchKey", "The specified key does not exist.")
	}
	return o.body, nil
}

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"portcullis/aws/signed"
	"portcullis/edge/authorizer"
)

// keepAt makes the store that AWS_LOCAL_CONFIGURATION names: a directory (an EFS mount, so that all environments share
// it; /tmp is private to one) or s3://bucket/prefix in the function's region. nil when nothing is named.
func keepAt(aws *signed.Client, s settings) (*authorizer.Keep, error) {
	k := &authorizer.Keep{}
	name := fileName(s)
	switch place := s.LocalConfiguration; {
	case place == "":
		return nil, nil
	case strings.HasPrefix(place, "s3://"):
		u, err := url.Parse(place)
		if err != nil || u.Host == "" || u.RawQuery != "" {
			return nil, errors.New("AWS_LOCAL_CONFIGURATION must look like s3://bucket/prefix")
		}
		o := object{aws: aws, bucket: u.Host, key: strings.TrimPrefix(strings.TrimSuffix(u.Path, "/")+"/"+name, "/")}
		k.Save, k.Load = o.save, o.load
	case filepath.IsAbs(place):
		f := file(filepath.Join(place, name))
		k.Save, k.Load = f.save, f.load
	default:
		return nil, errors.New("AWS_LOCAL_CONFIGURATION must be an absolute path or s3://bucket/prefix")
	}
	return k, nil
}

// fileName keeps several gateways of one store apart.
func fileName(s settings) string {
	sum := sha256.Sum256([]byte(strings.TrimSuffix(s.IssuerURL, "/") + "\n" + s.ClientID))
	return "portcullis-" + hex.EncodeToString(sum[:8]) + ".conf"
}

// maxStored bounds what is read back; a configuration is at most 64 MB.
const maxStored = 65 << 20

// file is a copy in a directory.
type file string

// save writes a new file and moves it into place, so that a reader never sees half of one.
func (f file) save(_ context.Context, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(string(f)), ".portcullis-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), string(f))
}

func (f file) load(context.Context) ([]byte, error) {
	r, err := os.Open(string(f))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxStored+1))
	if err == nil && len(b) > maxStored {
		err = fmt.Errorf("%s is larger than %d bytes", f, maxStored)
	}
	return b, err
}

// object is a copy in S3.
type object struct {
	aws         *signed.Client
	bucket, key string
}

func (o object) call(operation, method, action string, body []byte) signed.Call {
	path := "/" + o.bucket + "/" + (&url.URL{Path: o.key}).EscapedPath()
	return signed.Call{Service: "s3", Operation: operation, Method: method, Path: path, Raw: body, ContentType: "application/octet-stream",
		Action: action + " on arn:" + signed.Partition(o.aws.Region) + ":s3:::" + o.bucket + "/" + o.key}
}

func (o object) save(ctx context.Context, b []byte) error {
	return o.aws.Do(ctx, o.call("PutObject", http.MethodPut, "s3:PutObject", b), nil)
}

// load returns nothing for an object that is not there; without s3:ListBucket, S3 answers 403 for that as well.
func (o object) load(ctx context.Context) ([]byte, error) {
	b, err := o.aws.DoRaw(ctx, o.call("GetObject", http.MethodGet, "s3:GetObject", nil), nil)
	if signed.IsNotFound(err) {
		return nil, nil
	}
	return b, err
}

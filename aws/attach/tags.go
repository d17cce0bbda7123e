package attach

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"sort"
	"strings"

	"portcullis/aws/discover"
	"portcullis/aws/signed"
)

// What stood in front of a method before it was replaced is kept in tags of its REST API: they survive the loss of every
// environment and of the control plane, and go away with the API. API Gateway allows 50 tags of 256 characters; ours are
// portcullis:previous:0 … 39, each a list of records "{resource id}/{verb}={type}/{authorizer id}" joined by spaces.
// Methods that were open are not recorded: without a record, detaching restores NONE.
const (
	tagPrefix   = "portcullis:previous:"
	maxTags     = 40
	maxTagValue = 256
)

var errTooMany = errors.New("too many methods with another authorization to remember in tags; they are left alone. Detach the other authorizer from some of them first")

func encodePrevious(records map[string]discover.Method) (map[string]string, error) {
	keys := make([]string, 0, len(records))
	for k := range records {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var values []string
	line := ""
	for _, k := range keys {
		m := records[k]
		rec := k + "=" + m.AuthorizationType + "/" + m.AuthorizerID
		if line != "" && len(line)+1+len(rec) > maxTagValue {
			values = append(values, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += rec
	}
	if line != "" {
		values = append(values, line)
	}
	if len(values) > maxTags {
		return nil, errTooMany
	}
	tags := make(map[string]string, len(values))
	for i, v := range values {
		tags[fmt.Sprintf("%s%d", tagPrefix, i)] = v
	}
	return tags, nil
}

// previous reads the records of a REST API. Records of the wrong form are skipped.
func previous(api *discover.API) map[string]discover.Method {
	out := map[string]discover.Method{}
	for k, v := range api.Tags {
		if !strings.HasPrefix(k, tagPrefix) {
			continue
		}
		for _, rec := range strings.Fields(v) {
			method, what, ok := strings.Cut(rec, "=")
			kind, id, ok2 := strings.Cut(what, "/")
			if ok && ok2 && method != "" {
				out[method] = discover.Method{AuthorizationType: kind, AuthorizerID: id}
			}
		}
	}
	return out
}

// remember writes down what the plan is about to replace. It comes before the first patch: a record without its
// replacement is harmless, the reverse is not. Methods that are open now lose a record of former times.
func (a *Attacher) remember(ctx context.Context, p *Plan) error {
	records := previous(p.API)
	for _, s := range p.Attach {
		key := s.ResourceID + "/" + s.Verb
		if s.From.AuthorizationType == "" || s.From.AuthorizationType == "NONE" {
			delete(records, key)
		} else {
			records[key] = s.From
		}
	}
	return a.writeRecords(ctx, p.API, records)
}

func (a *Attacher) tagPath(api *discover.API) string {
	return "/tags/" + url.PathEscape(a.restAPI(api))
}

func (a *Attacher) restAPI(api *discover.API) string {
	return "arn:" + signed.Partition(a.Client.Region) + ":apigateway:" + a.Client.Region + "::/restapis/" + api.ID
}

// writeRecords makes the tags of a REST API hold these records; it calls AWS only for what differs.
func (a *Attacher) writeRecords(ctx context.Context, api *discover.API, records map[string]discover.Method) error {
	if maps.Equal(records, previous(api)) {
		return nil
	}
	tags, err := encodePrevious(records)
	if err != nil {
		return err
	}
	path := a.tagPath(api)
	if len(tags) > 0 {
		if err := a.Client.Do(ctx, a.call("TagResource", http.MethodPut, path, map[string]any{"tags": tags}), nil); err != nil {
			return err
		}
	}
	var unused []string
	for k := range api.Tags {
		if _, used := tags[k]; strings.HasPrefix(k, tagPrefix) && !used {
			unused = append(unused, k)
		}
	}
	if len(unused) > 0 {
		sort.Strings(unused)
		call := a.call("UntagResource", http.MethodDelete, path, nil)
		call.Query = url.Values{"tagKeys": unused}
		if err := a.Client.Do(ctx, call, nil); err != nil {
			return err
		}
	}
	if api.Tags == nil {
		api.Tags = map[string]string{}
	}
	for _, k := range unused {
		delete(api.Tags, k)
	}
	maps.Copy(api.Tags, tags)
	return nil
}

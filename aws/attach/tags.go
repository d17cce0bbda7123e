package attach

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"portcullis/aws/discover"
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

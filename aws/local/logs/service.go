package logs

import (
	"encoding/base64"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"portcullis/aws/local/wire"
)

// Bounds of what is kept; the oldest goes first.
const (
	maxGroups = 1000
	maxEvents = 10_000  // per group
	maxText   = 4 << 20 // bytes per group
)

// Service is CloudWatch Logs of all accounts and regions.
type Service struct {
	mu     sync.Mutex
	groups map[string]*group // by account/region/name
	order  []string          // their keys, oldest first
}

type group struct {
	name    string
	created time.Time
	events  []event
	bytes   int
	next    int64 // number of the next event
}

type event struct {
	number int64
	stream string
	time   time.Time
	text   string
}

// New returns a Service without groups.
func New() *Service { return &Service{groups: map[string]*group{}} }

// Reset forgets everything.
func (s *Service) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups, s.order = map[string]*group{}, nil
}

func key(account, region, name string) string { return account + "/" + region + "/" + name }

// Append records one line of a function, or of an API's execution log.
func (s *Service) Append(l wire.LogLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := key(l.Account, l.Region, l.Group)
	g := s.groups[k]
	if g == nil {
		if len(s.order) >= maxGroups {
			delete(s.groups, s.order[0])
			s.order = s.order[1:]
		}
		g = &group{name: l.Group, created: l.Time}
		s.groups[k] = g
		s.order = append(s.order, k)
	}
	g.events = append(g.events, event{g.next, l.Stream, l.Time, l.Text})
	g.next++
	g.bytes += len(l.Text)
	drop := 0
	for len(g.events)-drop > maxEvents || g.bytes > maxText && drop < len(g.events)-1 {
		g.bytes -= len(g.events[drop].text)
		drop++
	}
	g.events = g.events[drop:]
}

type call struct {
	*wire.Call
	s *Service
}

var operations = map[string]func(*call) (any, error){
	"DescribeLogGroups":  describeGroups,
	"DescribeLogStreams": describeStreams,
	"FilterLogEvents":    filterEvents,
	"GetLogEvents":       getEvents,
	"DeleteLogGroup":     deleteGroup,
}

// ServeAWS answers one AWS-JSON call.
func (s *Service) ServeAWS(w http.ResponseWriter, wc *wire.Call) {
	wire.ServeAWSJSON(w, wc, operations, &call{wc, s}, &s.mu)
}

func invalid(text string) error {
	return &wire.Error{Status: 400, Code: "InvalidParameterException", Message: text}
}

func (c *call) arn(name string) string {
	return "arn:" + c.Partition + ":logs:" + c.Region + ":" + c.Account + ":log-group:" + name
}

// where is what most operations take.
type where struct {
	LogGroupName        string
	LogGroupIdentifier  string // the name or the ARN
	LogStreamNamePrefix string
	StartTime, EndTime  *int64 // milliseconds
	Limit               int
	NextToken           string
}

// group finds the group, with the caller's permission checked.
func (c *call) group(in where) (*group, error) {
	name := in.LogGroupName
	if name == "" {
		name = in.LogGroupIdentifier
		if _, rest, ok := strings.Cut(name, ":log-group:"); ok {
			name = strings.TrimSuffix(rest, ":*")
		}
	}
	if err := c.Allow("logs:"+wire.Target(c.Request), c.arn(name)+":*", nil); err != nil {
		return nil, err
	}
	g := c.s.groups[key(c.Account, c.Region, name)]
	if g == nil {
		return nil, &wire.Error{Status: 400, Code: "ResourceNotFoundException", Message: "The specified log group does not exist."}
	}
	return g, nil
}

// limit checks a page size.
func limit(n, most int) (int, error) {
	if n == 0 {
		return most, nil
	}
	if n < 1 || n > most {
		return 0, invalid("limit must be from 1 to " + strconv.Itoa(most))
	}
	return n, nil
}

func token(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func untoken(s string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return "", invalid("The specified nextToken is invalid.")
	}
	return string(b), nil
}

// cut pages sorted names.
func cut(names []string, next string, n int) ([]string, string, error) {
	after, err := untoken(next)
	if err != nil {
		return nil, "", err
	}
	if next != "" {
		names = names[sort.Search(len(names), func(i int) bool { return names[i] > after }):]
	}
	if len(names) > n {
		return names[:n], token(names[n-1]), nil
	}
	return names, "", nil
}

func describeGroups(c *call) (any, error) {
	var in struct {
		LogGroupNamePrefix, LogGroupNamePattern, NextToken string
		Limit                                              int
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if err := c.Allow("logs:DescribeLogGroups", c.arn("*"), nil); err != nil {
		return nil, err
	}
	n, err := limit(in.Limit, 50)
	if err != nil {
		return nil, err
	}
	var names []string
	prefix := key(c.Account, c.Region, "")
	for k, g := range c.s.groups {
		if strings.HasPrefix(k, prefix) && strings.HasPrefix(g.name, in.LogGroupNamePrefix) && strings.Contains(g.name, in.LogGroupNamePattern) {
			names = append(names, g.name)
		}
	}
	sort.Strings(names)
	names, next, err := cut(names, in.NextToken, n)
	if err != nil {
		return nil, err
	}
	list := []map[string]any{}
	for _, name := range names {
		g := c.s.groups[key(c.Account, c.Region, name)]
		list = append(list, map[string]any{"logGroupName": name, "arn": c.arn(name) + ":*", "logGroupArn": c.arn(name), "creationTime": g.created.UnixMilli(), "storedBytes": g.bytes, "metricFilterCount": 0})
	}
	return answer(map[string]any{"logGroups": list}, next), nil
}

func answer(v map[string]any, next string) map[string]any {
	if next != "" {
		v["nextToken"] = next
	}
	return v
}

func describeStreams(c *call) (any, error) {
	var in struct {
		where
		OrderBy    string
		Descending bool
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	g, err := c.group(in.where)
	if err != nil {
		return nil, err
	}
	n, err := limit(in.Limit, 50)
	if err != nil {
		return nil, err
	}
	type span struct{ first, last time.Time }
	spans := map[string]span{}
	for _, e := range g.events {
		if strings.HasPrefix(e.stream, in.LogStreamNamePrefix) {
			s, ok := spans[e.stream]
			if !ok {
				s.first = e.time
			}
			s.last = e.time
			spans[e.stream] = s
		}
	}
	sortKeys := map[string]string{} // sort key → stream
	var keys []string
	for name, s := range spans {
		k := name
		if in.OrderBy == "LastEventTime" {
			k = s.last.UTC().Format(time.RFC3339Nano) + " " + name
		}
		sortKeys[k] = name
		keys = append(keys, k)
	}
	sort.Strings(keys)
	if in.Descending { // pages of a list that runs backwards are not offered: it is cut at the limit
		for i, j := 0, len(keys)-1; i < j; i, j = i+1, j-1 {
			keys[i], keys[j] = keys[j], keys[i]
		}
		keys = keys[:min(n, len(keys))]
	}
	keys, next, err := cut(keys, in.NextToken, n)
	if err != nil {
		return nil, err
	}
	list := []map[string]any{}
	for _, k := range keys {
		name := sortKeys[k]
		s := spans[name]
		list = append(list, map[string]any{"logStreamName": name, "arn": c.arn(g.name) + ":log-stream:" + name, "creationTime": s.first.UnixMilli(),
			"firstEventTimestamp": s.first.UnixMilli(), "lastEventTimestamp": s.last.UnixMilli(), "lastIngestionTime": s.last.UnixMilli()})
	}
	return answer(map[string]any{"logStreams": list}, next), nil
}

func (in where) covers(e event) bool {
	ms := e.time.UnixMilli()
	return (in.StartTime == nil || ms >= *in.StartTime) && (in.EndTime == nil || ms <= *in.EndTime)
}

func filterEvents(c *call) (any, error) {
	var in struct {
		where
		LogStreamNames []string
		FilterPattern  string
		Interleaved    bool
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	g, err := c.group(in.where)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(in.FilterPattern, "{}[]?%") {
		return nil, wire.NotImplemented("logs", "FilterLogEvents with a pattern other than words")
	}
	n, err := limit(in.Limit, 10000)
	if err != nil {
		return nil, err
	}
	from := int64(-1)
	if in.NextToken != "" {
		text, err := untoken(in.NextToken)
		if err == nil {
			from, err = strconv.ParseInt(text, 10, 64)
		}
		if err != nil {
			return nil, invalid("The specified nextToken is invalid.")
		}
	}
	list, next := []map[string]any{}, ""
	for _, e := range g.events {
		if e.number <= from || !in.covers(e) || !strings.HasPrefix(e.stream, in.LogStreamNamePrefix) || !wanted(e, in.LogStreamNames, in.FilterPattern) {
			continue
		}
		if len(list) == n {
			next = token(strconv.FormatInt(from, 10))
			break
		}
		from = e.number
		list = append(list, map[string]any{"logStreamName": e.stream, "timestamp": e.time.UnixMilli(), "ingestionTime": e.time.UnixMilli(), "message": e.text,
			"eventId": strconv.FormatInt(e.number, 10)})
	}
	return answer(map[string]any{"events": list, "searchedLogStreams": []any{}}, next), nil
}

// wanted applies a list of streams and a pattern of words, all of which must be in the text.
func wanted(e event, streams []string, pattern string) bool {
	found := len(streams) == 0
	for _, s := range streams {
		found = found || s == e.stream
	}
	for _, word := range strings.Fields(pattern) {
		found = found && strings.Contains(e.text, strings.Trim(word, `"`))
	}
	return found
}

func getEvents(c *call) (any, error) {
	var in struct {
		where
		LogStreamName string
		StartFromHead bool
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	g, err := c.group(in.where)
	if err != nil {
		return nil, err
	}
	n, err := limit(in.Limit, 10000)
	if err != nil {
		return nil, err
	}
	// A token is a direction and the number of an event: "f/12" reads on after 12, "b/12" reads back from before 12.
	forward, at := in.StartFromHead, int64(-1)
	if in.NextToken != "" {
		direction, text, ok := strings.Cut(in.NextToken, "/")
		at, err = strconv.ParseInt(text, 10, 64)
		if !ok || err != nil || direction != "f" && direction != "b" {
			return nil, invalid("The specified nextToken is invalid.")
		}
		forward = direction == "f"
	}
	var found []event
	for _, e := range g.events {
		after := in.NextToken == "" || forward && e.number > at || !forward && e.number < at
		if e.stream == in.LogStreamName && in.covers(e) && after {
			found = append(found, e)
		}
	}
	if len(found) > n {
		if forward {
			found = found[:n]
		} else {
			found = found[len(found)-n:]
		}
	}
	first, last := at, at
	list := []map[string]any{}
	for i, e := range found {
		if i == 0 {
			first = e.number
		}
		last = e.number
		list = append(list, map[string]any{"timestamp": e.time.UnixMilli(), "ingestionTime": e.time.UnixMilli(), "message": e.text})
	}
	return map[string]any{"events": list, "nextForwardToken": "f/" + strconv.FormatInt(last, 10), "nextBackwardToken": "b/" + strconv.FormatInt(first, 10)}, nil
}

func deleteGroup(c *call) (any, error) {
	var in where
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	g, err := c.group(in)
	if err != nil {
		return nil, err
	}
	k := key(c.Account, c.Region, g.name)
	delete(c.s.groups, k)
	for i := range c.s.order {
		if c.s.order[i] == k {
			c.s.order = append(c.s.order[:i:i], c.s.order[i+1:]...)
			break
		}
	}
	return struct{}{}, nil
}

package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"portcullis/aws/local/policy"
	"portcullis/aws/local/wire"
)

// Sizes of an event, in bytes.
const (
	maxEvent      = 6 * 1024 * 1024
	maxAsyncEvent = 1024 * 1024
)

// invocation is one event on its way through an environment.
type invocation struct {
	id, arn, trace string
	clientContext  string // base64, as the caller sent it
	payload        []byte
	deadline       time.Time
	outcome        *outcome // set by the Runtime API; guarded by environment.mu
}

type outcome struct {
	payload []byte
	failed  bool
	tail    []byte
}

// invoke answers the Invoke operation.
func invoke(c *call) (reply, error) {
	t, err := c.invokeTarget()
	if err != nil {
		return reply{}, err
	}
	h := c.Request.Header
	kind := h.Get("X-Amz-Invocation-Type")
	limit := maxEvent
	switch kind {
	case "", "RequestResponse":
		kind = "RequestResponse"
	case "Event":
		limit = maxAsyncEvent
	case "DryRun":
	default:
		return reply{}, constraint(kind, "invocationType", "Member must satisfy enum value set: [RequestResponse, Event, DryRun]")
	}
	if len(c.Body) > limit {
		return reply{}, failure(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "%d byte payload is too large for the %s invocation type (limit %d bytes)", len(c.Body), kind, limit)
	}
	payload := bytes.TrimSpace(c.Body)
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	if !json.Valid(payload) {
		return reply{}, failure(http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json: Could not parse payload into json")
	}
	cc := h.Get("X-Amz-Client-Context")
	if b, err := base64.StdEncoding.DecodeString(cc); err != nil || len(cc) > 3583 || cc != "" && !json.Valid(b) {
		return reply{}, failure(http.StatusBadRequest, "InvalidRequestContentException", "Client context must be a valid base64-encoded JSON object of at most 3583 bytes.")
	} else if cc != "" {
		cc = string(b)
	}
	c.s.mu.Lock()
	rev, err := c.s.revisionFor(t, c.Partition)
	c.s.mu.Unlock()
	if err != nil {
		return reply{}, err
	}
	c.w.Header().Set("X-Amz-Executed-Version", rev.config.Version)
	switch kind {
	case "DryRun":
		return reply{status: 204}, nil
	case "Event":
		if err := c.s.enqueue(t, c.Partition, c.RequestID, payload, cc); err != nil {
			return reply{}, err
		}
		return reply{status: 202}, nil
	}
	wantTail := h.Get("X-Amz-Log-Type") == "Tail"
	out, err := c.s.run(c.Request.Context(), rev, t.qualified(c.Partition), c.RequestID, payload, cc, wantTail)
	if err != nil {
		return reply{}, err
	}
	if out.failed {
		c.w.Header().Set("X-Amz-Function-Error", "Unhandled")
	}
	if wantTail {
		c.w.Header().Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(out.tail))
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.Header().Set("X-Amzn-RequestId", c.RequestID)
	c.w.WriteHeader(http.StatusOK)
	c.w.Write(out.payload)
	return written, nil
}

// invokeTarget checks who may invoke: inside the account an identity policy or the function's resource policy is
// enough; from another account the resource policy must allow it too.
func (c *call) invokeTarget() (target, error) {
	t, err := parseTarget(c.args[0], c.Account, c.Region)
	if err != nil {
		return t, err
	}
	if q := c.Request.URL.Query().Get("Qualifier"); q != "" {
		if !qualifierForm.MatchString(q) || t.qualifier != "" && t.qualifier != q {
			return t, invalidValue("The derived qualifier from the function name does not match the specified qualifier.")
		}
		t.qualifier = q
	}
	arn := t.qualified(c.Partition)
	identity := c.Allow("lambda:InvokeFunction", arn, c.conditionsOf(t))
	if identity == nil && t.account == c.Account {
		return t, nil
	}
	c.s.mu.Lock()
	resource := policy.ImplicitDeny
	if f := c.s.functions[t.key()]; f != nil {
		resource = f.permits(t.qualifier, policy.Request{Action: "lambda:InvokeFunction", Resource: arn, Principal: c.Principal.ARN, RoleARN: c.Principal.RoleARN, Account: c.Account})
	}
	c.s.mu.Unlock()
	switch {
	case identity != nil && (strings.Contains(identity.Error(), "explicit deny") || t.account != c.Account || resource != policy.Allow):
		return t, identity
	case resource != policy.Allow:
		return t, failure(403, "AccessDeniedException", "User: %s is not authorized to perform: lambda:InvokeFunction on resource: %s because no resource-based policy allows the lambda:InvokeFunction action", c.Principal.ARN, arn)
	}
	return t, nil
}

// revisionFor finds what a target names; the caller holds mu.
func (s *Service) revisionFor(t target, partition string) (*revision, error) {
	f, err := s.find(t, partition)
	if err != nil {
		return nil, err
	}
	r, err := f.resolve(t, partition)
	if err == nil && r.created { // during an update invocations go on
		err = s.unsettled(r)
	}
	return r, err
}

// Invoke calls a function for an AWS service, which its resource policy, or the role that the service uses, must allow.
// It is the wire.Invoke of the local AWS.
func (s *Service) Invoke(ctx context.Context, in wire.Invocation) (wire.InvokeResult, error) {
	id := wire.NewID()
	partition := "aws"
	if parts := strings.SplitN(in.Function, ":", 3); len(parts) == 3 {
		partition = parts[1]
	}
	t, err := parseTarget(in.Function, "", "")
	if err != nil {
		return wire.InvokeResult{}, err
	}
	arn := t.qualified(partition)
	conditions := map[string][]string{}
	if in.SourceARN != "" {
		conditions["AWS:SourceArn"] = []string{in.SourceARN}
	}
	if in.SourceAccount != "" {
		conditions["AWS:SourceAccount"] = []string{in.SourceAccount}
	}
	if in.Role != "" {
		if s.o.AllowRole == nil {
			return wire.InvokeResult{}, failure(501, "NotImplemented", "the local AWS calls no function with the role %s here", in.Role)
		}
		if err := s.o.AllowRole(in.Role, in.Principal, "lambda:InvokeFunction", arn); err != nil {
			return wire.InvokeResult{}, err
		}
	}
	s.mu.Lock()
	rev, err := s.revisionFor(t, partition)
	if err == nil && in.Role != "" {
		err = rev.fn.permitsRole(t.qualifier, arn, in)
	} else if err == nil && rev.fn.permits(t.qualifier, policy.Request{Action: "lambda:InvokeFunction", Resource: arn, Service: in.Principal, Context: conditions}) != policy.Allow {
		err = failure(403, "AccessDeniedException", "User: %s is not authorized to perform: lambda:InvokeFunction on resource: %s because no resource-based policy allows the lambda:InvokeFunction action", in.Principal, arn)
	}
	s.mu.Unlock()
	if err != nil {
		return wire.InvokeResult{}, err
	}
	limit := maxEvent
	if in.Async {
		limit = maxAsyncEvent
	}
	if len(in.Payload) > limit {
		return wire.InvokeResult{}, failure(413, "RequestEntityTooLargeException", "%d byte payload is too large (limit %d bytes)", len(in.Payload), limit)
	}
	if in.Async {
		return wire.InvokeResult{RequestID: id, Version: rev.config.Version}, s.enqueue(t, partition, id, in.Payload, "")
	}
	out, err := s.run(ctx, rev, arn, id, in.Payload, "", false)
	if err != nil {
		return wire.InvokeResult{}, err
	}
	res := wire.InvokeResult{Payload: out.payload, RequestID: id, Version: rev.config.Version}
	if out.failed {
		res.FunctionError = "Unhandled"
	}
	return res, nil
}

// run invokes a revision and waits for its answer, or for the caller to go away: the function then runs on, as at AWS.
func (s *Service) run(ctx context.Context, rev *revision, arn, id string, payload []byte, clientContext string, tail bool) (outcome, error) {
	e, err := s.acquire(rev)
	if err != nil {
		return outcome{}, err
	}
	inv := &invocation{id: id, arn: arn, trace: traceID(), payload: payload, clientContext: clientContext}
	answer := make(chan outcome, 1)
	go func() {
		defer s.wg.Done() // acquire counted it
		s.perform(e, inv, answer, tail)
	}()
	select {
	case out := <-answer:
		return out, nil
	case <-ctx.Done():
		return outcome{}, failure(499, "ClientClosedRequest", "the caller went away before the function answered")
	}
}

// perform takes an environment through one invocation: init if it is new, the event, the answer, what extensions do
// after it, and back into the pool, frozen.
func (s *Service) perform(e *environment, inv *invocation, answer chan<- outcome, tail bool) {
	limit := e.rev.timeout()
	e.thaw()
	e.logs.begin()
	cold := !e.initialised()
	var failed *fault
	if cold {
		failed = e.ready(time.After(s.o.InitTimeout))
	}
	began := time.Now()
	inv.deadline = began.Add(limit)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	if failed != nil && !s.isClosed() {
		// AWS runs a failed init again inside the invoke phase, within the function's time-out.
		e = s.restart(e)
		failed = e.ready(timer.C)
	}
	e.logs.write("START RequestId: " + inv.id + " Version: " + e.rev.config.Version)
	if failed == nil {
		failed = e.deliver(inv, timer.C)
	}
	out := outcome{}
	if failed != nil {
		if failed.Type == "Sandbox.Timedout" {
			failed = &fault{failed.Type, "Error: Task timed out after " + strconv.FormatFloat(limit.Seconds(), 'f', 2, 64) + " seconds"}
		}
		out.failed = true
		out.payload, _ = json.Marshal(fault{failed.Type, "RequestId: " + inv.id + " " + failed.Message})
	} else {
		e.mu.Lock()
		out = *inv.outcome
		e.mu.Unlock()
	}
	settling := failed == nil && s.markSettling(e)
	if !tail {
		answer <- out
	}
	settled := false
	if failed == nil {
		e.await(timer.C, func() bool { settled = e.settled(); return settled || e.exited || e.initFault != nil })
	}
	e.logs.flush(inv.id)
	e.report(inv, time.Since(began), cold, failed)
	if tail {
		out.tail = e.logs.last()
		answer <- out
	}
	s.putBack(e, settled, settling)
}

func (e *environment) initialised() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.initTime > 0
}

// deliver gives the event to the runtime and to the extensions that asked for it, and waits for the runtime's answer.
func (e *environment) deliver(inv *invocation, limit <-chan time.Time) *fault {
	event, _ := json.Marshal(map[string]any{"eventType": "INVOKE", "deadlineMs": inv.deadline.UnixMilli(), "requestId": inv.id,
		"invokedFunctionArn": inv.arn, "tracing": map[string]string{"type": "X-Amzn-Trace-Id", "value": inv.trace}})
	e.mu.Lock()
	if e.exited {
		f := e.exitFault()
		e.mu.Unlock()
		return f
	}
	e.current = inv
	e.runtimeWaits = false
	for _, x := range e.extensions {
		if x.invoke {
			x.waits = false
			select {
			case x.events <- event:
			default: // it has not taken the one before: it will not see this one
			}
		}
	}
	e.work <- inv // it holds one, and the runtime has taken or answered the one before
	e.mu.Unlock()
	done := e.await(limit, func() bool { return inv.outcome != nil || e.exited || e.initFault != nil })
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case inv.outcome != nil:
		return nil
	case e.exited:
		return e.exitFault()
	case !done:
		return &fault{Type: "Sandbox.Timedout"}
	}
	return e.initFault
}

// report writes the lines that end an invocation in the log.
func (e *environment) report(inv *invocation, took time.Duration, cold bool, failed *fault) {
	ms := float64(took.Microseconds()) / 1000
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %.0f ms\tMemory Size: %d MB", inv.id, ms, math.Ceil(ms), e.rev.config.MemorySize)
	if mb := e.memory(); mb > 0 {
		line += fmt.Sprintf("\tMax Memory Used: %d MB", mb)
	}
	if cold {
		line += fmt.Sprintf("\tInit Duration: %.2f ms", float64(e.initTime.Microseconds())/1000)
	}
	if failed != nil {
		status := "error"
		if failed.Type == "Sandbox.Timedout" {
			status = "timeout"
		}
		line += "\tStatus: " + status + "\tError Type: " + failed.Type
		e.logs.write("RequestId: " + inv.id + " " + failed.Message)
	}
	e.logs.write("END RequestId: " + inv.id)
	e.logs.write(line)
}

func traceID() string {
	id := strings.ReplaceAll(wire.NewID(), "-", "")
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", time.Now().Unix(), id[:24], id[16:])
}

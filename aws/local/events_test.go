package local_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"portcullis/aws/local"
	locallambda "portcullis/aws/local/lambda"
)

// schedule puts a rule with the function as its target and lets events invoke it.
func (w *world) schedule(rule, expression, fn, input string) {
	w.t.Helper()
	c, ctx := eventbridge.NewFromConfig(w.admin()), w.t.Context()
	out, err := c.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String(rule), ScheduleExpression: aws.String(expression)})
	if err != nil {
		w.t.Fatal(err)
	}
	if want := "arn:aws:events:eu-west-1:111122223333:rule/" + rule; aws.ToString(out.RuleArn) != want {
		w.t.Fatalf("ARN %s, want %s", aws.ToString(out.RuleArn), want)
	}
	target := types.Target{Id: aws.String("fn"), Arn: aws.String("arn:aws:lambda:eu-west-1:111122223333:function:" + fn)}
	if input != "" {
		target.Input = aws.String(input)
	}
	put, err := c.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String(rule), Targets: []types.Target{target}})
	if err != nil || put.FailedEntryCount != 0 {
		w.t.Fatal(put, err)
	}
	if _, err := lambda.NewFromConfig(w.admin()).AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: aws.String(fn), StatementId: aws.String(rule), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("events.amazonaws.com"), SourceArn: out.RuleArn}); err != nil {
		w.t.Fatal(err)
	}
}

// seen collects the events that the test function logs.
type seen struct {
	mu    sync.Mutex
	lines []string
}

func (s *seen) log(l locallambda.LogLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasPrefix(l.Text, "event ") {
		s.lines = append(s.lines, strings.TrimPrefix(l.Text, "event "))
	}
}

func (s *seen) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lines)
}

func TestScheduledRuleInvokesItsFunction(t *testing.T) {
	at := &clock{time.Date(2026, 11, 22, 10, 0, 30, 0, time.UTC)}
	log := &seen{}
	w := start(t, local.Options{Now: at.now, Lambda: locallambda.Options{Log: log.log}})
	w.function("my-function", env(map[string]string{"FN_SHOW": "1"}))
	w.schedule("every-minute", "rate(1 minute)", "my-function", "")
	w.schedule("nightly", "cron(0 3 * * ? *)", "my-function", `{"constant":true}`)
	ctx := t.Context()
	w.s.Tick(ctx)
	if n := log.count(); n != 0 {
		t.Fatalf("fired before its time: %d", n)
	}
	at.t = at.t.Add(time.Minute)
	w.s.Tick(ctx)
	w.s.Tick(ctx)
	eventually(t, "the function sees the event", func() bool { return log.count() == 1 })
	var ev struct {
		Version, Source, Account, Region, Time string
		DetailType                             string `json:"detail-type"`
		Resources                              []string
		Detail                                 map[string]any
	}
	if err := json.Unmarshal([]byte(log.lines[0]), &ev); err != nil {
		t.Fatal(err)
	}
	if ev.Version != "0" || ev.Source != "aws.events" || ev.DetailType != "Scheduled Event" || ev.Account != "111122223333" || ev.Region != region ||
		ev.Time != "2026-11-22T10:01:30Z" || len(ev.Resources) != 1 || ev.Resources[0] != "arn:aws:events:eu-west-1:111122223333:rule/every-minute" || ev.Detail == nil {
		t.Errorf("%+v", ev)
	}
	c := eventbridge.NewFromConfig(w.admin())
	if _, err := c.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String("every-minute")}); err != nil {
		t.Fatal(err)
	}
	at.t = time.Date(2026, 11, 23, 3, 0, 1, 0, time.UTC)
	w.s.Tick(ctx)
	eventually(t, "the nightly rule fires", func() bool { return log.count() == 2 })
	if log.lines[1] != `{"constant":true}` {
		t.Errorf("constant input: %s", log.lines[1])
	}
}

func TestFireNow(t *testing.T) {
	log := &seen{}
	w := start(t, local.Options{Lambda: locallambda.Options{Log: log.log}})
	w.function("my-function", env(map[string]string{"FN_SHOW": "1"}))
	w.schedule("every-minute", "rate(1 minute)", "my-function", "")
	post := func(query, origin string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/_aws/events/fire?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		resp, err := httpClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	rule := "rule=every-minute&account=111122223333&region=" + region
	if status := post(rule, ""); status != http.StatusAccepted {
		t.Errorf("%d", status)
	}
	eventually(t, "the function sees the event", func() bool { return log.count() == 1 })
	if status := post(rule, "https://example.com"); status != http.StatusForbidden || log.count() != 1 {
		t.Errorf("from a web page: %d", status)
	}
	if status := post("rule=nobody", ""); status != http.StatusBadRequest {
		t.Errorf("unknown rule: %d", status)
	}
	if _, err := lambda.NewFromConfig(w.admin()).RemovePermission(t.Context(), &lambda.RemovePermissionInput{FunctionName: aws.String("my-function"), StatementId: aws.String("every-minute")}); err != nil {
		t.Fatal(err)
	}
	if status := post(rule, ""); status != http.StatusForbidden || log.count() != 1 {
		t.Errorf("without the function's permission: %d", status)
	}
}

func TestRulesAreStrict(t *testing.T) {
	w := start(t, local.Options{})
	c, ctx := eventbridge.NewFromConfig(w.admin()), t.Context()
	for _, expression := range []string{"rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)", "rate(30 seconds)", "cron(* * * * *)", "cron(0 3 * * * *)", "every minute", "cron(61 3 * * ? *)"} {
		_, err := c.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("r"), ScheduleExpression: aws.String(expression)})
		if code(err) != "ValidationException" || !strings.Contains(err.Error(), "Parameter ScheduleExpression is not valid.") {
			t.Errorf("%s: %v", expression, err)
		}
	}
	_, err := c.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("r")})
	expect(t, err, "ResourceNotFoundException", "Rule r does not exist on EventBus default.")
	_, err = c.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{{Id: aws.String("x"), Arn: aws.String("arn:aws:lambda:eu-west-1:111122223333:function:x")}}})
	expect(t, err, "ResourceNotFoundException", "Rule r does not exist")
	w.function("my-function", nil)
	w.schedule("r", "rate(5 minutes)", "my-function", "")
	_, err = c.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("r")})
	expect(t, err, "ValidationException", "Rule can't be deleted since it has targets.")
	list, err := c.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: aws.String("r")})
	if err != nil || len(list.Targets) != 1 || aws.ToString(list.Targets[0].Id) != "fn" {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := c.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: aws.String("r"), Ids: []string{"fn"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("r")}); err != nil {
		t.Fatal(err)
	}
	rules, err := c.ListRules(ctx, &eventbridge.ListRulesInput{})
	if err != nil || len(rules.Rules) != 0 {
		t.Errorf("%+v, %v", rules, err)
	}
}

package apigateway

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"portcullis/aws/local/wire"
)

// noCloudWatchRole is what a logging level meets in an account that has not said with which role API Gateway may write.
const noCloudWatchRole = "CloudWatch Logs role ARN must be set in account settings to enable logging"

// methodSetting is the stage's setting for this request: the method's own, else that of its resource's ANY, else */*.
func (x *exchange) methodSetting() (set methodSetting, key string, ok bool) {
	if r := x.match.resource; r != nil {
		for _, verb := range []string{x.verb, x.match.method.HTTPMethod} {
			key = settingKey(r.Path, verb)
			if set, ok = x.stage.MethodSettings[key]; ok {
				return set, key, true
			}
		}
	}
	set, ok = x.stage.MethodSettings["*/*"]
	return set, "*/*", ok
}

// logExecution writes the execution log of one request, in the words of the service, to the log group
// API-Gateway-Execution-Logs_{api}/{stage}: with the level INFO what happened, with ERROR what failed.
// Source: Developer Guide, "Set up CloudWatch logging for REST APIs in API Gateway".
func (x *exchange) logExecution(out *answer, err error) {
	if x.svc.opt.ExecutionLog == nil || x.stage == nil || x.def == nil {
		return
	}
	set, _, _ := x.methodSetting()
	var f *failure
	failed := errors.As(err, &f)
	if set.LoggingLevel != "INFO" && (set.LoggingLevel != "ERROR" || !failed) || failed && f.unlogged {
		return
	}
	var lines []string
	if set.LoggingLevel == "INFO" {
		lines = append(lines, "Extended Request Id: "+x.extendedID, "HTTP Method: "+x.verb+", Resource Path: "+x.path)
		lines = append(lines, x.notes...)
	}
	if failed {
		switch f.kind {
		case "UNAUTHORIZED":
			lines = append(lines, "Unauthorized request: "+x.requestID)
		case "ACCESS_DENIED":
			lines = append(lines, "The client is not authorized to perform this operation.")
		default:
			lines = append(lines, "Execution failed due to configuration error: "+f.detail)
		}
	}
	lines = append(lines, sprintf("Method completed with status: %d", out.status))
	name := x.def.API.ID + "/" + x.stage.StageName
	sum := sha256.Sum256([]byte(name))
	for _, text := range lines {
		x.svc.opt.ExecutionLog(wire.LogLine{Account: x.scope.Account, Region: x.scope.Region, Group: "API-Gateway-Execution-Logs_" + name,
			Stream: hex.EncodeToString(sum[:16]), Time: x.svc.opt.Now(), Text: "(" + x.requestID + ") " + strings.TrimSpace(text)})
	}
}

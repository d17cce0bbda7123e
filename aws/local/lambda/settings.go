package lambda

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"portcullis/aws/local/wire"
)

var roleForm = regexp.MustCompile(`^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$`)

// apply puts the given settings into the configuration, or explains what is wrong with them.
func (cfg *Configuration) apply(c *call, in settings, create bool) error {
	if in.Runtime != nil {
		cfg.Runtime = *in.Runtime
	}
	if err := c.s.checkRuntime(cfg.Runtime, c.Now, create); err != nil {
		return err
	}
	if in.Handler != nil {
		if len(*in.Handler) > 128 || strings.ContainsAny(*in.Handler, " \t\r\n") || *in.Handler == "" {
			return constraint(*in.Handler, "handler", `Member must satisfy regular expression pattern: [^\s]+`)
		}
		cfg.Handler = *in.Handler
	}
	if in.Description != nil {
		if len(*in.Description) > 256 {
			return constraint("…", "description", "Member must have length less than or equal to 256")
		}
		cfg.Description = *in.Description
	}
	if err := number(in.Timeout, "timeout", 1, 900, &cfg.Timeout); err != nil {
		return err
	}
	if err := number(in.MemorySize, "memorySize", 128, 10240, &cfg.MemorySize); err != nil {
		return err
	}
	if in.EphemeralStorage != nil {
		if err := number(&in.EphemeralStorage.Size, "ephemeralStorage.size", 512, 10240, &cfg.EphemeralStorage.Size); err != nil {
			return err
		}
	}
	if in.TracingConfig != nil && in.TracingConfig.Mode != "" && in.TracingConfig.Mode != "PassThrough" {
		return wire.NotImplemented("lambda", "functions with TracingConfig "+in.TracingConfig.Mode)
	}
	if l := in.LoggingConfig; l != nil {
		if l.LogFormat != "" && l.LogFormat != "Text" {
			return wire.NotImplemented("lambda", "functions with LogFormat "+l.LogFormat)
		}
		if l.LogGroup != "" {
			cfg.LoggingConfig.LogGroup = l.LogGroup
		}
	}
	if in.Environment != nil {
		if err := checkEnvironment(in.Environment.Variables); err != nil {
			return err
		}
		cfg.Environment = nil
		if len(in.Environment.Variables) > 0 {
			cfg.Environment = &Environment{clone(in.Environment.Variables)}
		}
	}
	if in.Role == nil && create {
		return constraint("null", "role", "Member must not be null")
	}
	if in.Role != nil && *in.Role != cfg.Role {
		if err := c.passRole(*in.Role); err != nil {
			return err
		}
		cfg.Role = *in.Role
	}
	return nil
}

// passRole checks that the caller may hand the role to Lambda and that Lambda may assume it.
func (c *call) passRole(role string) error {
	if !roleForm.MatchString(role) {
		return constraint(role, "role", `Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`)
	}
	if err := c.Allow("iam:PassRole", role, map[string][]string{"iam:PassedToService": {"lambda.amazonaws.com"}}); err != nil {
		return err
	}
	if strings.Split(role, ":")[4] != c.Account {
		return failure(403, "AccessDeniedException", "Cross-account pass role is not allowed.")
	}
	_, err := c.s.o.Assume(role, "awslambda_check", "lambda.amazonaws.com")
	var e *wire.Error
	if errors.As(err, &e) {
		return invalidValue("The role defined for the function cannot be assumed by Lambda. (%s)", e.Message)
	}
	return err
}

func (cfg *Configuration) setArchitectures(list []string) error {
	if len(list) == 0 {
		return nil
	}
	if len(list) > 1 || list[0] != "x86_64" && list[0] != "arm64" {
		return constraint(strings.Join(list, ", "), "architectures", "Member must be one of [x86_64, arm64]")
	}
	cfg.Architectures = slices.Clone(list)
	return nil
}

func constraint(value, member, text string) error {
	if value != "null" {
		value = "'" + value + "'"
	}
	return failure(400, "ValidationException", "1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s", value, member, text)
}

func number(given *int, member string, low, high int, into *int) error {
	switch {
	case given == nil:
		return nil
	case *given < low:
		return constraint(strconv.Itoa(*given), member, "Member must have value greater than or equal to "+strconv.Itoa(low))
	case *given > high:
		return constraint(strconv.Itoa(*given), member, "Member must have value less than or equal to "+strconv.Itoa(high))
	}
	*into = *given
	return nil
}

// reserved are the variables that only Lambda sets.
var reserved = []string{"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
	"AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"}

var variableForm = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

const maxEnvironment = 4096 // bytes of all names and values

func checkEnvironment(vars map[string]string) error {
	const unable = "Lambda was unable to configure your environment variables because the environment variables you have provided "
	size := 0
	var taken []string
	for k, v := range vars {
		size += len(k) + len(v)
		if slices.Contains(reserved, k) {
			taken = append(taken, k)
		} else if !variableForm.MatchString(k) {
			return failure(400, "ValidationException", "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+] (%q)", k)
		}
		if strings.ContainsRune(v, 0) {
			return invalidValue(unable+"contain a zero byte in %s.", k)
		}
	}
	if len(taken) > 0 {
		slices.Sort(taken)
		return invalidValue(unable+"contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(taken, ", "))
	}
	if size > maxEnvironment {
		// AWS appends the values it measured; they may be secrets, so this text has their size only.
		return invalidValue(unable+"exceeded the 4KB limit. (%d bytes)", size)
	}
	return nil
}

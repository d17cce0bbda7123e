// Package logs is the local AWS's CloudWatch Logs, as far as reading goes: what functions wrote, by group and stream, in
// memory and bounded. Nothing can be put into it by its API, and functions log whether or not their role may: the
// policy AWSLambdaBasicExecutionRole is known but not needed.
package logs

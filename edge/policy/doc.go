// Package policy compiles and evaluates the policies of one gateway configuration: visual policies (validators), Rego
// and Cedar. Every language sees the same input document, {authn_ctx, contexts, request}, and the Lambda authorizer and
// the control plane's test bench run this same code.
//
// The package owns the meaning of a policy, the checks on save, the explanation of a decision, and the answer to "which
// parts of the input can change the outcome". It leaves to others: verifying tokens (edge/token), choosing the policy
// for a request and building the Input (edge/authorizer), storing policies (control/admin) and reading files
// (edge/policy/cases).
//
// Everything here denies unless a policy was evaluated, without error and before its deadline, to a clean "allow". The
// zero values of Decision, Result and Set deny.
//
// Who is trusted: the author of a policy decides who gets in, but must not be able to stop the process, reach the
// network or read another policy. The caller who sends the request is not trusted at all: nothing in an Input is ever
// read as a pattern, a reference or code.
package policy

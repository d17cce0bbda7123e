// Package runtimeapi talks to Lambda from inside the function: it takes invocations from the Runtime API
// ("Using the Lambda runtime API for custom runtimes") and, as an internal extension, the events of the Extensions API
// ("Using the Lambda Extensions API to create extensions").
//
// It owns the two conversations: one connection each, one request at a time on it, in the goroutine that waits for the
// answer. It leaves what an event means and what follows an answer to edge/authorizer.
//
// Who is trusted: whoever listens at AWS_LAMBDA_RUNTIME_API. It is Lambda itself, on the same machine; it hands us the
// events, so there is nothing that it could not have us decide.
package runtimeapi

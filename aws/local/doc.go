// Package local is a small AWS over HTTP, for the demo, for tests, and on its own as cmd/local-aws: API Gateway, Lambda,
// IAM, STS and EventBridge of any number of accounts and regions, in memory, for clients that use the real AWS SDKs.
//
// This package is the front door. It finds out which service, region and account a request is for, verifies its
// signature, and hands it to the service (packages apigateway, lambda, iam, events), which answers. It imports nothing
// of this module outside its own tree, so that it cannot share the misunderstandings of the programs it tests.
//
// It is no security boundary: whoever reaches its port can become an administrator by signing with any key that was not
// issued here, and functions run as processes of this machine. Listen on loopback.
package local

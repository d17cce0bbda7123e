// Package deploy holds what a customer installs the authorizer with, and what an operator runs the control plane with:
// role policies (iam), an AWS CLI script (cli), a SAM template (sam), a Terraform module (terraform), a Dockerfile, a
// compose file and a chart for Kubernetes (helm). It embeds the first four, so that the portal can show them filled in with the values of a gateway.
//
// The role policy has one source, iam/*.json. The script, the template and the module each carry it in their own
// language; the tests here compare them with it, and the tests of cmd/authorizer run the real discovery and attachment
// under it, and without each of its parts.
//
// No client secret passes through this package: what it renders asks for the secret where it runs, reads it from a file,
// or names where AWS keeps it.
package deploy

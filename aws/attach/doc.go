// Package attach puts the authorizer in front of the methods of bound API groups, and takes it away again.
//
// It owns the plan (which methods, from what to what), its execution, and what must be said about it: which stages have
// to be deployed, what was left alone and why, which permission is missing. It reads nothing: the model comes from
// aws/discover, the list of bound groups from the configuration.
//
// What it never does: touch OPTIONS; replace an authorizer, IAM or Cognito of somebody else unless told to; deploy;
// detach something it did not attach. docs/decisions has the reasons, and what happens when the stages of one REST API
// are not all bound.
package attach

// Package policy reads and evaluates policy documents in the language of AWS IAM: identity policies of roles and users,
// trust policies of roles, and the resource policies of functions. It holds no state and does no I/O; who has which
// policy is the business of packages iam and lambda.
//
// The zero Verdict denies. A document is parsed strictly: a member, operator or version that this package does not know
// is an error when the document is stored, never ignored when it is evaluated.
package policy

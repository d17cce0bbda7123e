// Package iam is the local AWS's IAM and STS: roles, users, their policies and access keys, role sessions, and the
// decision whether a principal may do something. Package policy reads and evaluates the documents; the front door
// (package local) verifies signatures with the keys this package issued.
//
// A principal without a policy that allows an action is denied. The one exception is spelt out: an access key that was
// not issued here belongs to an administrator of its account, as on a developer's machine nobody has created users yet.
package iam

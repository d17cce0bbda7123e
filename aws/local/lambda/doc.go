// Package lambda is the local AWS's Lambda: functions from zip archives, their resource policies, versions, aliases and
// concurrency, and the environments that run them.
//
// A function's bootstrap runs as an ordinary process of this machine, in a process group of its own, against a Runtime
// and Extensions API on loopback. Between invocations the group is stopped (SIGSTOP) and continued (SIGCONT), as AWS
// freezes an environment. There is no sandbox: a function can do what the user who runs the local AWS can do. A group
// that occupies more than the function's MemorySize is killed (on Linux). Run only code you would run yourself.
//
// Times that a function sees (deadlines, time-outs) are those of the real clock, because its process lives by it; times
// in records (LastModified) and the expiry of credentials follow Options.Now.
//
// Who may call is decided by package iam through wire.Call.Allow; who may invoke as a service by the resource policy
// kept here.
package lambda

// Lambda shares out processor time from outside of the machine that it gives a function: no cgroup says how much, so the
// Go runtime need not look after it, at the start and then again and again. It is a few percent of a cold start.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Command authorizer is the Lambda function: one zip, called by API Gateway as an authorizer and by EventBridge as a
// synchronisation. Its binary is named bootstrap and runs on provided.al2023.
//
// Everything is wired in main.go; settings.go reads the environment. The decision is in edge/authorizer.
package main

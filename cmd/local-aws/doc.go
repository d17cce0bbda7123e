// Command local-aws is the local AWS (aws/local) as a program: an endpoint for the AWS CLI, the SDKs and Lambda
// functions, on loopback, in memory. Package local is the AWS; this package has the flags and the ports.
package main

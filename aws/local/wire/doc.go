// Package wire holds what the simulated AWS services share: one authenticated call, the error that AWS would answer,
// the way one service calls another, and the clock.
//
// The front door (package local) reads a request, finds service, region and account from its SigV4 credential scope,
// verifies it and hands a Call to the service. Services know each other only through the types of this package.
package wire

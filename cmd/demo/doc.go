// Command demo runs the whole guide on one machine: it starts the control plane (bin/portcullis serve) and the local
// AWS (bin/local-aws) as a user would, puts a pet store behind API Gateway, and walks through every step by public
// interfaces only: the portal and the admin API on one side, AWS SDK calls on the other. It prints each step with what
// happened, in the guide's words, and then stays up with everything to copy and paste.
//
//	demo [--once] [--portal 127.0.0.1:8080] [--aws 127.0.0.1:4566] [--backend 127.0.0.1:8090]
//
// With --once it exits after the walk, non-zero unless every step was as expected. Nothing it makes outlives it: the
// database, the master key and the functions live in a temporary directory.
//
// It imports nothing of ours, so that it cannot take a short cut.
package main

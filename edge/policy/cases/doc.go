// Package cases reads and runs table tests of policies: a YAML file of policies and cases, each with an input and what
// is expected of the decision. The command line runs such files offline and in CI, the portal runs them in its test
// bench, and the golden cases of edge/policy are written in this format.
//
// The package owns the file format, the run, coverage and the JUnit report. It leaves evaluation to edge/policy, and
// reading files and printing to its callers. It is not linked into the Lambda.
package cases

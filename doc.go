// Package portcullis is the root of the module; it holds no code but the test of the import table (arch_test.go).
// Start reading at README.md, then docs/architecture.md.
package portcullis

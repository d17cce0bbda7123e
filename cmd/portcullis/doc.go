// Command portcullis is the control plane: `portcullis serve` is the server, the other commands prepare it. All wiring
// is in serve.go, top to bottom.
package main

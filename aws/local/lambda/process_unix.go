//go:build unix

package lambda

import (
	"os/exec"
	"syscall"
)

// inGroup gives the process a group of its own, so that what it starts is stopped, continued and killed with it.
func inGroup(cmd *exec.Cmd) { cmd.SysProcAttr = processAttributes() }

func signalGroup(pid int, sig syscall.Signal) { syscall.Kill(-pid, sig) }

package lambda

import "syscall"

// processAttributes also asks the kernel to kill the function's process when the local AWS dies without a chance to.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

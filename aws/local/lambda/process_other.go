//go:build unix && !linux

package lambda

import "syscall"

func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// Without /proc nobody tells cheaply what a process occupies: memory is neither limited nor reported.
func resident(int, bool) int64 { return 0 }
func peak(int) int64           { return 0 }

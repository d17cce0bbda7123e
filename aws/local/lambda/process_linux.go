package lambda

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// processAttributes also asks the kernel to kill the function's process when the local AWS dies without a chance to.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// maxTree bounds how many processes of one environment are looked at.
const maxTree = 1000

// resident is the memory in bytes that a process occupies now, with all its descendants when family is set. A process
// that is gone occupies none. Source: proc_pid_statm(5), proc_tid_children(5).
func resident(pid int, family bool) int64 {
	pids := []int{pid}
	total := int64(0)
	for i := 0; i < len(pids) && i < maxTree; i++ {
		base := "/proc/" + strconv.Itoa(pids[i])
		b, err := os.ReadFile(base + "/statm")
		if fields := strings.Fields(string(b)); err == nil && len(fields) > 1 {
			pages, _ := strconv.ParseInt(fields[1], 10, 64)
			total += pages * int64(os.Getpagesize())
		}
		if !family {
			break
		}
		tasks, _ := filepath.Glob(base + "/task/*/children") // no match: no such process
		for _, t := range tasks {
			b, err := os.ReadFile(t)
			if err != nil {
				continue
			}
			for f := range strings.FieldsSeq(string(b)) {
				if child, err := strconv.Atoi(f); err == nil {
					pids = append(pids, child)
				}
			}
		}
	}
	return total
}

// peak is the largest memory in bytes that a living process has occupied by itself so far.
func peak(pid int) int64 {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, _ := strconv.ParseInt(kb, 10, 64)
	return n << 10
}

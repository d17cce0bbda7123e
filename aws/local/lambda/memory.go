package lambda

import (
	"runtime"
	"syscall"
	"time"
)

// How often the memory of an environment at work is looked at: its first process every time, its whole family every
// tenth time. With more than memoryCrowd environments each has to wait longer, so that looking costs no more than with ten.
const (
	memoryInterval = 10 * time.Millisecond
	memoryCrowd    = 10
	familyEvery    = 10
)

// memoryPause is how long an environment is left alone now.
func (s *Service) memoryPause() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return memoryInterval * time.Duration(max(1, len(s.envs)/memoryCrowd))
}

// guardMemory kills the process group when it occupies more than MemorySize, as Lambda's kernel would. What a process takes
// and gives back within a few milliseconds can escape it. It ends with the process, and rests while that is frozen.
func (e *environment) guardMemory() {
	if runtime.GOOS != "linux" {
		return
	}
	limit, pid := int64(e.rev.config.MemorySize)<<20, e.cmd.Process.Pid
	for i := 0; ; i++ {
		e.await(nil, func() bool { return e.exited || !e.frozen })
		now := resident(pid, i%familyEvery == 0)
		e.mu.Lock()
		e.peak = max(e.peak, now)
		if now > limit && !e.exited {
			e.overMemory = true
			signalGroup(pid, syscall.SIGKILL)
		}
		ended := e.exited || e.overMemory
		e.mu.Unlock()
		if ended {
			return
		}
		time.Sleep(e.s.memoryPause())
	}
}

// memory is the largest size of the environment so far in MB, 0 where the system does not tell.
func (e *environment) memory() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.overMemory {
		return e.rev.config.MemorySize
	}
	if e.cmd != nil && !e.exited {
		e.peak = max(e.peak, peak(e.cmd.Process.Pid))
	}
	return int((e.peak + 1<<20 - 1) >> 20)
}

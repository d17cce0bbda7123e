package lambda

import (
	"os/exec"
	"runtime"
)

// spawner starts every process from one operating system thread that lives as long as the Service: Linux sends the
// parent-death signal when the thread that started a process ends, and Go ends threads as it likes.
type spawner struct {
	requests chan spawn
	done     chan struct{}
}

type spawn struct {
	cmd    *exec.Cmd
	result chan error
}

func newSpawner() *spawner {
	s := &spawner{make(chan spawn), make(chan struct{})}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for {
			select {
			case r := <-s.requests:
				r.result <- r.cmd.Start()
			case <-s.done:
				return
			}
		}
	}()
	return s
}

func (s *spawner) start(cmd *exec.Cmd) error {
	r := spawn{cmd, make(chan error, 1)}
	select {
	case s.requests <- r:
		return <-r.result
	case <-s.done:
		return exec.ErrNotFound
	}
}

func (s *spawner) close() { close(s.done) }

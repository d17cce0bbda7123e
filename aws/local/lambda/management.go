package lambda

import (
	"slices"
	"strings"
)

// Reset removes every function and ends its environments, those at work when they are done.
func (s *Service) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, f := range s.functions {
		delete(s.functions, key)
		s.retire(f)
		s.release(f.latest.code)
		for _, v := range f.versions {
			s.release(v.code)
		}
	}
	s.attempts, s.attemptIDs = map[string]*attempt{}, nil
}

// snapshot lists the environments there are.
func (s *Service) snapshot() []*environment {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*environment, 0, len(s.envs))
	for e := range s.envs {
		list = append(list, e)
	}
	return list
}

// FreezeNow stops every process, also those at work, and returns how many it stopped.
func (s *Service) FreezeNow() int {
	n := 0
	for _, e := range s.snapshot() {
		if e.freeze() {
			n++
		}
	}
	return n
}

// ThawNow lets the processes go on that are at work; idle ones stay frozen until their next invocation.
func (s *Service) ThawNow() int {
	idle := s.idle()
	n := 0
	for _, e := range s.snapshot() {
		if !idle[e] && e.thaw() {
			n++
		}
	}
	return n
}

// idle is the set of environments that wait for an invocation.
func (s *Service) idle() map[*environment]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	idle := map[*environment]bool{}
	for _, f := range s.functions {
		for _, e := range f.idle {
			idle[e] = true
		}
	}
	return idle
}

// EnvironmentInfo describes one environment to the management API.
type EnvironmentInfo struct {
	Function string `json:"function"` // ARN
	Version  string `json:"version"`
	Stream   string `json:"log_stream"`
	PID      int    `json:"pid,omitempty"`
	State    string `json:"state"` // "running", "frozen", "ended"
	Idle     bool   `json:"idle"`  // waits for an invocation
}

// Environments lists the environments there are, by function and stream.
func (s *Service) Environments() []EnvironmentInfo {
	out := []EnvironmentInfo{}
	idle := s.idle()
	for _, e := range s.snapshot() {
		info := EnvironmentInfo{Function: e.rev.fn.arn(e.rev.fn.partition), Version: e.rev.config.Version, Stream: e.stream, State: "running", Idle: idle[e]}
		e.mu.Lock()
		if e.cmd != nil {
			info.PID = e.cmd.Process.Pid
		}
		switch {
		case e.exited:
			info.State = "ended"
		case e.frozen:
			info.State = "frozen"
		}
		e.mu.Unlock()
		out = append(out, info)
	}
	slices.SortFunc(out, func(a, b EnvironmentInfo) int {
		return strings.Compare(a.Function+a.Stream, b.Function+b.Stream)
	})
	return out
}

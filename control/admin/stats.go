package admin

import "sync/atomic"

// counters are what Stats reads.
type counters struct{ builds, unchanged atomic.Int64 }

// Stats are counters since the process started.
type Stats struct {
	ConfigurationsBuilt int64 // documents made for gateways; polls share them
	PollsUnchanged      int64 // polls whose ETag was the current one
	LoginsThrottled     int64 // log-ins and changes of passwords that were refused because too many failed before
}

// Stats reads the counters.
func (a *Admin) Stats() Stats {
	return Stats{a.counters.builds.Load(), a.counters.unchanged.Load(), a.throttle.refusals()}
}

package specification

import "net/netip"

// IsPublic is public, for tests.
var IsPublic = public

// Judge makes a fetcher ask f which addresses are outside.
func Judge(to *Fetcher, f func(netip.Addr) bool) { to.judge = f }

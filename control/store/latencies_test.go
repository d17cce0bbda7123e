package store_test

import (
	"testing"

	"pgregory.net/rapid"

	"portcullis/control/store"
)

// TestLatencySlots: a slot's duration is never less than what went into it, and less than an eighth more.
func TestLatencySlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.Int64Range(-1, 1<<62).Draw(t, "us")
		if small := rapid.Int64Range(0, 1<<20).Draw(t, "small"); rapid.Bool().Draw(t, "is small") {
			us = small
		}
		slot := store.LatencySlot(us)
		d := store.SlotDuration(slot)
		if d < us || d-max(us, 0) > max(us, 0)/8 {
			t.Fatalf("%d is in slot %d of %d", us, slot, d)
		}
		if store.LatencySlot(d) != slot || us < 1<<62 && store.LatencySlot(d+1) != slot+1 {
			t.Fatalf("slot %d does not end at %d", slot, d)
		}
	})
}

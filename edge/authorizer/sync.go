package authorizer

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"portcullis/edge/waist"
)

// Sync is the work of a scheduled event, as functions: this package knows no AWS. Both must stop when their context
// ends and may be called again to go on where they stopped.
type Sync struct {
	// Discover looks at the account. A result that is not complete is not pushed, since an inventory replaces the one
	// before it.
	Discover func(ctx context.Context) (Discovery, error)
	// Attach brings the authorizer in front of the methods of the groups with these ids, and takes it away elsewhere.
	// nil means that nothing is attached.
	Attach func(ctx context.Context, w Wanted) (Attachment, error)
	// Plan writes down what Attach would do, in a format of the caller's choice; it changes nothing. nil means that there is
	// no plan to be had.
	Plan func(ctx context.Context, w Wanted, format string) (text string, notes []string, err error)
}

// Wanted is what Attach is to bring about.
type Wanted struct {
	Bound    []string           // ids of the bound API groups
	Revision int64              // of the configuration
	Caching  map[string]Caching // by group id; nil unless Options.Caching
}

// Discovery is what Discover found.
type Discovery struct {
	Groups   []waist.APIGroup
	Complete bool
	Problems []string // for people, e.g. which permission is missing
}

// Attachment is what Attach did.
type Attachment struct {
	Changed  int      // methods whose authorization was changed
	Redeploy []string // "{API name}/{stage}" whose edits are not deployed
	Problems []string
	Notes    []string         // what was left alone, and why
	Plan     []string         // what would be done, where nothing may be changed
	Groups   []waist.APIGroup // the inventory after the changes; nil when nothing changed
	Complete bool
}

// syncReport is the answer to a scheduled event, for the log and for whoever invokes it by hand.
type syncReport struct {
	OK         bool     `json:"ok"`
	Groups     int      `json:"api_groups"`
	Added      int      `json:"number_of_added_api_groups"`
	Complete   bool     `json:"complete"`
	Bound      int      `json:"bound_api_groups"`
	Revision   int64    `json:"revision"`
	Changed    int      `json:"changed_methods"`
	Redeploy   []string `json:"redeploy,omitempty"`
	Plan       []string `json:"plan,omitempty"`
	Notes      []string `json:"notes,omitempty"`
	Problems   []string `json:"problems,omitempty"`
	DurationMS int64    `json:"duration_ms"`
}

// syncMargin is kept for the report and the flush.
const syncMargin = 500 * time.Millisecond

// runSync discovers, pushes the inventory, fetches the configuration and attaches. A step that fails is reported and
// does not keep the later ones from what they can still do.
func (a *Authorizer) runSync(ctx context.Context) []byte {
	started := a.now()
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, left-min(syncMargin, left/5))
		defer cancel()
	}
	var rep syncReport
	problem := func(err error) { rep.Problems = append(rep.Problems, err.Error()) }
	rep.Complete = true
	if s := a.o.Sync; s != nil && s.Discover != nil {
		found, err := s.Discover(ctx)
		if err != nil {
			problem(err)
		}
		rep.Problems = append(rep.Problems, found.Problems...)
		rep.Groups, rep.Complete = len(found.Groups), err == nil && found.Complete
		if rep.Complete {
			if rep.Added, err = a.pushInventory(ctx, found.Groups); err != nil {
				problem(err)
			}
		}
	}
	if err := a.fresh.refreshSigned(ctx, firstTimeout); err != nil {
		problem(err)
	} else if err := a.fresh.save(ctx); err != nil {
		problem(err)
	}
	a.fresh.mu.Lock()
	snap, state := a.fresh.snap, a.fresh.state()
	a.fresh.mu.Unlock()
	if state == configUsable {
		want := a.wanted(ctx, snap)
		rep.Revision, rep.Bound = want.Revision, len(want.Bound)
		if s := a.o.Sync; s != nil && s.Attach != nil && rep.Complete {
			att, err := s.Attach(ctx, want)
			if err != nil {
				problem(err)
			}
			rep.Problems = append(rep.Problems, att.Problems...)
			rep.Changed, rep.Redeploy, rep.Plan, rep.Notes = att.Changed, att.Redeploy, att.Plan, att.Notes
			if att.Groups != nil { // so that the portal says "deploy" now, and not a minute later
				if _, err := a.pushInventory(ctx, att.Groups); err != nil {
					problem(err)
				}
			}
			rep.Complete = rep.Complete && err == nil && att.Complete
		}
	}
	a.queue.flush(ctx)
	rep.OK = len(rep.Problems) == 0
	rep.Problems, rep.Notes, rep.Redeploy = firstOf(rep.Problems), firstOf(rep.Notes), firstOf(rep.Redeploy)
	rep.DurationMS = a.now().Sub(started).Milliseconds()
	a.log.Info("synchronised", "ok", rep.OK, "complete", rep.Complete, "api_groups", rep.Groups, "added", rep.Added, "bound", rep.Bound,
		"changed_methods", rep.Changed, "redeploy", rep.Redeploy, "notes", rep.Notes, "problems", rep.Problems, "revision", rep.Revision, "ms", rep.DurationMS)
	a.syncs.Lock()
	a.syncs.last, a.syncs.at = &rep, started
	a.syncs.Unlock()
	b, err := json.Marshal(rep)
	if err != nil {
		return []byte(`{"ok":false}`)
	}
	return b
}

// maxReported bounds each list of a report: an account may have a thousand REST APIs with one permission missing for each.
const maxReported = 200

func firstOf(list []string) []string {
	if more := len(list) - maxReported; more > 0 {
		return append(list[:maxReported:maxReported], fmt.Sprintf("and %d more", more))
	}
	return list
}

func (a *Authorizer) wanted(ctx context.Context, snap *snapshot) Wanted {
	w := Wanted{Bound: make([]string, 0, len(snap.index.groups)), Revision: snap.cfg.Revision}
	for _, g := range snap.index.groups {
		w.Bound = append(w.Bound, g.id)
	}
	if a.o.Caching {
		w.Caching = a.caching(ctx, snap)
	}
	return w
}

// syncState is what one sync leaves for the next and for the self-check.
type syncState struct {
	sync.Mutex
	pushed   [sha256.Size]byte // of the inventory that the control plane took last
	pushedAt time.Time
	last     *syncReport
	at       time.Time
}

// pushAgainAfter is how long an unchanged inventory is kept back: the control plane may have lost it, or have been
// restored from a backup.
const pushAgainAfter = 5 * time.Minute

// pushInventory sends the inventory when it differs from the one before.
func (a *Authorizer) pushInventory(ctx context.Context, groups []waist.APIGroup) (added int, err error) {
	b, err := json.Marshal(groups)
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256(b)
	a.syncs.Lock()
	same := a.syncs.pushed == sum && !a.syncs.pushedAt.IsZero() && age(a.now(), a.syncs.pushedAt) < pushAgainAfter
	a.syncs.Unlock()
	if same {
		return 0, nil
	}
	res, err := a.o.Client.PushInventory(ctx, waist.Inventory{APIGroups: groups})
	if err != nil {
		return 0, err
	}
	a.syncs.Lock()
	a.syncs.pushed, a.syncs.pushedAt = sum, a.now()
	a.syncs.Unlock()
	return res.NumberOfAddedAPIGroups, nil
}

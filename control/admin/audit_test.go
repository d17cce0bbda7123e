package admin_test

import (
	"fmt"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/store"
)

// fill writes n audit records of a workspace, a second apart, as the past of a busy one.
func (w *world) fill(wid string, n int) {
	w.t.Helper()
	err := w.st.Tx(ctx, func(tx *store.Tx) error {
		for i := range n {
			at := w.clock.Now().Add(time.Duration(i-n) * time.Second)
			e := control.AuditEvent{ID: store.NewTimeID(at), TenantID: "default", WorkspaceID: wid, Subject: "policy", Action: "updated", TargetID: fmt.Sprint(i), ActorID: "joe", Timestamp: at}
			if err := tx.Audit(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestExportAudit hands out what the list pages through, whole and in order, and is recorded before it does.
func TestExportAudit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.fill("default", 250)
		from := w.clock.Now().Add(-200 * time.Second)
		w.clock.Add(time.Minute)
		for _, ascending := range []bool{false, true} {
			f := control.AuditFilter{Subjects: []string{"policy"}, ActorID: "joe", From: from, Ascending: ascending}
			var got []control.AuditEvent
			err := w.ExportAudit(ctx, w.root, "default", f, func(page []control.AuditEvent) error {
				if len(got) == 0 {
					if last := must(w.ListAudit(ctx, w.root, "default", control.AuditFilter{Limit: 1}))(t); last[0].Subject != "audit" || last[0].Action != "exported" || last[0].ActorID != "root" {
						t.Errorf("the export is not in the audit before it begins: %+v", last)
					}
				}
				got = append(got, page...)
				return nil
			})
			if err != nil || len(got) != 200 {
				t.Fatalf("%d records, %v; want 200", len(got), err)
			}
			for i := range got[1:] {
				if (got[i].ID < got[i+1].ID) != ascending {
					t.Fatalf("record %d is out of order", i)
				}
			}
			w.clock.Add(time.Second)
		}
		err := w.ExportAudit(ctx, w.root, "nowhere", control.AuditFilter{}, nil)
		refused(t, err, control.NotFound, "not_found")
	})
}

// TestAuditRetention: records go when they are too old, in every workspace, those that are gone included; younger ones
// stay; that they were removed is recorded.
func TestAuditRetention(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.fill("default", 2_500) // more than one transaction removes
		w.fill("gone-long-ago", 3)
		w.clock.Add(24 * time.Hour)
		must(w.CreateService(ctx, w.root, control.Service{WorkspaceID: "default", Name: "Young"}))(t)
		n, err := w.PruneAudit(ctx, 12*time.Hour)
		if err != nil || n < 2_503 {
			t.Fatal(n, err)
		}
		left := must(w.ListAudit(ctx, w.root, "default", control.AuditFilter{Limit: 100}))(t)
		if len(left) != 1 || left[0].Subject != "service" {
			t.Errorf("%+v", left)
		}
		said := must(w.ListAudit(ctx, w.root, "admin", control.AuditFilter{Subjects: []string{"audit"}, Limit: 100}))(t)
		of := map[string]bool{}
		for _, e := range said {
			of[e.TargetID] = e.Action == "deleted" && e.ActorID == "retention"
		}
		if !of["default"] || !of["gone-long-ago"] {
			t.Errorf("%+v", said)
		}
		if n, err := w.PruneAudit(ctx, 12*time.Hour); n != 0 || err != nil {
			t.Errorf("once more: %d, %v", n, err)
		}
	})
}

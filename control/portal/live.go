package portal

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/analytics"
)

// The bounds of the live view. A stream is short and the browser opens the next one by itself, so that roles and
// sessions are looked at anew, and a server that shuts down does not wait for it long.
const (
	liveRows    = 50               // on the page, and at most in one push
	livePeriod  = time.Second      // between two looks at the database
	liveStream  = 20 * time.Second // of one stream
	liveStreams = 64               // at once, in this process
	liveRefresh = "10"             // seconds, of the page that reloads itself without a script
)

// live is the page of the newest decisions. It follows by server-sent events where there is a script; else by a link
// that makes the browser load it anew.
func (p *portal) live(r *request) error {
	v := livePage{refresh: r.query("refresh") != ""}
	var err error
	if v.list, err = p.analytics.Recent(r.ctx(), r.actor, r.wid(), analytics.Filter{Limit: liveRows}); err != nil {
		return err
	}
	if len(v.list) > 0 {
		v.last = v.list[0].ID
	}
	if v.refresh {
		r.w.Header().Set("Refresh", liveRefresh)
	}
	return r.render(http.StatusOK, liveView(r.frame("Live decisions", "analytics"), clock{p.now()}, v))
}

// liveEvents is the stream: each event is one row of the table, its id the decision's. It continues behind Last-Event-ID,
// or behind the query's member last the first time.
func (p *portal) liveEvents(r *request) error {
	select {
	case p.streams <- struct{}{}:
		defer func() { <-p.streams }()
	default:
		e := control.Errorf(control.Unavailable, "", "Too many live views are open; try again later.")
		e.RetryAfter = 30
		return e
	}
	last := clip(nameOr(r.Header.Get("Last-Event-ID"), r.query("last")), 128)
	out := http.NewResponseController(r.w)
	r.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	r.w.Header().Set("X-Accel-Buffering", "no")
	if _, err := fmt.Fprint(r.w, "retry: 1000\n\n"); err != nil {
		return nil // the browser has left
	}
	end := time.NewTimer(liveStream)
	defer end.Stop()
	tick := time.NewTicker(livePeriod)
	defer tick.Stop()
	f := r.frame("", "analytics")
	for {
		list, err := p.analytics.Recent(r.ctx(), r.actor, r.wid(), analytics.Filter{After: nameOr(last, "0"), Limit: liveRows})
		if err != nil {
			return nil // the stream ends; the browser asks again and gets the error as an answer
		}
		for i := len(list) - 1; i >= 0; i-- {
			if err := liveEvent(r, f, list[i]); err != nil {
				return nil // the browser has left
			}
			last = list[i].ID
		}
		if err := out.Flush(); err != nil {
			return nil // the browser has left
		}
		select {
		case <-r.ctx().Done():
			return nil
		case <-end.C:
			return nil
		case <-tick.C:
		}
	}
}

// liveEvent writes one decision as an event.
func liveEvent(r *request, f frame, d analytics.Decision) error {
	var row strings.Builder
	if err := decisionRow(f, clock{r.p.now()}, d).Render(r.ctx(), &row); err != nil {
		return err
	}
	_, err := fmt.Fprintf(r.w, "id: %s\ndata: %s\n\n", d.ID, strings.NewReplacer("\r\n", "\ndata: ", "\n", "\ndata: ", "\r", "\ndata: ").Replace(row.String()))
	return err
}

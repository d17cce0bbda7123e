package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"portcullis/control/admin"
	"portcullis/control/analytics"
	"portcullis/control/store"
	"portcullis/control/web"
)

// metrics serves /metrics on an address of its own, and returns what the server counts its requests with: nil when
// --metrics-listen is not given. stop ends it.
func (c *serveCmd) metrics(st *store.Store, adm *admin.Admin, events *analytics.Analytics, logger *slog.Logger, out io.Writer) (m *web.Metrics, stop func(), err error) {
	if c.MetricsListen == "" {
		return nil, func() {}, nil
	}
	listener, err := listen(c.MetricsListen)
	if err != nil {
		return nil, nil, fmt.Errorf("--metrics-listen: %w", err)
	}
	m = &web.Metrics{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		m.Write(w)
		writeMetrics(w, st, adm, events)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: readHeaderTime, ReadTimeout: requestTime, WriteTimeout: requestTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn)}
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := server.Serve(listener); err != http.ErrServerClosed {
			logger.Error("metrics are no longer served", "error", err.Error())
		}
	})
	fmt.Fprintf(out, "Metrics: http://%s/metrics\n", listener.Addr())
	return m, func() { server.Close(); wait.Wait() }, nil
}

// writeMetrics writes what the parts of the server count, in the text format of Prometheus.
func writeMetrics(w io.Writer, st *store.Store, adm *admin.Admin, events *analytics.Analytics) {
	metric := func(name, kind, help string, value float64) {
		fmt.Fprintf(w, "# HELP portcullis_%s %s\n# TYPE portcullis_%s %s\nportcullis_%s %g\n", name, help, name, kind, name, value)
	}
	a := adm.Stats()
	metric("polls_unchanged_total", "counter", "Polls of authorizers that had the current configuration.", float64(a.PollsUnchanged))
	metric("configurations_built_total", "counter", "Configurations made for gateways; polls share them.", float64(a.ConfigurationsBuilt))
	metric("logins_throttled_total", "counter", "Log-ins refused because too many failed before.", float64(a.LoginsThrottled))
	e := events.Stats()
	metric("events_queued", "gauge", "Request events that wait to be stored.", float64(e.Queued))
	metric("events_accepted_total", "counter", "Request events that were stored.", float64(e.Accepted))
	metric("events_dropped_total", "counter", "Request events that were lost.", float64(e.Dropped))
	metric("events_shortened_total", "counter", "Request events that were stored in part.", float64(e.Shortened))
	write, read := st.Pools()
	for _, m := range []struct {
		name, kind, help string
		of               func(sql.DBStats) float64
	}{
		{"connections", "gauge", "Connections to the database.", func(s sql.DBStats) float64 { return float64(s.OpenConnections) }},
		{"connections_busy", "gauge", "Connections in use.", func(s sql.DBStats) float64 { return float64(s.InUse) }},
		{"waits_total", "counter", "How often a connection was waited for.", func(s sql.DBStats) float64 { return float64(s.WaitCount) }},
		{"wait_seconds_total", "counter", "How long connections were waited for.", func(s sql.DBStats) float64 { return s.WaitDuration.Seconds() }},
	} {
		fmt.Fprintf(w, "# HELP portcullis_database_%s %s\n# TYPE portcullis_database_%s %s\n", m.name, m.help, m.name, m.kind)
		fmt.Fprintf(w, "portcullis_database_%s{pool=\"write\"} %g\n", m.name, m.of(write))
		if st.Engine() == store.SQLite { // PostgreSQL has one pool for both
			fmt.Fprintf(w, "portcullis_database_%s{pool=\"read\"} %g\n", m.name, m.of(read))
		}
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	metric("goroutines", "gauge", "Goroutines of the server.", float64(runtime.NumGoroutine()))
	metric("heap_bytes", "gauge", "Memory in use by the server's objects.", float64(mem.HeapAlloc))
	fmt.Fprintf(w, "# HELP portcullis_build_info The program that runs.\n# TYPE portcullis_build_info gauge\nportcullis_build_info{version=%q,go=%q,database=%q} 1\n", version, runtime.Version(), st.Engine())
}

// pruneAuditEvery is how often old audit records are removed.
const pruneAuditEvery = time.Hour

// keepAudit removes audit records that are older than --audit-retention, now and every hour; stop waits for its end.
func (c *serveCmd) keepAudit(ctx context.Context, adm *admin.Admin, logger *slog.Logger) (stop func()) {
	if c.AuditRetention == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		every := time.NewTicker(pruneAuditEvery)
		defer every.Stop()
		for {
			if n, err := adm.PruneAudit(ctx, c.AuditRetention); err != nil && ctx.Err() == nil {
				logger.Error("old audit records were not removed", "error", err.Error())
			} else if n > 0 {
				logger.Info("old audit records were removed", "records", n, "retention", c.AuditRetention.String())
			}
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
		}
	})
	return func() { cancel(); wait.Wait() }
}

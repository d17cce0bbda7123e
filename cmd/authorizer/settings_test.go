package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

func with(pairs ...string) func(string) string {
	m := map[string]string{"ACP_CLIENT_ID": "gw", "ACP_CLIENT_SECRET": "secret", "ACP_ISSUER_URL": "https://acp.example.com/default/system"}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(k string) string { return m[k] }
}

func TestDefaults(t *testing.T) {
	s, err := readSettings(with())
	if err != nil {
		t.Fatal(err)
	}
	want := settings{ClientID: "gw", ClientSecret: "secret", IssuerURL: "https://acp.example.com/default/system",
		RefreshInterval: 5 * time.Second, MaxStaleness: time.Hour, LogLevel: slog.LevelInfo, CreateAuthorizer: true}
	if s != want {
		t.Errorf("%+v", s)
	}
}

// TestSettings: the guide's names, the later ones, and which of them wins.
func TestSettings(t *testing.T) {
	seconds := func(s settings) any { return s.RefreshInterval.Seconds() }
	analytics := func(s settings) any { return !s.NoAnalytics }
	inject := func(s settings) any { return s.InjectContext }
	level := func(s settings) any { return s.LogLevel.String() }
	cases := []struct {
		env  []string
		read func(settings) any
		want any
	}{
		{[]string{"CONFIG_REFRESH_INTERVAL", "7"}, seconds, 7.0},
		{[]string{"CONFIG_REFRESH_INTERVAL", "7s"}, seconds, 7.0},
		{[]string{"CONFIG_REFRESH_INTERVAL", "5 seconds"}, seconds, 5.0},
		{[]string{"CONFIG_REFRESH_INTERVAL", "1 second"}, seconds, 1.0},
		{[]string{"CONFIG_REFRESH_INTERVAL", " 2 Minutes "}, seconds, 120.0},
		{[]string{"CONFIG_REFRESH_INTERVAL", "1m30s"}, seconds, 90.0},
		{[]string{"CONFIG_REFRESH_INTERVAL", "2 s"}, seconds, 2.0},
		{[]string{"ACP_RELOAD_INTERVAL", "10s"}, seconds, 10.0},
		{[]string{"ACP_RELOAD_INTERVAL", "10s", "CONFIG_REFRESH_INTERVAL", "20"}, seconds, 20.0},
		{[]string{"DISABLE_ANALYTICS", "true"}, analytics, false},
		{[]string{"DISABLE_ANALYTICS", "false"}, analytics, true},
		{[]string{"ANALYTICS_ENABLED", "false"}, analytics, false},
		{[]string{"ANALYTICS_ENABLED", "true"}, analytics, true},
		{[]string{"ANALYTICS_ENABLED", "false", "DISABLE_ANALYTICS", "false"}, analytics, true},
		{[]string{"INJECT_CONTEXT", "true"}, inject, true},
		{[]string{"INJECT_CONTEXT", "TRUE"}, inject, true},
		{[]string{"AWS_INJECT_CONTEXT", "1"}, inject, true},
		{[]string{"LOGGING_LEVEL", "debug"}, level, "DEBUG"},
		{[]string{"LOGGING_LEVEL", "Warn"}, level, "WARN"},
		{[]string{"LOGGING_LEVEL", "trace"}, level, "DEBUG-4"},
	}
	for _, c := range cases {
		s, err := readSettings(with(c.env...))
		if err != nil {
			t.Errorf("%v: %v", c.env, err)
		} else if got := c.read(s); got != c.want {
			t.Errorf("%v: %v, want %v", c.env, got, c.want)
		}
	}
}

// TestMistakes: each malformed value stops the start, all at once, by name and without the value.
func TestMistakes(t *testing.T) {
	for name, value := range map[string]string{
		"CONFIG_REFRESH_INTERVAL": "soon", "ACP_RELOAD_INTERVAL": "5 fortnights", "CONFIG_MAX_STALENESS": "-1s", "DISABLE_ANALYTICS": "yess", "ANALYTICS_ENABLED": "2",
		"INJECT_CONTEXT": "maybe", "AWS_INJECT_CONTEXT": "maybe", "LOGGING_LEVEL": "loud", "ENFORCEMENT_ALLOW_UNKNOWN": "perhaps", "AWS_CREATE_AUTHORIZER": "nope",
		"AWS_REPLACE_AUTHORIZERS": "x", "AWS_AUTHORIZER_TTL": "3601", "AWS_ATTACH_UNBOUND_STAGES": "x", "HTTP_CLIENT_INSECURE_SKIP_VERIFY": "x", "AWS_HTTP_API_RESPONSE": "complex",
		"ACP_CLIENT_ID": "", "ACP_CLIENT_SECRET": " ", "ACP_ISSUER_URL": "",
	} {
		_, err := readSettings(with(name, value))
		if err == nil || !strings.HasPrefix(err.Error(), name+" ") {
			t.Errorf("%s=%q: %v", name, value, err)
		} else if len(value) > 2 && strings.Contains(err.Error(), value) {
			t.Errorf("%s: the value is repeated: %v", name, err)
		}
	}
	_, err := readSettings(func(string) string { return "?" })
	if err == nil || strings.Count(err.Error(), "\n") < 5 {
		t.Errorf("not all mistakes at once: %v", err)
	}
	for _, bad := range [][]string{{"CONFIG_REFRESH_INTERVAL", "0"}, {"CONFIG_REFRESH_INTERVAL", "100h"}, {"CONFIG_MAX_STALENESS", "2s"}} {
		if _, err := readSettings(with(bad...)); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

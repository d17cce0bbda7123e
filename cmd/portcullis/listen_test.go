package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// certify writes a certificate for 127.0.0.1 with its key, and returns it.
func certify(t *testing.T, dir string, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// TestTLS: https with TLS 1.2 and newer and HTTP/2; a renewed certificate is taken up, a broken one is not.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert := certify(t, dir, 1)
	s := start(t, "--database", "sqlite://"+filepath.Join(dir, "tls.db"), "--master-key-file", environment(t),
		"--tls-cert", filepath.Join(dir, "cert.pem"), "--tls-key", filepath.Join(dir, "key.pem"))
	if !strings.Contains(strings.Join(s.greet, "\n"), "Portal: https://127.0.0.1:") {
		t.Errorf("%q", s.greet)
	}
	get := func(root *x509.Certificate, most uint16) (*http.Response, error) {
		pool := x509.NewCertPool()
		pool.AddCert(root)
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: most}, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get(strings.Replace(s.url, "http://", "https://", 1) + "/default/default/.well-known/openid-configuration")
		if err == nil {
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != 200 || !strings.Contains(string(body), `"issuer":"https://127.0.0.1:`) || resp.Header.Get("Strict-Transport-Security") == "" {
				t.Errorf("%s %s", resp.Status, body)
			}
		}
		return resp, err
	}
	if resp, err := get(cert, 0); err != nil || resp.ProtoMajor != 2 || resp.TLS.Version != tls.VersionTLS13 {
		t.Fatalf("%+v, %v", resp, err)
	}
	if resp, err := get(cert, tls.VersionTLS12); err != nil || resp.TLS.Version != tls.VersionTLS12 {
		t.Errorf("TLS 1.2: %v", err)
	}
	if _, err := get(cert, tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if resp, err := http.Get(s.url + "/healthz"); err == nil {
		if resp.Body.Close(); resp.StatusCode != 400 {
			t.Errorf("plain HTTP is answered %d", resp.StatusCode)
		}
	}

	eventually := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal(what)
			}
		}
	}
	renewed := certify(t, dir, 2)
	eventually("a renewed certificate is not taken up", func() bool { _, err := get(renewed, 0); return err == nil })
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("not a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(checkEvery + 50*time.Millisecond) // the files are looked at again from now on
	if _, err := get(renewed, 0); err != nil {
		t.Errorf("a broken file ended the service: %v", err)
	}
	last := certify(t, dir, 3)
	eventually("a repaired certificate is not taken up", func() bool { _, err := get(last, 0); return err == nil })
}

// TestServeRefusesHalfOfTLS before it listens.
func TestServeRefusesHalfOfTLS(t *testing.T) {
	dir, key := t.TempDir(), environment(t)
	certify(t, dir, 1)
	db := "sqlite://" + filepath.Join(dir, "x.db")
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--tls-cert", filepath.Join(dir, "cert.pem")}, "go together"},
		{[]string{"--tls-cert", filepath.Join(dir, "none.pem"), "--tls-key", filepath.Join(dir, "key.pem")}, "none.pem"},
		{[]string{"--tls-cert", filepath.Join(dir, "key.pem"), "--tls-key", filepath.Join(dir, "cert.pem")}, "cannot be used"},
		{[]string{"--audit-retention", "1h"}, "less than a day"},
		{[]string{"--metrics-listen", "nowhere:x"}, "--metrics-listen"},
	} {
		err := run(t.Context(), append([]string{"serve", "--listen", "127.0.0.1:0", "--database", db, "--master-key-file", key}, c.args...), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
}

// TestMetrics: what the server counts is on an address of its own, in a form that Prometheus reads, and not on the public one.
func TestMetrics(t *testing.T) {
	s := start(t, "--database", "sqlite://"+filepath.Join(t.TempDir(), "m.db"), "--master-key-file", environment(t), "--metrics-listen", "127.0.0.1:0")
	var address string
	for _, line := range s.greet {
		if a, ok := strings.CutPrefix(line, "Metrics: "); ok {
			address = a
		}
	}
	admin := s.token("admin", testClient, testSecret)
	s.call(admin, "GET", "/api/admin/default/servers", nil, 200, nil)
	s.call("", "GET", "/api/admin/default/servers", nil, 401, nil)
	var gw struct {
		id
		ClientID string `json:"client_id"`
		Client   struct {
			Secret string `json:"client_secret"`
		} `json:"client"`
	}
	s.call(admin, "POST", "/api/admin/default/gateways", map[string]any{"name": "AWS", "type": "aws", "server_id": "default"}, 201, &gw)
	gateway := s.token("system", gw.ClientID, gw.Client.Secret)
	const poll = "/api/system/default/gateways/configuration"
	tag := s.call(gateway, "GET", poll, nil, 200, nil).Get("ETag")
	for range 3 {
		s.call(gateway, "GET", poll, nil, 304, nil, "If-None-Match", tag)
	}
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, want := range []string{
		`portcullis_requests_total{surface="admin",status="2xx"} 2`, `portcullis_requests_total{surface="admin",status="4xx"} 1`,
		`portcullis_requests_total{surface="system",status="304"} 3`, `portcullis_requests_total{surface="issuer",status="2xx"} 2`,
		`portcullis_request_duration_seconds_count{surface="system"} 4`, "portcullis_polls_unchanged_total 3", "portcullis_configurations_built_total 1",
		"portcullis_events_queued 0", "portcullis_events_dropped_total 0", `portcullis_database_connections{pool="write"} 1`, "portcullis_logins_throttled_total 0",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	// Every line is a comment or a sample, and every sample's family was declared before it.
	sample := regexp.MustCompile(`^([a-z_]+?)(_bucket|_sum|_count)?(\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\})? -?[0-9.e+-]+$`)
	declared := map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ = strings.Cut(name, " ")
			if declared[name] {
				t.Errorf("%s is declared twice", name)
			}
			declared[name] = true
			continue
		}
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil || !declared[m[1]] && !declared[m[1]+m[2]] {
			t.Errorf("not a sample: %q", line)
		}
	}
	if resp, err := http.Get(s.url + "/metrics"); err != nil || resp.StatusCode != 404 {
		t.Errorf("the public address answers /metrics: %v, %v", resp.Status, err)
	}
}

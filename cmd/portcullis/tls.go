package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// listen listens on --listen, with TLS where a certificate is given.
func (c *serveCmd) listen(logger *slog.Logger) (net.Listener, error) {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return nil, errors.New("--tls-cert and --tls-key go together")
	}
	if c.TLSCert == "" {
		return listen(c.Listen)
	}
	keeper := &certificate{cert: c.TLSCert, key: c.TLSKey, log: logger}
	if err := keeper.load(); err != nil {
		return nil, err
	}
	plain, err := listen(c.Listen)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(plain, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: keeper.get, NextProtos: []string{"h2", "http/1.1"}}), nil
}

// scheme is that of the address which is derived from --listen.
func (c *serveCmd) scheme() string {
	if c.TLSCert != "" {
		return "https"
	}
	return "http"
}

// certificate is a certificate with its key, read again when a file has changed: renewals are taken up by the next
// handshake. One that cannot be read leaves the last good one in use.
type certificate struct {
	cert, key string // files
	log       *slog.Logger

	mu      sync.Mutex
	loaded  *tls.Certificate
	stamp   [2]fileStamp
	checked time.Time
}

type fileStamp struct {
	at   time.Time
	size int64
}

// checkEvery bounds how often the files are looked at.
const checkEvery = time.Second

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.checked) >= checkEvery || now.Before(c.checked) {
		c.checked = now
		if stamp, err := c.stamps(); err != nil {
			c.log.Warn("the TLS certificate cannot be looked at; the last one stays in use", "error", err.Error())
		} else if stamp != c.stamp {
			if err := c.reload(stamp); err != nil {
				c.log.Warn("the new TLS certificate cannot be used; the last one stays in use", "error", err.Error())
			} else {
				c.log.Info("a new TLS certificate is in use", "file", c.cert, "not_after", c.loaded.Leaf.NotAfter)
			}
		}
	}
	return c.loaded, nil
}

// load reads the files for the first time.
func (c *certificate) load() error {
	stamp, err := c.stamps()
	if err == nil {
		err = c.reload(stamp)
	}
	if err != nil {
		return fmt.Errorf("the TLS certificate in %s with the key in %s cannot be used: %w", c.cert, c.key, err)
	}
	return nil
}

func (c *certificate) stamps() (out [2]fileStamp, err error) {
	for i, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return out, err
		}
		out[i] = fileStamp{info.ModTime(), info.Size()}
	}
	return out, nil
}

func (c *certificate) reload(stamp [2]fileStamp) error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.loaded, c.stamp = &pair, stamp
	return nil
}

package apigateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Lifetimes of connections. Source: "Quotas for configuring and running a WebSocket API in API Gateway".
const (
	wsIdle     = 10 * time.Minute // without a frame in either direction
	wsDuration = 2 * time.Hour    // at all
)

const (
	maxConnections = 10_000
	maxPending     = 16          // messages of one connection that wait for the one before
	sweepEvery     = time.Second // how often the injected clock is looked at while there are connections
)

// wsConn is one client's connection. What the $connect route learned stays with it: nobody is authorized again.
type wsConn struct {
	svc       *Service
	id        string
	api       string
	stage     string
	request   *http.Request // the opening handshake, without its body; outlives its context
	opened    time.Time
	last      atomic.Int64 // when a frame came or went, Unix nanoseconds on the injected clock
	auth      *authAnswer  // nil without a Lambda authorizer
	authMS    int64
	connected chan struct{} // closed when sock is set, or the handshake failed
	sock      *socket       // nil after a handshake that failed

	mu  sync.Mutex
	end *closed // how it ended or is ending; the first cause stays
}

// sockets are the open connections of a Service.
type sockets struct {
	ctx    context.Context // of everything that a connection causes
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	sweeping bool
	open     map[string]*wsConn // :: connection id → connection
}

func newSockets() *sockets {
	s := &sockets{open: map[string]*wsConn{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close ends every WebSocket connection, without $disconnect, and returns when nothing of them runs any more. Requests
// for new ones are refused from then on.
func (s *Service) Close() {
	s.sockets.mu.Lock()
	s.sockets.closed = true
	s.sockets.cancel()
	for _, c := range s.sockets.open {
		s.sockets.wg.Go(func() {
			if c.hangUp(&closed{code: closeGoingAway, reason: "Going away"}); c.sock != nil {
				c.sock.conn.Close() // nobody waits for the answer
			}
		})
	}
	s.sockets.mu.Unlock()
	s.sockets.wg.Wait()
}

// Tick ends the WebSocket connections whose time is over on the injected clock. While there are connections, it also
// happens by itself every second.
func (s *Service) Tick() {
	now := s.opt.Now()
	s.endSockets("Going away", func(c *wsConn) bool {
		return now.Sub(time.Unix(0, c.last.Load())) >= wsIdle || now.Sub(c.opened) >= wsDuration
	})
}

// endSockets closes the connections that which picks, with code 1001. It does not wait.
func (s *Service) endSockets(reason string, which func(*wsConn) bool) {
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	if s.sockets.closed {
		return
	}
	for _, c := range s.sockets.open {
		if which(c) {
			s.sockets.wg.Go(func() { c.hangUp(&closed{code: closeGoingAway, reason: reason}) })
		}
	}
}

// add registers a connection before the client learns that it has one, so that no request about it comes too early.
func (s *Service) addSocket(c *wsConn) bool {
	p := s.sockets
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.open) >= maxConnections {
		return false
	}
	p.open[c.id] = c
	if !p.sweeping {
		p.sweeping = true
		p.wg.Go(s.sweep)
	}
	return true
}

// sweep runs while there are connections.
func (s *Service) sweep() {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-s.sockets.ctx.Done():
			return
		case <-t.C:
		}
		s.Tick()
		s.sockets.mu.Lock()
		done := len(s.sockets.open) == 0
		s.sockets.sweeping = !done
		s.sockets.mu.Unlock()
		if done {
			return
		}
	}
}

func (s *Service) removeSocket(c *wsConn) {
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	delete(s.sockets.open, c.id)
}

// socket finds a connection of a stage, once its handshake is over. Nil: there is none.
func (s *Service) socket(ctx context.Context, api, stage, id string) *wsConn {
	s.sockets.mu.Lock()
	c := s.sockets.open[id]
	s.sockets.mu.Unlock()
	if c == nil || c.api != api || c.stage != stage {
		return nil
	}
	select {
	case <-c.connected:
	case <-ctx.Done():
		return nil
	}
	if c.sock == nil {
		return nil
	}
	return c
}

func (c *wsConn) touch() { c.last.Store(c.svc.opt.Now().UnixNano()) }

// send writes a text message.
func (c *wsConn) send(op byte, message []byte) error {
	c.touch()
	return c.sock.writeMessage(op, message)
}

// hangUp ends the connection from this side. $disconnect follows from the reader.
func (c *wsConn) hangUp(why *closed) {
	<-c.connected
	if c.sock != nil && c.ended(why) == why {
		c.sock.sayClose(why)
	}
}

// ended notes why the connection ends and returns the first reason noted. Nil only asks.
func (c *wsConn) ended(why *closed) *closed {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil {
		c.end = why
	}
	return c.end
}

// run serves an established connection: one goroutine reads, this one handles the messages in their order, and then
// the $disconnect route is told.
func (c *wsConn) run() {
	messages := make(chan []byte, maxPending)
	c.svc.sockets.wg.Go(func() {
		defer close(messages)
		c.read(messages)
	})
	for m := range messages {
		c.svc.serveMessage(c, m)
	}
	c.svc.removeSocket(c)
	if c.svc.sockets.ctx.Err() == nil {
		c.svc.serveDisconnect(c, c.ended(nil))
	}
}

// read hands messages on until the connection is over, and closes it.
func (c *wsConn) read(messages chan<- []byte) {
	defer c.sock.conn.Close()
	for {
		m, err := c.sock.readMessage()
		var end *closed
		switch {
		case err == nil:
			if c.ended(nil) != nil {
				continue // this side has said close; the rest is read only to let the peer answer
			}
			select {
			case messages <- m:
			case <-c.svc.sockets.ctx.Done():
				return
			}
			continue
		case !errors.As(err, &end):
			c.ended(&closed{code: closeAbnormal, reason: "Connection closed abnormally"})
			return
		}
		if c.ended(end) != end {
			return // the answer to the close frame of this side
		}
		c.sock.sayClose(end)
		if !end.peer {
			// What is on its way is read, for a moment, or the close frame would be lost with the connection's reset.
			io.Copy(io.Discard, io.LimitReader(c.sock.r, 1<<20))
		}
		return
	}
}

package runtimeapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	// maxBody bounds an answer of Lambda in bytes; an event has at most 6 MB ("Lambda quotas").
	maxBody = 8 << 20
	// answerTimeout bounds everything but the wait for the next event, which has no end by design.
	answerTimeout = 10 * time.Second
	dialTimeout   = 2 * time.Second
)

// conn is one kept HTTP/1.1 connection for one request at a time.
//
// An http.Client hands each request to a goroutine that writes and each answer to one that reads. Here nobody else has
// anything to do meanwhile, and the four switches cost more than a decision does (docs/decisions/0050). How a message is
// framed stays net/http's business: the answer is read by http.ReadResponse.
type conn struct {
	addr string // host:port
	c    net.Conn
	r    *bufio.Reader
	out  []byte // the request's bytes, reused
}

// call is one request. header is none or more lines, each ended by CR LF, made by this package.
type call struct {
	method, path, header string
	body                 []byte
	endless              bool // waits for an event: no time limit but the context's
}

// answer is a response with its whole body.
type answer struct {
	status int
	header http.Header
	body   []byte
}

var errStale = errors.New("the connection was closed before an answer began")

// do sends a call and reads the answer. A kept connection may have been closed by the other side meanwhile; then the
// call is repeated once on a new one. That is safe for all calls here: an event that was handed out and lost is
// Lambda's to hand out again or to time out, and a second answer to one request is refused.
func (c *conn) do(ctx context.Context, q call) (answer, error) {
	kept := c.c != nil
	a, err := c.once(ctx, q)
	if err != nil && kept && errors.Is(err, errStale) && ctx.Err() == nil {
		a, err = c.once(ctx, q)
	}
	if err != nil {
		return answer{}, fmt.Errorf("%s %s: %w", q.method, q.path, err)
	}
	return a, nil
}

// connect makes sure that there is a connection.
func (c *conn) connect(ctx context.Context) error {
	if c.c != nil {
		return nil
	}
	d := net.Dialer{Timeout: dialTimeout}
	n, err := d.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return err
	}
	c.c, c.r = n, bufio.NewReaderSize(n, 16<<10)
	return nil
}

func (c *conn) once(ctx context.Context, q call) (a answer, err error) {
	if err := c.connect(ctx); err != nil {
		return answer{}, err
	}
	keep := false
	defer func() {
		if !keep {
			c.close()
		}
	}()
	var deadline time.Time
	if !q.endless {
		deadline = time.Now().Add(answerTimeout)
	}
	if err := c.c.SetDeadline(deadline); err != nil {
		return answer{}, err
	}
	if ctx.Done() != nil {
		now := c.c
		stop := context.AfterFunc(ctx, func() { _ = now.SetDeadline(time.Unix(1, 0)) })
		defer func() {
			if !stop() {
				keep = false // the deadline may yet be set
				if err != nil {
					err = context.Cause(ctx)
				}
			}
		}()
	}
	if _, err := c.c.Write(c.request(q)); err != nil {
		return answer{}, errors.Join(errStale, err)
	}
	if _, err := c.r.Peek(1); err != nil {
		return answer{}, errors.Join(errStale, err)
	}
	res, err := http.ReadResponse(c.r, methods[q.method])
	if err != nil {
		return answer{}, err
	}
	a = answer{status: res.StatusCode, header: res.Header}
	if a.body, err = readBody(res); err != nil {
		return answer{}, err
	}
	keep = !res.Close
	return a, nil
}

// methods are what http.ReadResponse has to know of the request.
var methods = map[string]*http.Request{
	http.MethodGet: {Method: http.MethodGet}, http.MethodPost: {Method: http.MethodPost},
}

func readBody(res *http.Response) ([]byte, error) {
	defer res.Body.Close()
	switch n := res.ContentLength; {
	case n > maxBody:
	case n >= 0:
		b := make([]byte, n)
		_, err := io.ReadFull(res.Body, b)
		return b, err
	default:
		b, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
		if err != nil || len(b) <= maxBody {
			return b, err
		}
	}
	return nil, fmt.Errorf("the answer is larger than %d bytes", maxBody)
}

func (c *conn) request(q call) []byte {
	b := append(c.out[:0], q.method...)
	b = append(b, ' ')
	b = append(b, q.path...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, c.addr...)
	b = append(b, "\r\nUser-Agent: portcullis-authorizer\r\n"...)
	b = append(b, q.header...)
	if q.method == http.MethodPost {
		b = append(b, "Content-Type: application/json\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(q.body)), 10)
		b = append(b, "\r\n"...)
	}
	b = append(b, "\r\n"...)
	b = append(b, q.body...)
	c.out = b
	return b
}

func (c *conn) close() {
	if c.c != nil {
		_ = c.c.Close()
		c.c, c.r = nil, nil
	}
}

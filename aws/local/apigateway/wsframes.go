package apigateway

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// The WebSocket protocol (RFC 6455) as far as a server of API Gateway speaks it: no extensions, text in, text out.
// Everything that a client sends is untrusted: a length is checked before memory is taken for it.

// Limits of WebSocket APIs. Source: "Quotas for configuring and running a WebSocket API in API Gateway".
const (
	maxFrame   = 32 << 10  // bytes of payload in one frame
	maxMessage = 128 << 10 // bytes of a message, all frames together
)

// Opcodes and close codes. Source: RFC 6455, sections 5.2 and 7.4.1.
const (
	opContinuation, opText, opBinary, opClose, opPing, opPong = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

	closeNormal, closeGoingAway, closeProtocol, closeUnsupported = 1000, 1001, 1002, 1003
	closeNoStatus, closeAbnormal, closeInvalid, closeTooBig      = 1005, 1006, 1007, 1009
)

const (
	wsWriteTimeout = 10 * time.Second // for a peer that does not read
	wsCloseTimeout = 2 * time.Second  // for the peer's half of the closing handshake
)

// closed is the end of a connection: the code and reason that either side gave.
type closed struct {
	code   int
	reason string
	peer   bool // the other side closed, so that it is answered instead of told
}

func (c *closed) Error() string { return c.reason }

func violation(reason string) *closed { return &closed{code: closeProtocol, reason: reason} }

// socket is one connection after the handshake. One goroutine reads; any may write.
type socket struct {
	conn   net.Conn
	r      *bufio.Reader
	active func() // called for every frame that arrives

	mu        sync.Mutex // held while writing
	saidClose bool
}

// wsAccept is the value of Sec-WebSocket-Accept for a key. Source: RFC 6455, section 4.2.2.
func wsAccept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// wsHandshake checks the client's half of the opening handshake. 0 means that it is one.
func wsHandshake(r *http.Request) (status int, why string) {
	if r.ProtoMajor != 1 || r.ProtoMinor < 1 || !hasToken(r.Header["Connection"], "upgrade") || !hasToken(r.Header["Upgrade"], "websocket") {
		return http.StatusUpgradeRequired, "Upgrade Required"
	}
	if r.Method != http.MethodGet {
		return http.StatusBadRequest, "Bad Request"
	}
	if r.Header.Get("Sec-WebSocket-Version") != "13" {
		return http.StatusUpgradeRequired, "Upgrade Required"
	}
	if key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key")); err != nil || len(key) != 16 || len(r.Header["Sec-Websocket-Key"]) != 1 {
		return http.StatusBadRequest, "Bad Request"
	}
	return 0, ""
}

func hasToken(values []string, token string) bool {
	for _, v := range values {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// readMessage returns the next text message. Pings are answered on the way. The error is a *closed where the protocol
// or the peer says how it ended, else the connection's.
func (s *socket) readMessage() ([]byte, error) {
	var message []byte
	started := false
	for {
		op, fin, payload, err := s.readFrame()
		if err != nil {
			return nil, err
		}
		s.active()
		switch op {
		case opPing:
			if err := s.writeFrame(opPong, payload); err != nil {
				return nil, err
			}
			continue
		case opPong:
			continue
		case opClose:
			return nil, peerClosed(payload)
		case opBinary:
			return nil, &closed{code: closeUnsupported, reason: "Binary frames are not supported"}
		case opText:
			if started {
				return nil, violation("A new message began before the last one ended")
			}
			started = true
		case opContinuation:
			if !started {
				return nil, violation("A continuation without a message")
			}
		}
		if len(message)+len(payload) > maxMessage {
			return nil, &closed{code: closeTooBig, reason: "Message too long"}
		}
		message = append(message, payload...)
		if !fin {
			continue
		}
		if !utf8.Valid(message) {
			return nil, &closed{code: closeInvalid, reason: "Text is not UTF-8"}
		}
		return message, nil
	}
}

// readFrame reads one frame and unmasks it. Source: RFC 6455, section 5.2.
func (s *socket) readFrame() (op byte, fin bool, payload []byte, err error) {
	var head [2]byte
	if _, err = io.ReadFull(s.r, head[:]); err != nil {
		return 0, false, nil, err
	}
	op, fin = head[0]&0x0f, head[0]&0x80 != 0
	size := uint64(head[1] & 0x7f)
	switch {
	case head[0]&0x70 != 0:
		return 0, false, nil, violation("Reserved bits are set")
	case op > opBinary && op < opClose || op > opPong:
		return 0, false, nil, violation("Unknown opcode")
	case head[1]&0x80 == 0:
		return 0, false, nil, violation("Frames from a client must be masked")
	case op >= opClose && (!fin || size > 125):
		return 0, false, nil, violation("Control frames have at most 125 bytes and are not fragmented")
	}
	switch size {
	case 126:
		var b [2]byte
		if _, err = io.ReadFull(s.r, b[:]); err != nil {
			return 0, false, nil, err
		}
		if size = uint64(binary.BigEndian.Uint16(b[:])); size < 126 {
			return 0, false, nil, violation("The length is not in its shortest form")
		}
	case 127:
		var b [8]byte
		if _, err = io.ReadFull(s.r, b[:]); err != nil {
			return 0, false, nil, err
		}
		if size = binary.BigEndian.Uint64(b[:]); size < 1<<16 || size >= 1<<63 {
			return 0, false, nil, violation("The length is not in its shortest form")
		}
	}
	if size > maxFrame {
		return 0, false, nil, &closed{code: closeTooBig, reason: "Frame too long"}
	}
	var mask [4]byte
	if _, err = io.ReadFull(s.r, mask[:]); err != nil {
		return 0, false, nil, err
	}
	payload = make([]byte, size)
	if _, err = io.ReadFull(s.r, payload); err != nil {
		return 0, false, nil, err
	}
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return op, fin, payload, nil
}

// peerClosed reads a close frame. Source: RFC 6455, sections 5.5.1 and 7.4.
func peerClosed(payload []byte) *closed {
	if len(payload) == 0 {
		return &closed{code: closeNoStatus, reason: "Client-side close frame status not set", peer: true}
	}
	if len(payload) == 1 {
		return violation("A close frame of one byte")
	}
	code := int(binary.BigEndian.Uint16(payload))
	if code < 1000 || code > 4999 || code >= 1015 && code < 3000 || code == 1004 || code == closeNoStatus || code == closeAbnormal {
		return violation("A close code that must not be sent")
	}
	if !utf8.Valid(payload[2:]) {
		return &closed{code: closeInvalid, reason: "The reason of a close frame is not UTF-8"}
	}
	return &closed{code: code, reason: string(payload[2:]), peer: true}
}

// writeMessage sends a message, in frames that clients with the same limits take.
func (s *socket) writeMessage(op byte, message []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.saidClose {
		return errors.New("the connection is closing")
	}
	for {
		n := min(len(message), maxFrame)
		if err := s.put(op, n == len(message), message[:n]); err != nil {
			return err
		}
		if message = message[n:]; len(message) == 0 {
			return nil
		}
		op = opContinuation
	}
}

func (s *socket) writeFrame(op byte, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.saidClose {
		return nil
	}
	s.saidClose = op == opClose
	return s.put(op, true, payload)
}

// put writes one frame; a server does not mask. The caller holds s.mu.
func (s *socket) put(op byte, fin bool, payload []byte) error {
	b := make([]byte, 0, 10+len(payload))
	if fin {
		op |= 0x80
	}
	b = append(b, op)
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(wsWriteTimeout)); err != nil {
		return err
	}
	_, err := s.conn.Write(append(b, payload...))
	return err
}

// sayClose begins or answers the closing handshake. What the peer still sends is read until it answers, for a moment.
func (s *socket) sayClose(c *closed) {
	var payload []byte
	if c.code != closeNoStatus && c.code != closeAbnormal {
		payload = append(binary.BigEndian.AppendUint16(nil, uint16(c.code)), c.reason...)
	}
	if s.writeFrame(opClose, payload[:min(len(payload), 125)]) != nil {
		s.conn.Close()
		return
	}
	s.conn.SetReadDeadline(time.Now().Add(wsCloseTimeout)) // an error here is the reader's, too
}

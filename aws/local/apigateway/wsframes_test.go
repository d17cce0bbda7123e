package apigateway

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// sink is a connection that takes everything.
type sink struct {
	net.Conn
	wrote int
}

func (s *sink) Write(b []byte) (int, error)      { s.wrote += len(b); return len(b), nil }
func (s *sink) SetWriteDeadline(time.Time) error { return nil }

// TestAnyBytesAreReadSafely: whatever arrives, messages keep to their limits, and the end is a close code that may be
// sent or the end of the input.
func TestAnyBytesAreReadSafely(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var input []byte
		for range rapid.IntRange(1, 8).Draw(t, "frames") {
			if rapid.Bool().Draw(t, "noise") {
				input = append(input, rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "bytes")...)
				continue
			}
			payload := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "payload")
			first := rapid.SampledFrom([]byte{0x81, 0x01, 0x00, 0x80, 0x88, 0x89, 0x8a}).Draw(t, "first")
			input = append(append(append(input, first, 0x80|byte(len(payload))), 0, 0, 0, 0), payload...)
		}
		frames := 0
		out := &sink{}
		s := &socket{conn: out, r: bufio.NewReader(bytes.NewReader(input)), active: func() { frames++ }}
		for {
			m, err := s.readMessage()
			if err == nil {
				if len(m) > maxMessage || !utf8.Valid(m) {
					t.Fatalf("a message of %d bytes", len(m))
				}
				continue
			}
			var end *closed
			if errors.As(err, &end) && (end.code < 1000 || end.code > 4999 || end.code == closeAbnormal || end.code == closeNoStatus && !end.peer) {
				t.Fatalf("ends with %d", end.code)
			}
			break
		}
		if frames*2 > len(input) || out.wrote > len(input) {
			t.Fatalf("%d frames and %d bytes of answers out of %d bytes", frames, out.wrote, len(input))
		}
	})
}

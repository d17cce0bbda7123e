package store

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
)

// idAlphabet sorts as its values do, so that ids made of big-endian numbers sort as the numbers do.
var idAlphabet = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// NewID is a random id: 20 characters of [0-9a-v], 100 bits.
func NewID() string {
	var b [13]byte
	rand.Read(b[:])
	return idAlphabet.EncodeToString(b[:])[:20]
}

// NewTimeID is an id that sorts by time, to the microsecond: 26 characters, 64 bits of time and 66 random ones.
func NewTimeID(now time.Time) string {
	var b [17]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMicro()))
	rand.Read(b[8:])
	return idAlphabet.EncodeToString(b[:])[:26]
}

// TimeOfID is the time a NewTimeID was made at; ok is false for other texts.
func TimeOfID(id string) (t time.Time, ok bool) {
	if len(id) != 26 {
		return t, false
	}
	b, err := idAlphabet.DecodeString(id[:24])
	if err != nil || strings.ToLower(id) != id {
		return t, false
	}
	return time.UnixMicro(int64(binary.BigEndian.Uint64(b[:8]))).UTC(), true
}

package apigateway

import (
	"crypto/rand"
	"encoding/hex"
)

const idAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789"

// newID returns n characters of [a-z0-9], as API Gateway forms its identifiers: 10 for APIs and root resources, 6 for
// resources, authorizers, deployments and models. A rejected byte keeps the letters equally likely.
func newID(n int) string {
	out := make([]byte, 0, n)
	var buf [32]byte
	for len(out) < n {
		rand.Read(buf[:])
		for _, b := range buf {
			if int(b) < 256/len(idAlphabet)*len(idAlphabet) && len(out) < n {
				out = append(out, idAlphabet[int(b)%len(idAlphabet)])
			}
		}
	}
	return string(out)
}

// freshID returns an identifier that taken does not know.
func freshID(n int, taken func(string) bool) string {
	for {
		if id := newID(n); !taken(id) {
			return id
		}
	}
}

// newRequestID returns a random UUID.
func newRequestID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// newExtendedID has the form of x-amz-apigw-id: 15 characters and an equals sign.
func newExtendedID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	var b [15]byte
	rand.Read(b[:])
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b[:]) + "="
}

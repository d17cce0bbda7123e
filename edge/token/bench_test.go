package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"testing"
)

// BenchmarkNewToken verifies a token that was not seen before, next to the bare check of such a signature.
func BenchmarkNewToken(b *testing.B) {
	for _, alg := range []string{"ES256", "RS256", "PS256", "EdDSA"} {
		body, _ := json.Marshal(claims(nil))
		raw := sign(b, alg, body, nil)
		b.Run(alg+"/verify", func(b *testing.B) {
			v := newVerifier(b, Options{CacheSize: -1})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), raw, Expect{Audiences: []string{service}}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(alg+"/bare", func(b *testing.B) {
			sum := sha256.Sum256(body)
			var sig []byte
			var check func() bool
			switch key := keyring()[keyFor[alg]].(type) {
			case *ecdsa.PrivateKey:
				sig, _ = ecdsa.SignASN1(rand.Reader, key, sum[:])
				check = func() bool { return ecdsa.VerifyASN1(&key.PublicKey, sum[:], sig) }
			case *rsa.PrivateKey:
				sig, _ = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
				check = func() bool { return rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], sig) == nil }
			case ed25519.PrivateKey:
				sig = ed25519.Sign(key, body)
				check = func() bool { return ed25519.Verify(key.Public().(ed25519.PublicKey), body, sig) }
			}
			for b.Loop() {
				if !check() {
					b.Fatal("the signature does not verify")
				}
			}
		})
	}
}

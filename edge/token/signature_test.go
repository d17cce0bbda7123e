package token

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"
)

var everyAlg = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// TestVerifiesAgreesWithGoJose: whatever is done to a token's signature, to what it signs, or to which key and algorithm
// are said to fit, go-jose and we say the same.
func TestVerifiesAgreesWithGoJose(t *testing.T) {
	body, _ := json.Marshal(claims(nil))
	tokens := map[string]string{}
	for _, alg := range everyAlg {
		tokens[alg] = sign(t, alg, body, nil)
	}
	good, bad := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		alg := rapid.SampledFrom(everyAlg).Draw(t, "alg")
		keyName := keyFor[alg]
		if rapid.IntRange(0, 3).Draw(t, "other key") == 0 {
			keyName = rapid.SampledFrom([]string{"rsa", "p256", "p384", "p521", "ed"}).Draw(t, "key")
		}
		p, err := parse(tokens[alg], &lastHeader{})
		if err != nil {
			t.Fatal(err)
		}
		sig := slices.Clone(p.signature)
		switch rapid.IntRange(0, 6).Draw(t, "change") {
		case 0:
			sig[rapid.IntRange(0, len(sig)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case 1:
			sig = sig[:rapid.IntRange(0, len(sig)-1).Draw(t, "length")]
		case 2:
			sig = append(sig, 0)
		case 3:
			clear(sig)
		case 4:
			sig = slices.Concat([]byte{0}, sig)
		}
		public := keyring()[keyName].Public()
		ours := verifies(public, alg, []byte(p.signed), sig)
		theirs := false
		if jws, err := jose.ParseSignedCompact(p.signed+"."+strict.EncodeToString(sig), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)}); err == nil {
			_, err = jws.Verify(public)
			theirs = err == nil
		}
		if ours != theirs {
			t.Fatalf("we say %v, go-jose says %v", ours, theirs)
		}
		if ours {
			good++
		} else {
			bad++
		}
	})
	if good == 0 || bad == 0 {
		t.Errorf("%d good and %d bad signatures: one kind was never tried", good, bad)
	}
}

// TestVerifiesNothingElse: the algorithm must be the one that was signed with, an ECDSA signature in another form is none,
// and neither is a key of an unknown kind.
func TestVerifiesNothingElse(t *testing.T) {
	body, _ := json.Marshal(claims(nil))
	for _, alg := range everyAlg {
		p, err := parse(sign(t, alg, body, nil), &lastHeader{})
		if err != nil {
			t.Fatal(err)
		}
		for _, said := range append([]string{"none", "HS256", "", "ES256K", "Ed25519"}, everyAlg...) {
			if verifies(keyring()[keyFor[alg]].Public(), said, []byte(p.signed), p.signature) != (said == alg) {
				t.Errorf("signed with %s, said to be %q: wrong", alg, said)
			}
		}
	}
	sum := sha256.Sum256([]byte("a.b"))
	der, err := ecdsa.SignASN1(rand.Reader, keyring()["p256"].(*ecdsa.PrivateKey), sum[:])
	if err != nil {
		t.Fatal(err)
	}
	if verifies(keyring()["p256"].Public(), "ES256", []byte("a.b"), der) || verifies([]byte("secret"), "HS256", []byte("a.b"), nil) || verifies(nil, "RS256", nil, nil) {
		t.Error("verified")
	}
}

// TestLastHeader: what is remembered of a header is what it says, another one replaces it, and one that was refused is not
// remembered.
func TestLastHeader(t *testing.T) {
	encode := func(s string) string { return strict.EncodeToString([]byte(s)) }
	var l lastHeader
	for range 3 {
		for part, want := range map[string]header{
			encode(`{"alg":"ES256","kid":"a"}`):                              {"ES256", "a", ""},
			encode(`{"alg":"RS256","kid":"b","typ":"at+jwt"}`):               {"RS256", "b", "at+jwt"},
			encode(`{"alg":"none"}`):                                         {},
			encode(`{"alg":"ES256","crit":["x"]}`):                           {},
			"not base64":                                                     {},
			encode(`{"alg":"ES256","x":"` + strings.Repeat("y", 600) + `"}`): {"ES256", "", ""},
		} {
			for range 2 {
				got, err := l.read(part)
				if got != want || (err == nil) != (want != header{}) {
					t.Errorf("%s: %+v, %v", part, got, err)
				}
			}
			if s := l.seen.Load(); s != nil && (len(s.part) > 512 || s.header == header{}) {
				t.Errorf("remembered: %+v", s)
			}
		}
	}
}

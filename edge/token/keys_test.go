package token

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
)

// TestKeysAgreeWithGoJose: what go-jose writes for every kind of key, and reads back, is what is read here.
func TestKeysAgreeWithGoJose(t *testing.T) {
	for name, private := range keyring() {
		raw, err := json.Marshal(jose.JSONWebKey{Key: private.Public(), KeyID: name, Use: "sig"})
		if err != nil {
			t.Fatal(err)
		}
		k, ok := readKey(string(raw))
		if !ok || k.id != name {
			t.Errorf("%s: %s is not read", name, raw)
			continue
		}
		if !k.public.(interface{ Equal(x crypto.PublicKey) bool }).Equal(private.Public()) {
			t.Errorf("%s: another key was read", name)
		}
	}
}

// TestReadKey: what is no key to verify with is none here, and go-jose says the same where it looks at it.
func TestReadKey(t *testing.T) {
	write := func(edit func(map[string]any), key any) string {
		raw, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: "k"})
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]any{}
		_ = json.Unmarshal(raw, &m)
		if edit != nil {
			edit(m)
		}
		raw, _ = json.Marshal(m)
		return string(raw)
	}
	set := func(name string, v any) func(map[string]any) {
		return func(m map[string]any) { m[name] = v }
	}
	p256, p521, rsaKey, ed := keyring()["p256"].Public(), keyring()["p521"].Public(), keyring()["rsa"].Public().(*rsa.PublicKey), keyring()["ed"].Public()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	padded := func(name string) func(map[string]any) {
		return func(m map[string]any) { m[name] = m[name].(string) + "=" }
	}
	huge := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), maxRSABits+1), E: 65537}
	for _, c := range []struct {
		name, text string
		ok         bool
	}{
		{"as it is", write(nil, p256), true},
		{"with members of no interest", write(set("x5c", []string{"MIIB"}), rsaKey), true},
		{"padded", write(padded("x"), p256), true},
		{"to verify with", write(set("key_ops", []string{"verify"}), ed), true},
		{"to sign with", write(set("key_ops", []string{"sign"}), ed), false},
		{"to encrypt with", write(set("use", "enc"), rsaKey), false},
		{"for an algorithm that is not one", write(set("alg", "RSA-OAEP"), rsaKey), false},
		{"for HMAC", write(set("alg", "HS256"), rsaKey), false},
		{"private", write(nil, keyring()["p256"]), false},
		{"private, of RSA", write(nil, keyring()["rsa"]), false},
		{"private, in part", write(set("p", "AQ"), rsaKey), false},
		{"symmetric", `{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQ","kid":"k"}`, false},
		{"weak", write(nil, weak.Public()), false},
		{"of a size that takes for ever", write(nil, huge), false},
		{"exponent 1", write(set("e", "AQ"), rsaKey), false},
		{"an even exponent", write(set("e", "Ag"), rsaKey), false},
		{"a huge exponent", write(set("e", "AQAAAAAB"), rsaKey), false},
		{"no modulus", write(set("n", ""), rsaKey), false},
		{"not base64", write(set("n", "*"), rsaKey), false},
		{"not on the curve", write(set("y", write(nil, p256)[10:53]), p256), false},
		{"another curve", write(set("crv", "P-384"), p256), false},
		{"an unknown curve", write(set("crv", "secp256k1"), p256), false},
		{"a short coordinate", write(set("x", "AQ"), p521), false},
		{"a short Ed25519 key", write(set("x", "AQ"), ed), false},
		{"for key agreement", write(set("crv", "X25519"), ed), false},
		{"of an unknown type", write(set("kty", "AKP"), ed), false},
		{"of no type", write(func(m map[string]any) { delete(m, "kty") }, ed), false},
		{"with a name twice", strings.Replace(write(nil, p256), `"kty"`, `"kty":"EC","kty"`, 1), false},
		{"no object", `"EC"`, false},
		{"null", `null`, false},
	} {
		if _, ok := readKey(c.text); ok != c.ok {
			t.Errorf("%s: usable is %v: %s", c.name, ok, c.text)
		}
	}
}

func TestParseKeys(t *testing.T) {
	good, _ := json.Marshal(jose.JSONWebKey{Key: keyring()["p256"].Public(), KeyID: "k"})
	many := strings.Repeat(`{"kty":"oct"},`, maxKeys)
	for _, c := range []struct {
		text string
		keys int // -1: refused
	}{
		{`{"keys":[]}`, 0},
		{`{}`, 0},
		{`{"keys":null}`, 0},
		{fmt.Sprintf(`{"keys":[%s]}`, good), 1},
		{fmt.Sprintf(`{"more":{"a":[1]},"keys":[{"kty":"oct","k":"AQ"},%s,{"kid":7}]}`, good), 1},
		{fmt.Sprintf(`{"keys":[%s%s]}`, many, good), -1}, // the last one is one too many
		{`{"keys":[{"kty":"oct"}]}`, -1},
		{`{"keys":{}}`, -1},
		{`[]`, -1},
		{`{"keys":[]`, -1},
		{`<html>`, -1},
		{``, -1},
	} {
		keys, err := parseKeys([]byte(c.text))
		if (err != nil) != (c.keys < 0) || err == nil && len(keys) != c.keys {
			t.Errorf("%.80s: %d keys, %v", c.text, len(keys), err)
		}
	}
}

// FuzzReadKey: no text makes the reader fail, and what it reads as a key is one that go-jose reads alike.
func FuzzReadKey(f *testing.F) {
	for _, private := range keyring() {
		raw, _ := json.Marshal(jose.JSONWebKey{Key: private.Public(), KeyID: "k"})
		f.Add(string(raw))
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, ok := readKey(text)
		if !ok {
			return
		}
		var theirs jose.JSONWebKey
		if err := theirs.UnmarshalJSON([]byte(text)); err != nil {
			if strings.Contains(text, `"x5`) { // go-jose reads certificates as well
				return
			}
			t.Fatalf("%s: read, and refused by go-jose: %v", text, err)
		}
		if !theirs.IsPublic() || theirs.KeyID != k.id || theirs.Algorithm != k.alg || !k.public.(interface{ Equal(x crypto.PublicKey) bool }).Equal(theirs.Key) {
			t.Fatalf("%s: go-jose reads another key", text)
		}
	})
}

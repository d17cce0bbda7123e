package waist

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSignature: what was signed is found good with the same secret and the same bytes; nothing else is.
func TestSignature(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		secret := rapid.StringN(1, 60, 200).Draw(t, "secret")
		s := ConfigurationSignature{TenantID: rapid.String().Draw(t, "tenant"), Revision: rapid.Int64().Draw(t, "revision"), ETag: `"x"`, IssuedAt: 7, NotAfter: 8}
		line, err := s.Sign(secret, body)
		if err != nil {
			t.Fatal(err)
		}
		if len(line) > MaxSignature {
			t.Skip("a name of a tenant is not that long")
		}
		got, err := VerifySignature(secret, line, body)
		if err != nil || got.Revision != s.Revision || got.ETag != s.ETag || got.IssuedAt != 7 || got.NotAfter != 8 {
			t.Fatalf("%+v, %v", got, err)
		}
		// Any other byte anywhere.
		altered := []byte(line)
		at := rapid.IntRange(0, len(altered)-1).Draw(t, "at")
		altered[at] = rapid.Byte().Filter(func(b byte) bool { return b != line[at] }).Draw(t, "byte")
		if _, err := VerifySignature(secret, string(altered), body); err == nil {
			t.Fatalf("altered at %d of %q", at, line)
		}
		if _, err := VerifySignature(secret, line, append(body, 0)); err == nil {
			t.Fatal("a longer body")
		}
		if _, err := VerifySignature(secret+"x", line, body); err == nil {
			t.Fatal("another secret")
		}
	})
}

// TestSignatureHeader: a header that says something else than ours does is refused, though its MAC is good.
func TestSignatureHeader(t *testing.T) {
	body := []byte(`{}`)
	with := func(header string) string {
		protected := base64.RawURLEncoding.EncodeToString([]byte(header))
		mac, err := signatureMAC("secret", protected, body)
		if err != nil {
			t.Fatal(err)
		}
		return protected + ".." + base64.RawURLEncoding.EncodeToString(mac)
	}
	good := `{"alg":"HS256","typ":"portcullis-configuration","b64":false,"crit":["b64"],"tid":"default","iat":1,"exp":2}`
	if s, err := VerifySignature("secret", with(good), body); err != nil || s.TenantID != "default" {
		t.Fatalf("%+v, %v", s, err)
	}
	for name, line := range map[string]string{
		"another algorithm": with(strings.Replace(good, "HS256", "none", 1)), "another type": with(strings.Replace(good, "portcullis-configuration", "JWT", 1)),
		"encoded": with(strings.Replace(good, "false", "true", 1)), "b64 left out": with(strings.Replace(good, `"b64":false,`, "", 1)),
		"nothing critical": with(strings.Replace(good, `"crit":["b64"],`, "", 1)), "more is critical": with(strings.Replace(good, `["b64"]`, `["b64","x"]`, 1)),
		"no JSON": with("?"), "a list": with("[]"), "empty": "", "two parts": "a.b", "four parts": with(good) + ".x", "a payload": strings.Replace(with(good), "..", ".e30.", 1),
		"too long": with(good[:len(good)-1] + `,"x":"` + strings.Repeat("x", MaxSignature) + `"}`), "padding": with(good) + "=",
	} {
		if s, err := VerifySignature("secret", line, body); err != ErrSignature || s.TenantID != "" {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	if _, err := VerifySignature("", "..", body); err == nil {
		t.Error("no secret at all")
	}
	// The members' names are on the wire.
	var names map[string]any
	b, _ := json.Marshal(ConfigurationSignature{})
	if err := json.Unmarshal(b, &names); err != nil || len(names) != 11 {
		t.Errorf("%v %v", names, err)
	}
}

package admin

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Keyring seals secrets at rest with AES-256-GCM. The first key seals, all of them open; each sealed text names the key
// it was sealed with and is bound to the place it is stored at, so that it cannot be moved to another row.
//
// Who holds a key of the ring and the database holds every client secret and signing key in it.
type Keyring struct {
	active string
	keys   map[string]cipher.AEAD // :: key id → cipher
}

// ParseKeyring reads a master key file: one key per line, standard base64 of 32 bytes, the active one first; empty lines
// and lines that begin with # are skipped. Errors never repeat the text.
func ParseKeyring(text string) (*Keyring, error) {
	k := &Keyring{keys: map[string]cipher.AEAD{}}
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(raw) != 32 {
			return nil, fmt.Errorf("master key: line %d is not base64 of 32 bytes; make a key with: portcullis keygen", n)
		}
		derived, err := hkdf.Key(sha256.New, raw, nil, "portcullis secrets at rest v1", 32)
		if err != nil {
			return nil, fmt.Errorf("master key: line %d: %w", n, err)
		}
		block, err := aes.NewCipher(derived)
		if err != nil {
			return nil, fmt.Errorf("master key: line %d: %w", n, err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("master key: line %d: %w", n, err)
		}
		sum := sha256.Sum256(append([]byte("portcullis key id"), derived...))
		id := hex.EncodeToString(sum[:4])
		k.keys[id] = aead
		if k.active == "" {
			k.active = id
		}
	}
	if k.active == "" {
		return nil, errors.New("master key: it is empty; make one with: portcullis keygen")
	}
	return k, nil
}

// GenerateMasterKey makes a new master key in the form ParseKeyring reads.
func GenerateMasterKey() string {
	var raw [32]byte
	rand.Read(raw[:])
	return base64.StdEncoding.EncodeToString(raw[:])
}

// seal encrypts text for one place, e.g. "client_secrets/default/c1/s1".
func (k *Keyring) seal(place string, text []byte) string {
	aead := k.keys[k.active]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(text)+aead.Overhead())
	rand.Read(nonce)
	return k.active + ":" + base64.RawStdEncoding.EncodeToString(aead.Seal(nonce, nonce, text, []byte(place)))
}

// open decrypts what seal made for the same place.
func (k *Keyring) open(place, sealed string) ([]byte, error) {
	id, body, _ := strings.Cut(sealed, ":")
	aead, ok := k.keys[id]
	if !ok {
		return nil, fmt.Errorf("%s is sealed with master key %q, which this server was not given; add it to the master key file", place, id)
	}
	raw, err := base64.RawStdEncoding.DecodeString(body)
	if err != nil || len(raw) < aead.NonceSize() {
		return nil, fmt.Errorf("%s is damaged in the database", place)
	}
	text, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], []byte(place))
	if err != nil {
		return nil, fmt.Errorf("%s is damaged in the database, or was moved there from another row", place)
	}
	return text, nil
}

// current reports whether sealed was made with the active key.
func (k *Keyring) current(sealed string) bool { return strings.HasPrefix(sealed, k.active+":") }

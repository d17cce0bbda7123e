package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"

	"portcullis/control"
)

// Packages are the authorizer zips that were built into the server. The zero value holds none.
type Packages struct {
	FS fs.FS // with authorizer-arm64.zip and authorizer-x86_64.zip
}

// Open is the zip for an architecture by Lambda's name for it, "arm64" or "x86_64", with the hex SHA-256 of its bytes.
func (p Packages) Open(arch string) (zip []byte, sha256Hex string, err error) {
	if arch != "arm64" && arch != "x86_64" {
		return nil, "", control.Errorf(control.Malformed, "unknown_architecture", "there is no authorizer package for %q; ask for arch=arm64 or arch=x86_64", clip(arch, 32))
	}
	if p.FS != nil {
		zip, err = fs.ReadFile(p.FS, "authorizer-"+arch+".zip")
		if err == nil {
			sum := sha256.Sum256(zip)
			return zip, hex.EncodeToString(sum[:]), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, "", err
		}
	}
	return nil, "", control.Errorf(control.NotImplemented, "package_not_built",
		"this server was built without the authorizer package for %s; run `make packages` and build it again", arch)
}

package main

import (
	"embed"
	"io/fs"

	"portcullis/control/web"
)

// packages/ holds the authorizer zips where `make packages` put them before this binary was built, and a README always,
// so that embedding works without them.
//
//go:embed packages
var embedded embed.FS

func authorizerPackages() web.Packages {
	sub, err := fs.Sub(embedded, "packages")
	if err != nil { // only for an invalid path
		return web.Packages{}
	}
	return web.Packages{FS: sub}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store"
)

// database is the flag of the commands that work on a database beside the server.
type database struct {
	Database string `default:"sqlite://portcullis.db" env:"PORTCULLIS_DATABASE" help:"sqlite:///path/file.db or postgres://user@host/database."`
}

// open opens the database; unlike the server it makes no new one.
func (d database) open(ctx context.Context) (*store.Store, error) {
	if path, ok := strings.CutPrefix(d.Database, "sqlite:"); ok {
		path, _, _ = strings.Cut(strings.TrimPrefix(path, "//"), "?")
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("there is no database %s; name the one that the server uses with --database", path)
		}
	}
	return store.Open(ctx, d.Database)
}

type backupCmd struct {
	database
	File string `arg:"" help:"The copy; a file that does not exist yet. Without the master key its secrets are of no use: keep both, apart."`
}

// Run copies a SQLite database while the server runs.
func (c *backupCmd) Run(ctx context.Context, o *output) error {
	st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := st.Backup(ctx, c.File); err != nil {
		return err
	}
	fmt.Fprintf(o.out, "The database is in %s. Try it: portcullis check --database sqlite://%s\n", c.File, c.File)
	return nil
}

type checkCmd struct {
	database
	MasterKeyFile string `env:"PORTCULLIS_MASTER_KEY_FILE" placeholder:"FILE" help:"Also check that this master key opens the database. PORTCULLIS_MASTER_KEY may hold the key itself instead."`
}

// Run reads through a database, such as a restored backup.
func (c *checkCmd) Run(ctx context.Context, o *output) error {
	st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := st.Check(ctx); err != nil {
		return err
	}
	with := ""
	if c.MasterKeyFile != "" || os.Getenv("PORTCULLIS_MASTER_KEY") != "" {
		keyring, err := (&serveCmd{MasterKeyFile: c.MasterKeyFile}).keyring()
		if err != nil {
			return err
		}
		if _, err := admin.New(admin.Options{Store: st, Keyring: keyring}).SigningKeys(ctx, control.DefaultTenant, control.AdminWorkspace); err != nil {
			return fmt.Errorf("the master key does not fit this database: %w", err)
		}
		with = ", and the master key fits"
	}
	fmt.Fprintf(o.out, "The database is whole%s.\n", with)
	return nil
}

type resealCmd struct {
	database
	MasterKeyFile string `env:"PORTCULLIS_MASTER_KEY_FILE" placeholder:"FILE" help:"The keys, one a line: the new one first, then the old ones. PORTCULLIS_MASTER_KEY may hold them instead."`
}

// Run seals every secret in the database with the first key of the file.
func (c *resealCmd) Run(ctx context.Context, o *output) error {
	keyring, err := (&serveCmd{MasterKeyFile: c.MasterKeyFile}).keyring()
	if err != nil {
		return err
	}
	st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	operator := control.Actor{Kind: control.OperatorActor, ID: "operator", Name: "portcullis reseal", TenantID: control.DefaultTenant, Role: control.Admin}
	n, err := admin.New(admin.Options{Store: st, Keyring: keyring}).ResealSecrets(ctx, operator)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%d secrets were sealed anew. When every server has the new key, the old ones can be taken out of the file.\n", n)
	return nil
}

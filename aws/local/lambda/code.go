package lambda

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Limits of a deployment package, as AWS documents them, and one of our own.
const (
	maxZip      = 50 << 20    // uploaded directly
	maxUnzipped = 262_144_000 // all files together
	maxFiles    = 50_000      // ours: AWS documents none
	maxLink     = 4096        // length of a symbolic link
	codeDirMode = fs.FileMode(0o755)
)

// code is an unpacked deployment package. refs counts versions and environments that use it; the last one removes it.
type code struct {
	dir    string
	sha256 string // base64, as CodeSha256
	size   int64  // of the zip
	refs   int    // guarded by Service.mu
}

// unpack writes the archive into dir. It refuses what leads out of dir, is too large, or is not a zip; then nothing is
// left behind.
func unpack(archive []byte, dir string) (*code, error) {
	if len(archive) == 0 {
		return nil, invalidValue("Uploaded file must be a non-empty zip")
	}
	if len(archive) > maxZip {
		return nil, failure(413, "RequestEntityTooLargeException", "Request must be smaller than %d bytes for the operation", maxZip)
	}
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, invalidValue("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	if len(r.File) == 0 {
		return nil, invalidValue("Uploaded file must be a non-empty zip")
	}
	if len(r.File) > maxFiles {
		return nil, invalidValue("the archive holds %d files; the local AWS takes at most %d", len(r.File), maxFiles)
	}
	stated := uint64(0) // what the archive's directory says; extract measures
	for _, f := range r.File {
		if stated += f.UncompressedSize64; f.UncompressedSize64 > maxUnzipped || stated > maxUnzipped {
			return nil, tooLarge()
		}
	}
	if err := os.Mkdir(dir, codeDirMode); err != nil {
		return nil, fmt.Errorf("unpacking the function's code: %w", err)
	}
	if err := extract(r, dir, maxUnzipped); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	sum := sha256.Sum256(archive)
	c := &code{dir: dir, sha256: base64.StdEncoding.EncodeToString(sum[:]), size: int64(len(archive))}
	if err := os.WriteFile(c.archive(), archive, 0o600); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("keeping the function's deployment package: %w", err)
	}
	return c, nil
}

// archive is the file with the deployment package as it was uploaded.
func (c *code) archive() string { return c.dir + ".zip" }

func tooLarge() error {
	return invalidValue("Unzipped size must be smaller than %d bytes", maxUnzipped)
}

// extract writes the files, at most left bytes of them.
func extract(r *zip.Reader, dir string, left int64) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("unpacking the function's code: %w", err)
	}
	defer root.Close()
	for _, f := range r.File {
		name := strings.TrimSuffix(f.Name, "/")
		if strings.Contains(name, `\`) || !filepath.IsLocal(name) {
			return invalidValue("the archive holds a file whose name leads out of it: %q", f.Name)
		}
		mode := f.Mode()
		if mode.IsDir() {
			if err := root.MkdirAll(name, codeDirMode); err != nil {
				return invalidValue("the archive's directory %q cannot be created: %v", f.Name, reason(err))
			}
			continue
		}
		if !mode.IsRegular() && mode&fs.ModeSymlink == 0 {
			return invalidValue("the archive holds %q, which is neither a file nor a directory nor a link", f.Name)
		}
		if parent := filepath.Dir(name); parent != "." {
			if err := root.MkdirAll(parent, codeDirMode); err != nil {
				return invalidValue("the archive's directory %q cannot be created: %v", parent, reason(err))
			}
		}
		n, err := extractFile(root, f, name, mode, left)
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// extractFile writes one file or link and returns the bytes it took of the limit, which the content itself is measured
// against: the size in the archive's directory may lie.
func extractFile(root *os.Root, f *zip.File, name string, mode fs.FileMode, left int64) (int64, error) {
	in, err := f.Open()
	if err != nil {
		return 0, invalidValue("Could not unzip uploaded file. Please check your file, then try to upload again. (%s: %v)", f.Name, err)
	}
	defer in.Close()
	if mode&fs.ModeSymlink != 0 {
		to, err := io.ReadAll(io.LimitReader(in, maxLink+1))
		if err != nil || len(to) > maxLink || !filepath.IsLocal(filepath.Join(filepath.Dir(name), string(to))) || filepath.IsAbs(string(to)) {
			return 0, invalidValue("the archive's link %q leads out of it", f.Name)
		}
		if err := root.Symlink(string(to), name); err != nil {
			return 0, invalidValue("the archive's link %q cannot be created: %v", f.Name, reason(err))
		}
		return int64(len(to)), nil
	}
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode.Perm()&0o755|0o600)
	if err != nil {
		return 0, invalidValue("the archive's file %q cannot be written: %v", f.Name, reason(err))
	}
	n, err := io.Copy(out, io.LimitReader(in, left+1))
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return 0, invalidValue("Could not unzip uploaded file. Please check your file, then try to upload again. (%s: %v)", f.Name, err)
	}
	if n > left {
		return 0, tooLarge()
	}
	return n, nil
}

// reason is the last part of a file system error, without the path of this machine.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// fault is what an invocation answers when the function did not: its type and text.
type fault struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// checkBootstrap says why the code cannot start on this host, nil if it can.
func checkBootstrap(dir, arch, hostArch string) *fault {
	path := filepath.Join(dir, "bootstrap")
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return &fault{"Runtime.InvalidEntrypoint", "Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap] (the zip must hold a file named bootstrap at its root)"}
	}
	if info.Mode()&0o111 == 0 {
		return &fault{"Runtime.InvalidEntrypoint", "Error: fork/exec /var/task/bootstrap: permission denied (bootstrap is not executable in the zip: it needs mode 0755)"}
	}
	f, err := elf.Open(path)
	if err != nil {
		return nil // a script, or something that exec will judge
	}
	defer f.Close()
	machine := map[elf.Machine]string{elf.EM_X86_64: "x86_64", elf.EM_AARCH64: "arm64"}[f.Machine]
	if machine == "" {
		machine = f.Machine.String()
	}
	switch {
	case machine != arch:
		return &fault{"Runtime.InvalidEntrypoint", fmt.Sprintf("Error: fork/exec /var/task/bootstrap: exec format error (bootstrap is built for %s, the function's architecture is %s)", machine, arch)}
	case machine != hostArch:
		return &fault{"Runtime.InvalidEntrypoint", fmt.Sprintf("Error: fork/exec /var/task/bootstrap: exec format error (bootstrap is built for %s, and this machine, where the local AWS runs it, is %s)", machine, hostArch)}
	}
	return nil
}

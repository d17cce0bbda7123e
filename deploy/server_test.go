package deploy

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestServerFilesNameRealSettings: no image is built here, but what the Dockerfile and compose.yaml set, the server reads,
// and what they build from exists.
func TestServerFilesNameRealSettings(t *testing.T) {
	serve, err := os.ReadFile("../cmd/portcullis/serve.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Dockerfile", "compose.yaml", "helm/templates/server.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`PORTCULLIS_[A-Z_]+`).FindAllString(string(text), -1)
		if len(found) < 2 {
			t.Errorf("%s sets %v", name, found)
		}
		for _, setting := range found {
			if !strings.Contains(string(serve), `env:"`+setting+`"`) {
				t.Errorf("%s sets %s, which the server does not read", name, setting)
			}
		}
		for _, path := range regexp.MustCompile(`\./(cmd/[a-z/]+)`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat("../" + path[1]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestComposeFile(t *testing.T) {
	text, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Services map[string]struct {
			Build struct {
				Context, Dockerfile string
			}
			Ports       []string
			Networks    []string
			Volumes     []string
			Environment map[string]string
		}
		Networks, Volumes map[string]any
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if b := c.Services["portcullis"].Build; b.Context != ".." || b.Dockerfile != "deploy/Dockerfile" {
		t.Errorf("build %+v", b)
	}
	for name, s := range c.Services {
		for _, n := range s.Networks {
			if _, there := c.Networks[n]; !there {
				t.Errorf("%s: no network %s", name, n)
			}
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if _, there := c.Volumes[source]; !there {
				t.Errorf("%s: no volume %s", name, source)
			}
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s listens to everybody: %s", name, p)
			}
		}
		for k, v := range s.Environment {
			if strings.Contains(k, "PASSWORD") && !strings.HasPrefix(v, "${") {
				t.Errorf("%s: %s is in the file", name, k)
			}
		}
	}
	if len(c.Services["database"].Ports) != 0 {
		t.Error("the database is reachable from outside")
	}
}

package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"portcullis/control/portal/portaltest"
)

// guide is docs/guide/protect-apis.md: what the tests below click, run and look at.
type guide struct {
	commands []string // its fenced commands, in order
	policy   string   // its JSON: the inline policy of the role
	labels   []string // what it prints in bold: words of the portal
	images   []string // file names without .png
}

func readGuide(t *testing.T) guide {
	t.Helper()
	text, err := os.ReadFile("../../docs/guide/protect-apis.md")
	if err != nil {
		t.Fatal(err)
	}
	var g guide
	for _, block := range regexp.MustCompile("(?s)```(\\w*)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		switch {
		case block[1] == "json":
			g.policy = block[2]
		case strings.HasPrefix(block[2], "aws ") || strings.HasPrefix(block[2], "curl "):
			g.commands = append(g.commands, block[2])
		}
	}
	// The part about Lambda names what the AWS console calls things.
	before, lambda, _ := strings.Cut(string(text), "## Configure AWS Lambda")
	_, after, _ := strings.Cut(lambda, "## Connect a service")
	for _, label := range regexp.MustCompile(`\*\*(.+?)\*\*`).FindAllStringSubmatch(strings.Join(strings.Fields(before+after), " "), -1) {
		if label[1] != "Resources › Actions › Deploy API" { // the API Gateway console's
			g.labels = append(g.labels, label[1])
		}
	}
	for _, image := range regexp.MustCompile(`\(images/(.+?)\.png\)`).FindAllStringSubmatch(string(text), -1) {
		g.images = append(g.images, image[1])
	}
	if len(g.commands) != 5 || g.policy == "" || len(g.labels) < 15 || len(g.images) < 5 {
		t.Fatalf("the guide has %d commands, %d labels and %d pictures: is it still the guide?", len(g.commands), len(g.labels), len(g.images))
	}
	return g
}

// tour is one person's way through the guide: a browser, a terminal, and what was seen on the way.
type tour struct {
	t       *testing.T
	ctx     context.Context
	w       *walk
	b       *portaltest.Tab
	guide   guide
	scripts bool
	dir     string          // where the browser's downloads and the terminal are
	seen    strings.Builder // the text of every page that was looked at
	shots   map[string]bool
}

// TestGuideByClicks follows docs/guide/protect-apis.md to the letter: in a browser with and without scripts what it says
// of the portal, in a terminal the commands it prints, until the request with an invalid token is answered with 403. Every
// word that the guide has in bold must have been on a page, and every picture must be one that is taken here.
func TestGuideByClicks(t *testing.T) {
	bin, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	for _, scripts := range []bool{true, false} {
		t.Run(map[bool]string{true: "with scripts", false: "without scripts"}[scripts], func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			var out bytes.Buffer
			f := flags{Portal: "127.0.0.1:0", AWS: "127.0.0.1:0", Backend: "127.0.0.1:0", Bin: bin, Refresh: time.Second, AWSRegion: "eu-west-1", AWSAccount: "111122223333"}
			w, end, err := begin(ctx, f, &out)
			if err != nil {
				t.Fatal(err)
			}
			defer end()
			defer func() {
				if t.Failed() {
					w.world.printTails(&out)
					t.Log(out.String())
				}
			}()
			g := &tour{t: t, ctx: ctx, w: w, guide: readGuide(t), scripts: scripts, dir: t.TempDir(), shots: map[string]bool{}}
			g.b = portaltest.OpenTab(t, w.world.portalURL)
			if !scripts {
				g.b.NoScripts()
			}
			if _, err := chromedp.CallBrowser(g.b.Context(), cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
				Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: g.dir}); err != nil {
				t.Fatal(err)
			}
			g.steps(w.prerequisites())
			g.createGateway()
			g.configureLambda()
			g.connectService()
			g.applyPolicy()
			g.confirm()
			for _, label := range g.guide.labels {
				if !strings.Contains(g.seen.String(), label) {
					t.Errorf("the guide says %q, which was on no page", label)
				}
			}
			for _, image := range g.guide.images {
				if !g.shots[image] {
					t.Errorf("the guide shows images/%s.png, which is not taken here", image)
				}
				if _, err := os.Stat(filepath.Join("../../docs/guide/images", image+".png")); err != nil {
					t.Errorf("%v (make screenshots)", err)
				}
			}
		})
	}
}

func (g *tour) steps(steps []step) {
	g.t.Helper()
	for _, s := range steps {
		if _, err := s.do(g.ctx); err != nil {
			g.t.Fatalf("%s: %v", s.title, err)
		}
	}
}

// sees waits until the page shows the words. Without scripts no page changes by itself, so it is opened again.
func (g *tour) sees(words ...string) {
	g.t.Helper()
	until := time.Now().Add(30 * time.Second)
	for !g.shows(words) {
		if time.Now().After(until) {
			g.b.Says(words...) // fails with what the page says
		}
		time.Sleep(200 * time.Millisecond)
		if !g.scripts {
			g.b.Do(chromedp.Reload())
		}
	}
	g.seen.WriteString(g.b.Text() + "\n")
}

func (g *tour) shows(words []string) bool {
	text := g.b.Text()
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// shot takes a picture for the guide: `make screenshots` keeps it.
func (g *tour) shot(name string) {
	g.shots[name] = true
	if g.scripts {
		g.b.Shot(name)
	}
}

// run is the terminal: the guide's command number i, for the local AWS, with this account's values in the places of the
// guide's examples.
func (g *tour) run(i int, replace ...string) string {
	g.t.Helper()
	if _, err := exec.LookPath("aws"); err != nil {
		if os.Getenv("PORTCULLIS_REQUIRE_AWSCLI") != "" {
			g.t.Fatal("the AWS CLI is not in PATH")
		}
		g.t.Skip("the AWS CLI is not in PATH; what follows needs it")
	}
	cmd := exec.CommandContext(g.ctx, "bash", "-euo", "pipefail", "-c", strings.NewReplacer(replace...).Replace(g.guide.commands[i]))
	cmd.Dir = g.dir
	cmd.Env = append(withoutAWS(os.Environ()), "AWS_ENDPOINT_URL="+g.w.world.awsURL, "AWS_ACCESS_KEY_ID="+g.w.flags.AWSAccount,
		"AWS_SECRET_ACCESS_KEY=demo", "AWS_DEFAULT_REGION="+g.w.flags.AWSRegion, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		g.t.Fatalf("%s\n%v: %s", g.guide.commands[i], err, out)
	}
	return string(out)
}

func (g *tour) createGateway() {
	g.b.Open("/app/")
	g.b.Fill("username", "admin")
	g.b.Fill("password", g.w.world.adminPassword)
	g.b.Click("Log in")
	g.sees("Workspace Directory")
	g.shot("directory")
	g.b.Do(chromedp.Click(`//a[.//h2[normalize-space(.)="Default"]]`))
	g.sees("Overview", "No gateway yet")
	g.b.Click("APIs")
	g.b.Click("GATEWAYS")
	g.sees("GATEWAYS")
	g.b.Click("ADD GATEWAY")
	g.sees("Amazon API Gateway", "NEXT")
	g.b.Fill("name", "AWS")
	g.b.Fill("description", "The pet store's account")
	g.b.Says("NEXT")
	g.b.Click("NEXT")
	g.sees("Gateway Management", "QUICK START", "CONNECT TO YOUR APIS", "Waiting for the authorizer to authenticate")
	zip := filepath.Join(g.dir, "authorizer-"+g.w.packageArch+".zip")
	g.b.Do(chromedp.Click(portaltest.Named("DOWNLOAD AUTHORIZER for " + g.w.packageArch)))
	err := eventually(g.ctx, 30*time.Second, zip, func(context.Context) (bool, error) {
		_, err := os.Stat(zip)
		return err == nil, nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
	g.b.Click("SETTINGS")
	g.sees("SETTINGS", "ACP_CLIENT_ID", "ACP_CLIENT_SECRET", "ACP_ISSUER_URL", "Save")
	g.shot("settings")
	g.b.Click("Show ACP_CLIENT_SECRET")
	value := func(name string) string {
		g.t.Helper()
		v := portaltest.Evaluate[string](g.b, `(e => e.value ?? e.textContent)(document.getElementById("`+name+`")).trim()`)
		if v == "" {
			g.t.Fatalf("SETTINGS shows no %s", name)
		}
		return v
	}
	g.w.acpClientID, g.w.acpSecret, g.w.acpURL = value("acp-client-id"), value("acp-client-secret"), value("acp-issuer-url")
	g.b.Click("Save")
	g.sees("Settings saved.")
	g.w.gatewayID = regexp.MustCompile(`/gateways/([^/]+)/`).FindStringSubmatch(portaltest.Evaluate[string](g.b, "location.pathname"))[1]
}

func (g *tour) configureLambda() {
	if err := os.WriteFile(filepath.Join(g.dir, "protect-apis.json"), []byte(g.guide.policy), 0o600); err != nil {
		g.t.Fatal(err)
	}
	g.run(0, "x86_64", g.w.packageArch, "ACP_CLIENT_ID=…", "ACP_CLIENT_ID="+g.w.acpClientID, "ACP_CLIENT_SECRET=…", "ACP_CLIENT_SECRET="+g.w.acpSecret,
		"https://portcullis.example.com/default/system", g.w.acpURL)
	g.run(1)
	g.run(2)
	if err := g.w.fire(g.ctx); err != nil {
		g.t.Fatal(err)
	}
	g.b.Click("QUICK START")
	g.sees("API groups have been discovered")
	g.shot("quick-start")
}

func (g *tour) connectService() {
	g.b.Click("CONNECT TO YOUR APIS")
	g.sees("PetStore/dev", "APIS", "+ New service")
	g.b.Click("APIs")
	g.sees("AUTHORIZATION")
	g.b.Click("CREATE SERVICE")
	g.b.Fill("name", "Pet store")
	g.b.Click("Create")
	g.sees("ADD GATEWAY API")
	g.b.Click("ADD GATEWAY API")
	g.sees("Add Gateway API Groups", "Connect")
	g.b.Choose("#group", "PetStore/dev")
	g.shot("add-gateway-api")
	if g.scripts { // from the gateway
		g.b.Open("/app/default/gateways/" + g.w.gatewayID + "/apis")
		g.b.Choose(`[aria-label="Service for PetStore/dev"]`, "Pet store")
		g.b.Click("Connect PetStore/dev")
	} else { // from the service
		g.b.Click("Connect")
	}
	g.sees("API group connected.", "Pet store")
	attached := func(ctx context.Context) (bool, error) {
		_, done, err := g.w.attached(ctx)
		return done, err
	}
	if err := g.w.fire(g.ctx); err != nil {
		g.t.Fatal(err)
	}
	if err := eventually(g.ctx, 40*time.Second, "every method but OPTIONS to have the authorizer", attached); err != nil {
		g.t.Fatal(err)
	}
	g.b.Open("/app/default/gateways/" + g.w.gatewayID + "/apis")
	g.sees("PetStore/dev", "Pet store", "Needs Deploy API")
	g.shot("api-groups")
	g.run(3, "abc123", g.w.restAPIID)
}

func (g *tour) applyPolicy() {
	g.b.Click("Policies")
	g.sees("Policies", "CREATE POLICY")
	g.b.Click("CREATE POLICY")
	g.b.Fill("name", "Known caller")
	g.b.Click("Create")
	g.sees("Policy created.")
	g.b.Click("CARDS")
	g.b.Choose(`[name="c.kind"]`, "Authentication context")
	g.b.Do(chromedp.Click(portaltest.Named("Add card")))
	g.b.Says("2. Authentication context")
	g.b.Do(chromedp.SendKeys(`//input[@name="c.1.0.field"]`, "iss"), chromedp.SendKeys(`//input[@name="c.1.0.value"]`, g.w.world.portalURL+"/default/"+workspace))
	g.b.Do(chromedp.Click(chromedp.CSS(`[data-card="c.0"] .pop > summary`)), chromedp.Click(portaltest.Named("Remove: card 1"))) // a new policy denies everybody
	g.b.Says("1. Authentication context")
	g.b.Click("Save")
	g.sees("Policy saved.", "iss equals")
	g.shot("policy")
	g.b.Click("APIs")
	g.sees("AUTHORIZATION", "None")
	g.b.Click("Edit GET /pets")
	g.sees("Edit API", "Update")
	g.b.Choose("#policy_id", "Known caller")
	g.shot("edit-api")
	g.b.Click("Update")
	g.sees("Policy assignment updated.", "Known caller")
}

func (g *tour) confirm() {
	err := eventually(g.ctx, 30*time.Second, "403 Forbidden", func(ctx context.Context) (bool, error) {
		r, err := g.w.curl(ctx, http.MethodGet, "/pets", "invalid_token")
		return r.status == http.StatusForbidden, err
	})
	if err != nil {
		g.t.Fatal(err)
	}
	out := g.run(4, "https://abc123.execute-api.eu-west-1.amazonaws.com/dev", g.w.invokeURL)
	for _, want := range []string{" 403 ", "AccessDeniedException", `{"Message":"User is not authorized to access this resource with an explicit deny"}`} {
		if !strings.Contains(out, want) {
			g.t.Errorf("curl did not print %s: %s", want, out)
		}
	}
	g.steps(g.w.confirm()[1:2]) // no token at all
	// Request events leave the function in batches, with the next request where a burst left some over.
	err = eventually(g.ctx, 30*time.Second, "the denial to show on the Overview page", func(ctx context.Context) (bool, error) {
		if _, err := g.w.curl(ctx, http.MethodGet, "/files/readme.txt", ""); err != nil {
			return false, err
		}
		g.b.Open("/app/default/overview")
		return g.shows([]string{"token_inactive"}), nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
	g.sees("Overview", "GET /pets")
	g.shot("overview")
}

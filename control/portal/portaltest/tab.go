package portaltest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Tab is a real browser's tab.
type Tab struct {
	t    *testing.T
	ctx  context.Context
	base string
}

// OpenTab starts Chromium for the pages at base, such as http://127.0.0.1:8080; the tab is closed when the test ends. Without it the test is skipped, or fails where PORTCULLIS_REQUIRE_CHROMIUM is set.
func OpenTab(t *testing.T, base string) *Tab {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("PORTCULLIS_REQUIRE_CHROMIUM") != "" {
			t.Fatal("Chromium is not in PATH; on Debian: apt-get install chromium")
		}
		t.Skip("Chromium is not in PATH; on Debian: apt-get install chromium")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("close the browser: %v", err)
		}
		cancel()
	})
	b := &Tab{t: t, ctx: ctx, base: base}
	// The browser lives as long as the context of the first action, so that one is not a step's.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return b
}

// Context is the browser's, for chromedp's own functions.
func (b *Tab) Context() context.Context { return b.ctx }

// Do carries out the steps; each has 20 seconds.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Shot("failed")
		b.t.Fatalf("%v; the page says: %s", err, clip(b.Text()))
	}
}

// Open goes to a path below base.
func (b *Tab) Open(path string) { b.t.Helper(); b.Do(chromedp.Navigate(b.base + path)) }

// Click clicks what a person would call by this name and waits for the page it leads to.
func (b *Tab) Click(name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(Named(name))); err != nil {
		b.Shot("failed")
		b.t.Fatalf("click %q: %v; the page says: %s", name, err, clip(b.Text()))
	}
}

// Named finds a link or a button by its text or label that is not below a popup.
func Named(name string) string {
	return fmt.Sprintf(`(//*[self::a or self::button or self::summary][not(ancestor-or-self::*[@inert])][not(@hidden)][normalize-space(.)=%[1]q or @aria-label=%[1]q])[1]`, name)
}

// Fill replaces what the input with this id holds.
func (b *Tab) Fill(id, text string) {
	b.t.Helper()
	if b.edits(id) {
		b.fillEditor(id, text)
		return
	}
	b.Do(chromedp.Clear(chromedp.ID(id)), chromedp.SendKeys(chromedp.ID(id), text))
}

// Press presses one printable key as a keyboard does: a page that prevents the key's default gets no character. (The three
// events of chromedp.KeyEvent carry the character apart, and it arrives all the same.)
func (b *Tab) Press(key rune) {
	b.t.Helper()
	events := kb.Encode(key) // down, character, up
	events[0].Text = string(key)
	for _, e := range []*input.DispatchKeyEventParams{events[0], events[len(events)-1]} {
		if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, *e); err != nil {
			b.t.Fatalf("press %q: %v", key, err)
		}
	}
}

// Choose picks an option of a drop-down by its text.
func (b *Tab) Choose(css, option string) {
	b.t.Helper()
	found := Evaluate[bool](b, fmt.Sprintf(`(() => { const s = document.querySelector(%q); const o = [...s.options].find(o => o.text.trim().startsWith(%q)); if (o) s.value = o.value; return !!o })()`, css, option))
	if !found {
		b.t.Fatalf("%s has no option %q", css, option)
	}
}

// Says waits until the page shows the words.
func (b *Tab) Says(words ...string) {
	b.t.Helper()
	for _, w := range words {
		until := time.Now().Add(10 * time.Second)
		for !strings.Contains(b.Text(), w) {
			if time.Now().After(until) {
				b.Shot("failed")
				b.t.Fatalf("the page does not say %q; it says: %s", w, clip(b.Text()))
			}
			b.Do(chromedp.Sleep(100 * time.Millisecond))
		}
	}
}

// Text is what the page shows, with what its inputs hold, on one line.
func (b *Tab) Text() string {
	b.t.Helper()
	return strings.Join(strings.Fields(Evaluate[string](b, `(document.body?.innerText || "") + " " + [...document.querySelectorAll("input")].map(i => i.value).join(" ")`)), " ")
}

// Evaluate is the value of a JavaScript expression in the page; a promise is waited for.
func Evaluate[T any](b *Tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("evaluate %s: %v", clip(expression), err)
	}
	return v
}

// Shot saves the whole page, or the window where a popup is open, in 256 colours: where PORTCULLIS_SCREENSHOTS names a
// directory.
func (b *Tab) Shot(name string) {
	dir := os.Getenv("PORTCULLIS_SCREENSHOTS")
	if dir == "" {
		return
	}
	take := chromedp.FullScreenshot(100)
	if Evaluate[bool](b, `!!document.querySelector("dialog")`) {
		take = chromedp.CaptureScreenshot() // a popup covers the window, not the page
	}
	img, err := chromedp.Run(b.ctx, take)
	if err == nil {
		img, err = paletted(img)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), img, 0o644)
	}
	if err != nil {
		b.t.Logf("screenshot %s: %v", name, err)
	}
}

// paletted makes a PNG a quarter of its size: a page has few colours besides the soft edges of its letters, so the 256 most
// frequent ones stand for all.
func paletted(full []byte) ([]byte, error) {
	img, err := png.Decode(bytes.NewReader(full))
	if err != nil {
		return nil, err
	}
	count := map[color.Color]int{}
	bounds := img.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[img.At(x, y)]++
		}
	}
	palette := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int {
		return cmp.Or(count[b]-count[a], cmp.Compare(luminance(a), luminance(b)))
	})
	small := image.NewPaletted(bounds, palette[:min(256, len(palette))])
	nearest := map[color.Color]uint8{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := img.At(x, y)
			i, known := nearest[c]
			if !known {
				i = uint8(small.Palette.Index(c))
				nearest[c] = i
			}
			small.SetColorIndex(x, y, i)
		}
	}
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small)
	return out.Bytes(), err
}

func luminance(c color.Color) uint32 {
	r, g, b, _ := c.RGBA()
	return r + g + b
}

// Copies presses a Copy button and looks at the clipboard.
func (b *Tab) Copies(button, want string) {
	b.t.Helper()
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		if _, err := chromedp.CallBrowser(b.ctx, cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{
			Permission: &cdpbrowser.PermissionDescriptor{Name: name}, Setting: cdpbrowser.PermissionSettingGranted}); err != nil {
			b.t.Fatal(err)
		}
	}
	b.Do(chromedp.Click(Named(button)))
	b.Says("Copied")
	until := time.Now().Add(10 * time.Second)
	for got := ""; got != want; got = Evaluate[string](b, "navigator.clipboard.readText()") {
		if time.Now().After(until) {
			b.t.Fatalf("%s put %d characters on the clipboard that are not the value", button, len(got))
		}
	}
}

// Broken collects what the browser complains of: a Content-Security-Policy that stops something, a script that fails.
func Broken(b *Tab) func() []string {
	var said []string
	done := make(chan struct{})
	messages := chromedp.Console(b.ctx)
	go func() {
		defer close(done)
		for m, err := range messages {
			if err != nil {
				return
			}
			if s := fmt.Sprint(m); strings.Contains(s, "Content Security Policy") || m.IsException() {
				said = append(said, s)
			}
			if strings.Contains(fmt.Sprint(m), "portcullis: end of test") {
				return
			}
		}
	}()
	return func() []string {
		Evaluate[int](b, `console.log("portcullis: end of test"), 0`)
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			b.t.Error("the browser's console does not answer")
			return nil
		}
		return said
	}
}

// Theme sets the theme as the browser's cookie.
func (b *Tab) Theme(name string) {
	b.t.Helper()
	b.Open("/app/")
	if _, err := chromedp.Call(b.ctx, network.SetCookie, network.SetCookieParams{Name: "portcullis-theme", Value: name, URL: b.base + "/app/"}); err != nil {
		b.t.Fatal(err)
	}
}

// Check runs axe on the page: every rule, or contrast alone.
func (b *Tab) Check(axe []byte, what string, contrast bool) {
	b.t.Helper()
	b.Shot(strings.NewReplacer("/", "_", "?", "_", " ", "_").Replace(what))
	b.Do(chromedp.Evaluate[chromedp.Void](string(axe) + ";0"))
	// axe fails on a page that a script changes under its eyes; it is looked at again when that has settled.
	run := `axe.run(` + map[bool]string{true: `{runOnly: ["color-contrast"]}`}[contrast] + `)`
	look := run + `.catch(() => new Promise(done => setTimeout(done, 500)).then(() => ` + run + `))`
	for _, v := range Evaluate[[]string](b, look+`.then(r => r.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.html.slice(0, 160)).slice(0, 3).join(" | ")))`) {
		b.t.Errorf("%s: %s", what, v)
	}
}

// NoScripts switches JavaScript off for the pages opened from now on.
func (b *Tab) NoScripts() {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return chromedp.Void{}, err
	}); err != nil {
		b.t.Fatal(err)
	}
}

func clip(s string) string {
	if len(s) > 1500 {
		return s[:1500] + "…"
	}
	return s
}

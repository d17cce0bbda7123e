package portaltest

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// editorOf is the part of the page in which the text area with this id is edited, where a script has made it an editor.
func editorOf(id string) string { return fmt.Sprintf(`.cm-editor[data-for=%q] .cm-content`, id) }

// edits reports whether the text area with this id is shown as an editor.
func (b *Tab) edits(id string) bool {
	b.t.Helper()
	return Evaluate[bool](b, fmt.Sprintf(`!!document.querySelector(%q)`, editorOf(id)))
}

// Insert puts a text in at the cursor at once, as a paste does.
func (b *Tab) Insert(text string) {
	b.t.Helper()
	b.Do(func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
		return chromedp.Void{}, err
	})
}

// fillEditor replaces the text of an editor.
func (b *Tab) fillEditor(id, text string) {
	b.t.Helper()
	b.Do(chromedp.Click(chromedp.CSS(editorOf(id))), chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.KeyEvent("\b"))
	b.Insert(text)
}

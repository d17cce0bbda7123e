// The editor of policies, requests and cases: every textarea with data-editor is shown in CodeMirror. The textarea stays in
// the form and keeps the text, so the form is posted as it is without a script.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, linter, lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { classHighlighter, tagHighlighter, tags } from "@lezer/highlight";
import { cedar } from "./cedar";
import { checker } from "./check";
import { source, type Words } from "./complete";
import { rego } from "./rego";

const languages: Record<string, () => Extension> = {
  rego: () => [rego(), indentUnit.of("\t")],
  cedar: () => [cedar(), indentUnit.of("  ")],
  visual: () => [yaml(), indentUnit.of("  ")],
  yaml: () => [yaml(), indentUnit.of("  ")],
  json: () => [json(), indentUnit.of("  ")],
};

// The Content-Security-Policy allows a style element that has the nonce of this answer.
const nonce = document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? "";

// The classes of the tokens are coloured by editor.css, which knows the theme.
const functions = tagHighlighter([{ tag: tags.function(tags.variableName), class: "tok-function" }]);

function words(area: HTMLTextAreaElement): Words | undefined {
  const at = area.dataset.words && document.getElementById(area.dataset.words);
  return at ? (JSON.parse(at.textContent || "null") ?? undefined) : undefined;
}

function edit(area: HTMLTextAreaElement): void {
  const language = area.dataset.editor!;
  const label = area.labels?.[0];
  const status = document.createElement("div");
  status.className = "sr";
  status.setAttribute("role", "status");

  const keep = (view: EditorView) => {
    area.value = view.state.doc.toString();
  };
  const extensions: Extension[] = [
    lineNumbers(), highlightActiveLineGutter(), highlightSpecialChars(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(),
    highlightActiveLine(), highlightSelectionMatches(), EditorState.tabSize.of(4), EditorView.cspNonce.of(nonce), syntaxHighlighting(classHighlighter), syntaxHighlighting(functions),
    languages[language]?.() ?? [],
    // Tab indents; Escape and then Tab leaves the editor, as the hint below it says.
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap, indentWithTab]),
    EditorView.contentAttributes.of({
      tabindex: "0",
      "aria-label": (label?.textContent ?? "").trim(), "aria-describedby": [area.getAttribute("aria-describedby"), `${area.id}-keys`].filter(Boolean).join(" "),
      ...(area.readOnly ? { "aria-readonly": "true" } : {}),
    }),
    EditorView.editorAttributes.of({ "data-for": area.id, class: area.rows > 15 ? "tall" : "low", ...(area.getAttribute("aria-invalid") !== null ? { "data-invalid": "" } : {}) }),
    EditorView.updateListener.of((u) => {
      if (!u.docChanged) return;
      keep(u.view);
      document.getElementById(`${area.id}-problems`)?.remove(); // what a save said of the text as it was
    }),
    EditorState.readOnly.of(area.readOnly),
  ];
  const known = words(area);
  if (known && !area.readOnly) extensions.push(autocompletion({ override: [source(language, known)], icons: false }));
  if (area.dataset.check && !area.readOnly) {
    const say = (problems: Diagnostic[], view: EditorView) => {
      const text = problems.length === 0 ? "" : problems.map((p) => `Line ${view.state.doc.lineAt(p.from).number}: ${p.message}`).slice(0, 3).join("\n");
      if (status.textContent !== text) status.textContent = text;
    };
    extensions.push(lintGutter(), linter(checker(area.dataset.check, () => ({}), say), { delay: 400 }));
  }
  const view = new EditorView({ state: EditorState.create({ doc: area.value, extensions }) });
  const keys = document.createElement("div");
  keys.className = "hint keys";
  keys.id = `${area.id}-keys`;
  keys.textContent = "Tab indents; Escape, then Tab leaves the editor." + (known ? " Control and Space completes." : "");
  area.after(view.dom, keys, status);
  area.hidden = true;
  label?.addEventListener("click", (e) => {
    e.preventDefault();
    view.focus();
  });
  area.form?.addEventListener("submit", () => keep(view), { capture: true });
}

for (const area of document.querySelectorAll<HTMLTextAreaElement>("textarea[data-editor]")) edit(area);

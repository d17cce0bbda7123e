// What is wrong with the text, asked of the server after a pause in typing: the same check that a save makes.
import type { Diagnostic } from "@codemirror/lint";
import type { Text } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";

interface Problem {
  line: number; // from 1; 0: no place in particular
  column: number;
  text: string;
  warning: boolean;
}

// most is the longest text that is sent; a longer policy is refused on save anyway.
const most = 256 * 1024;

// checker asks address about the text of an editor; form names what else is sent. A newer question ends an older one.
export function checker(address: string, form: () => Record<string, string>, say: (problems: Diagnostic[], view: EditorView) => void) {
  let running: AbortController | undefined;
  return async (view: EditorView): Promise<readonly Diagnostic[]> => {
    running?.abort();
    const mine = (running = new AbortController());
    const doc = view.state.doc;
    if (doc.length > most) return [];
    const timeout = setTimeout(() => mine.abort(), 15_000);
    try {
      const answer = await fetch(address, { method: "POST", body: new URLSearchParams({ ...form(), text: doc.toString() }), redirect: "error", signal: mine.signal, headers: { Accept: "application/json" } });
      if (!answer.ok || !answer.headers.get("Content-Type")?.startsWith("application/json")) return [];
      const list = ((await answer.json()) as { problems: Problem[] }).problems.map((p) => diagnostic(doc, p));
      say(list, view);
      return list;
    } catch {
      return []; // typed on, or the server is away: a save says what is wrong
    } finally {
      clearTimeout(timeout);
    }
  };
}

// diagnostic marks the word at the place of a problem. The server counts characters, the editor UTF-16 units.
function diagnostic(doc: Text, p: Problem): Diagnostic {
  const severity = p.warning ? "warning" : "error";
  if (p.line < 1) return { from: 0, to: doc.line(1).to, severity, message: p.text };
  const line = doc.line(Math.min(p.line, doc.lines));
  if (p.column < 1) return { from: line.from, to: line.to, severity, message: p.text };
  const before = [...line.text].slice(0, p.column - 1).join("").length;
  const from = Math.min(line.from + before, line.to);
  const word = /^(?:[\w.$-]+|\S)/.exec(doc.sliceString(from, line.to));
  return { from, to: word ? from + word[0].length : Math.min(from + 1, line.to), severity, message: p.text };
}

// Rego for the editor: enough of its grammar to colour it and to indent blocks. Written from the language's reference.
import { StreamLanguage, type StreamParser } from "@codemirror/language";

const keywords = new Set("package import as default not with some every in if contains else".split(" "));
const atoms = new Set(["true", "false", "null"]);
const documents = new Set(["input", "data"]);

interface State {
  raw: boolean; // inside a `raw text`, which may go over several lines
  depth: number; // open brackets
}

export const parser: StreamParser<State> = {
  name: "rego",
  startState: () => ({ raw: false, depth: 0 }),
  token(stream, state) {
    if (state.raw) {
      state.raw = !stream.skipTo("`");
      if (state.raw) stream.skipToEnd();
      else stream.next();
      return "string";
    }
    if (stream.eatSpace()) return null;
    if (stream.peek() === "#") {
      stream.skipToEnd();
      return "comment";
    }
    if (stream.eat("`")) {
      state.raw = true;
      return "string";
    }
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return "string";
    if (stream.match(/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/)) return "number";
    const word = stream.match(/^[A-Za-z_][A-Za-z0-9_]*/) as RegExpMatchArray | null;
    if (word) {
      const name = word[0];
      if (stream.string.charAt(stream.start - 1) === ".") return stream.match(/^\(/, false) ? "variableName.function" : "propertyName";
      if (keywords.has(name)) return "keyword";
      if (atoms.has(name)) return "atom";
      if (documents.has(name)) return "variableName.special";
      // A built-in such as net.cidr_contains( is a function as a whole.
      if (stream.match(/^(?:\.[A-Za-z_][A-Za-z0-9_]*)*(?=\()/)) return "variableName.function";
      return "variableName";
    }
    const sign = stream.next()!;
    if ("{[(".includes(sign)) state.depth++;
    if ("}])".includes(sign)) state.depth = Math.max(0, state.depth - 1);
    if ("{}[]()".includes(sign)) return "bracket";
    if (":=!<>|&+-*/%".includes(sign)) {
      stream.match(/^=/);
      return "operator";
    }
    return "punctuation";
  },
  indent(state, after, cx) {
    return (state.depth - (/^[}\])]/.test(after) ? 1 : 0)) * cx.unit;
  },
  languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["(", "[", "{", '"', "`"] } },
  tokenTable: {},
};

export const rego = () => StreamLanguage.define(parser);

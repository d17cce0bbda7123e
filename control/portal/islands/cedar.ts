// Cedar for the editor: enough of its grammar to colour it and to indent blocks. Written from the language's reference.
import { StreamLanguage, type StreamParser } from "@codemirror/language";

const keywords = new Set("permit forbid when unless if then else in like is has".split(" "));
const atoms = new Set(["true", "false"]);
const variables = new Set(["principal", "action", "resource", "context"]);

interface State {
  depth: number; // open brackets
}

export const parser: StreamParser<State> = {
  name: "cedar",
  startState: () => ({ depth: 0 }),
  token(stream, state) {
    if (stream.eatSpace()) return null;
    if (stream.match("//")) {
      stream.skipToEnd();
      return "comment";
    }
    if (stream.match(/^@[A-Za-z_][A-Za-z0-9_]*/)) return "annotation";
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return "string";
    if (stream.match(/^\d+/)) return "number";
    // Entities are written Type::"id", types may have a namespace.
    if (stream.match(/^[A-Za-z_][A-Za-z0-9_]*(?=\s*::)/)) return "typeName";
    const word = stream.match(/^\??[A-Za-z_][A-Za-z0-9_]*/) as RegExpMatchArray | null;
    if (word) {
      const name = word[0];
      if (stream.string.charAt(stream.start - 1) === ".") return stream.match(/^\(/, false) ? "variableName.function" : "propertyName";
      if (keywords.has(name)) return "keyword";
      if (atoms.has(name)) return "atom";
      if (variables.has(name.replace("?", ""))) return "variableName.special";
      if (stream.match(/^\(/, false)) return "variableName.function";
      return /\bis\s+$/.test(stream.string.slice(0, stream.start)) ? "typeName" : "propertyName";
    }
    const sign = stream.next()!;
    if ("{[(".includes(sign)) state.depth++;
    if ("}])".includes(sign)) state.depth = Math.max(0, state.depth - 1);
    if ("{}[]()".includes(sign)) return "bracket";
    if ("=!<>|&+-*".includes(sign)) {
      stream.match(/^[=|&]/);
      return "operator";
    }
    return "punctuation";
  },
  indent(state, after, cx) {
    return (state.depth - (/^[}\])]/.test(after) ? 1 : 0)) * cx.unit;
  },
  languageData: { commentTokens: { line: "//" }, closeBrackets: { brackets: ["(", "[", "{", '"'] } },
  tokenTable: {},
};

export const cedar = () => StreamLanguage.define(parser);

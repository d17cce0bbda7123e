// Completion of what a policy can read: the members of the input come from the server, with the page, in the spelling of
// each language; so do the validators and comparators of visual policies. The words of Rego and Cedar are here.
import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";

export interface Words {
  members: { name: string; text: string }[];
  validators?: { name: string; text: string }[];
  comparators?: { name: string; text: string }[];
}

// keywords :: language → its words and the functions that policies use most
const keywords: Record<string, string[]> = {
  rego: ["allow if {", "default allow := false", "contains", "else", "every", "if", "import", "in", "not", "package acp.authz", "some", "with", "true", "false", "null",
    "count(", "startswith(", "endswith(", "lower(", "upper(", "split(", "sprintf(", "regex.match(", "glob.match(", "net.cidr_contains(", "object.get(", "time.now_ns()",
    "time.weekday(", "time.clock(", "to_number(", "is_string(", "array.concat(", "trim_prefix("],
  cedar: ["permit (principal, action, resource)", "forbid (principal, action, resource)", "principal", "action", "resource", "context", "when { }", "unless { }", "in", "has", "like", "is",
    "if", "then", "else", "true", "false", "contains(", "containsAll(", "containsAny(", "isInRange(", "ip(", "decimal(", "datetime(", "duration(", "getTag(", "hasTag(", "lessThan(", "greaterThan(",
    'Action::"read"', 'Action::"write"', 'User::""', 'Client::""', 'Group::""', 'Role::""', 'Service::""', 'API::""'],
};

// source makes the source of completions for one editor.
export function source(language: string, words: Words): (cx: CompletionContext) => CompletionResult | null {
  const members = words.members.map((m): Completion => ({
    label: m.name, detail: m.text, type: "variable",
    // What stands for a name is left to be typed.
    apply: m.name.replace(/<[^>]*>.*$/, ""),
  }));
  const own = (keywords[language] ?? []).map((label): Completion => ({ label, type: label.endsWith("(") || label.endsWith("()") ? "function" : "keyword", boost: -10 }));
  const pick = (list?: { name: string; text: string }[]) => (list ?? []).map((x): Completion => ({ label: x.name, detail: x.text, type: "constant" }));
  const validators = pick(words.validators);
  const comparators = pick(words.comparators);

  return (cx) => {
    const line = cx.state.doc.lineAt(cx.pos);
    const before = line.text.slice(0, cx.pos - line.from);
    if (language === "visual") {
      const at = /(?:^|[\s{,-])"?(name|comparator|field|value)"?:\s*["']?([^"',{}]*)$/.exec(before);
      if (!at) return null;
      const from = cx.pos - at[2].length;
      switch (at[1]) {
        case "name": return { from, options: validators, validFor: /^[\w-]*$/ };
        case "comparator": return { from, options: comparators, validFor: /^\w*$/ };
        case "field": return { from, options: members, validFor: /^[\w.#-]*$/ };
      }
      if (!at[2].startsWith("$")) return null;
      return { from: from + 1, options: members, validFor: /^[\w.#-]*$/ };
    }
    // Inside a text there is nothing to complete but the name of a header, which is not known.
    if ((before.match(/(?<!\\)"/g) ?? []).length % 2) return null;
    const word = /[A-Za-z_][\w.]*$/.exec(before);
    if (!word) return cx.explicit ? { from: cx.pos, options: [...members, ...own] } : null;
    const from = cx.pos - word[0].length;
    if (before[word.index - 1] === ".") return null;
    return { from, options: [...members, ...own], validFor: /^[\w.]*$/ };
  };
}

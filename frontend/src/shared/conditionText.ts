import type { Operator } from "../api/generated";
import { emptyGroup, type Group, type Item, prune, type Row } from "./condition";

/**
 * The text form of a search, which the URL holds:
 *
 *     process contains "powershell" AND NOT (ip in "10.0.0.0/8" OR port = ("443", "80"))
 *
 * AND binds closer than OR. A quote inside of a value is doubled.
 */
const WORDS: Record<Operator, string> = {
  EQUALS: "=",
  CONTAINS: "contains",
  STARTS_WITH: "starts",
  ENDS_WITH: "ends",
  WILDCARD: "like",
  REGEX: "matches",
  CIDR: "in",
  GT: ">",
  GTE: ">=",
  LT: "<",
  LTE: "<=",
  EXISTS: "exists",
};
const BY_WORD = new Map(Object.entries(WORDS).map(([operator, word]) => [word, operator as Operator]));
const MAX_DEPTH = 32;

export class SyntaxIssue extends Error {
  constructor(
    readonly expected: string,
    readonly at: number,
  ) {
    super(`${expected} expected at ${at + 1}`);
  }
}

const quote = (value: string) => `"${value.replaceAll('"', '""')}"`;

function writeItem(item: Item, outer?: "and" | "or"): string {
  const not = item.not ? "NOT " : "";
  if (item.kind === "row") {
    const values = item.values.map(quote);
    const operand =
      item.operator === "EXISTS" ? "" : ` ${values.length === 1 ? values[0] : `(${values.join(", ")})`}`;
    return `${not}${item.field} ${WORDS[item.operator]}${operand}`;
  }
  const inner = item.items.map((i) => writeItem(i, item.join)).join(item.join === "and" ? " AND " : " OR ");
  return outer === undefined && !item.not ? inner : `${not}(${inner})`;
}

export function writeCondition(root: Item): string {
  const pruned = prune(root);
  return pruned ? writeItem(pruned) : "";
}

interface Token {
  kind: "word" | "value" | "sign" | "end";
  text: string;
  at: number;
}

function* tokens(text: string): Generator<Token> {
  const pattern = /\s+|"((?:[^"]|"")*)"|(>=|<=|[()=<>,])|([^\s"()=<>,]+)/gy;
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const found = pattern.exec(text);
    if (!found) throw new SyntaxIssue('"', at);
    const [, value, sign, word] = found;
    if (value !== undefined) yield { kind: "value", text: value.replaceAll('""', '"'), at };
    else if (sign !== undefined) yield { kind: "sign", text: sign, at };
    else if (word !== undefined) yield { kind: "word", text: word, at };
  }
  yield { kind: "end", text: "", at: text.length };
}

/** The search that a text says, or what is wrong with it. */
export function readCondition(text: string): { group?: Group; issue?: SyntaxIssue } {
  try {
    return { group: parseCondition(text) };
  } catch (issue) {
    if (issue instanceof SyntaxIssue) return { issue };
    throw issue;
  }
}

/** @throws SyntaxIssue that says what was expected and where. */
export function parseCondition(text: string): Group {
  const all = [...tokens(text)];
  let i = 0;
  const peek = () => all[i] ?? { kind: "end" as const, text: "", at: text.length };
  const next = () => {
    const token = peek();
    i += 1;
    return token;
  };
  const isWord = (word: string) => peek().kind === "word" && peek().text.toUpperCase() === word;
  const isSign = (sign: string) => peek().kind === "sign" && peek().text === sign;
  const takeSign = (sign: string) => {
    if (!isSign(sign)) throw new SyntaxIssue(sign, peek().at);
    i += 1;
  };

  function joined(join: "and" | "or", depth: number): Item {
    const part = () => (join === "or" ? joined("and", depth) : single(depth));
    const items = [part()];
    while (isWord(join.toUpperCase())) {
      i += 1;
      items.push(part());
    }
    const [first] = items;
    return items.length === 1 && first ? first : { kind: "group", not: false, join, items };
  }

  function single(depth: number): Item {
    if (depth > MAX_DEPTH) throw new SyntaxIssue(`≤ ${MAX_DEPTH} (`, peek().at);
    if (isWord("NOT")) {
      i += 1;
      const inner = single(depth + 1);
      return inner.not ? { ...emptyGroup([inner]), not: true } : { ...inner, not: true };
    }
    if (isSign("(")) {
      i += 1;
      const inner = joined("or", depth + 1);
      takeSign(")");
      return inner.kind === "group" && !inner.not ? inner : emptyGroup([inner]);
    }
    return row();
  }

  function row(): Row {
    const field = next();
    if (field.kind !== "word") throw new SyntaxIssue("field", field.at);
    const sign = next();
    const operator = BY_WORD.get(sign.text.toLowerCase());
    if (!operator || sign.kind === "value") throw new SyntaxIssue([...BY_WORD.keys()].join(" "), sign.at);
    return {
      kind: "row",
      not: false,
      field: field.text,
      operator,
      values: operator === "EXISTS" ? [] : values(),
    };
  }

  function values(): string[] {
    const value = () => {
      const token = next();
      if (token.kind !== "value" && token.kind !== "word") throw new SyntaxIssue("value", token.at);
      return token.text;
    };
    if (!isSign("(")) return [value()];
    i += 1;
    const list = [value()];
    while (isSign(",")) {
      i += 1;
      list.push(value());
    }
    takeSign(")");
    return list;
  }

  if (peek().kind === "end") return emptyGroup();
  const root = joined("or", 0);
  if (peek().kind !== "end") throw new SyntaxIssue("AND OR", peek().at);
  return root.kind === "group" && !root.not ? root : emptyGroup([root]);
}

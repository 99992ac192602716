import type { ConditionInput, Operator } from "../api/generated";

/** One line of the search form. */
export interface Row {
  kind: "row";
  not: boolean;
  field: string;
  operator: Operator;
  /** Any of them may match. */
  values: string[];
}

/** Rows and groups joined by one word. */
export interface Group {
  kind: "group";
  not: boolean;
  join: "and" | "or";
  items: Item[];
}

export type Item = Row | Group;

/** The search form's criteria; each stands for several fields of the event. */
export const CRITERIA = ["ip", "port", "host", "process", "file", "registryKey", "registryValue", "hash"];

export const OPERATORS: Operator[] = [
  "CONTAINS",
  "EQUALS",
  "STARTS_WITH",
  "ENDS_WITH",
  "WILDCARD",
  "REGEX",
  "CIDR",
  "GT",
  "GTE",
  "LT",
  "LTE",
  "EXISTS",
];

/** Criteria that are usually given whole. */
const EXACT = new Set(["ip", "port", "hash", "EventID", "ProcessGuid", "ProcessId"]);

export const usualOperator = (field: string): Operator => (EXACT.has(field) ? "EQUALS" : "CONTAINS");

export const emptyRow = (field = "process"): Row => ({
  kind: "row",
  not: false,
  field,
  operator: usualOperator(field),
  values: [],
});

export const emptyGroup = (items: Item[] = []): Group => ({ kind: "group", not: false, join: "and", items });

export const match = (field: string, value: string, operator: Operator = "EQUALS", not = false): Row => ({
  kind: "row",
  not,
  field,
  operator,
  values: [value],
});

/** The events that have the value. No engine compares with an empty one: it is there, and has no character. */
export const only = (field: string, value: string): Item =>
  value === ""
    ? emptyGroup([{ ...match(field, ""), operator: "EXISTS" }, match(field, "?*", "WILDCARD", true)])
    : match(field, value);

const isComplete = (row: Row) =>
  row.field !== "" && (row.operator === "EXISTS" || row.values.some((v) => v !== ""));

/** Without rows that say nothing yet and groups that hold nothing. `undefined` when nothing is left. */
export function prune(item: Item): Item | undefined {
  if (item.kind === "row") {
    if (!isComplete(item)) return undefined;
    return { ...item, values: item.operator === "EXISTS" ? [] : item.values.filter((v) => v !== "") };
  }
  const items = item.items.map(prune).filter((i) => i !== undefined);
  return items.length === 0 ? undefined : { ...item, items };
}

/** The API's form; `undefined` is every event. */
export function conditionInput(item: Item): ConditionInput | undefined {
  const pruned = prune(item);
  return pruned && toInput(pruned);
}

/** A condition of the API as the form has it. */
export function fromInput(input: ConditionInput | null | undefined): Group {
  const item = input && readInput(input);
  return item ? fromItem(item) : emptyGroup();
}

function readInput(input: ConditionInput): Item | undefined {
  if (input.match) {
    const { field, operator, values } = input.match;
    return { kind: "row", not: false, field, operator: operator ?? "EQUALS", values: values ?? [] };
  }
  if (input.not) {
    const inner = readInput(input.not);
    if (!inner) return undefined;
    return inner.not ? { ...emptyGroup([inner]), not: true } : { ...inner, not: true };
  }
  const join = input.or ? "or" : "and";
  const items = (input.or ?? input.and ?? []).map(readInput).filter((i) => i !== undefined);
  return { kind: "group", not: false, join, items };
}

function toInput(item: Item): ConditionInput {
  if (item.not) return { not: toInput({ ...item, not: false }) };
  if (item.kind === "row") {
    const { field, operator, values } = item;
    return { match: operator === "EXISTS" ? { field, operator } : { field, operator, values } };
  }
  const inputs = item.items.map(toInput);
  const [only] = inputs;
  if (inputs.length === 1 && only) return only;
  return item.join === "and" ? { and: inputs } : { or: inputs };
}

/** Adds what must hold as well; alone it is the whole. */
export function also(root: Group, item: Item): Group {
  const pruned = prune(root);
  if (!pruned) return fromItem(item);
  if (pruned.kind === "group" && pruned.join === "and" && !pruned.not) {
    return { ...pruned, items: [...pruned.items, item] };
  }
  return emptyGroup([pruned, item]);
}

const fromItem = (item: Item): Group => (item.kind === "group" && !item.not ? item : emptyGroup([item]));

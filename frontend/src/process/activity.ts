import { emptyGroup, type Group, match } from "../shared/condition";
import { activityOf } from "../shared/entity";

export interface Filter {
  code?: number;
  keyword?: string;
  hash?: string;
}

/** Where a keyword is looked for: whatever a person may remember of what a process did. */
const KEYWORD_FIELDS = [
  "process",
  "file",
  "registryKey",
  "registryValue",
  "CommandLine",
  "ParentCommandLine",
  "QueryName",
  "QueryResults",
  "PipeName",
  "DestinationIp",
  "SourceIp",
  "DestinationHostname",
  "SourceHostname",
  "User",
];

/** The events of a process that pass a filter. */
export function filtered(guid: string, { code, keyword, hash }: Filter): Group {
  const all: Group = emptyGroup([activityOf(guid)]);
  if (code !== undefined) all.items.push(match("EventID", String(code)));
  if (hash) all.items.push(match("hash", hash));
  if (keyword)
    all.items.push({
      ...emptyGroup(KEYWORD_FIELDS.map((field) => match(field, keyword, "CONTAINS"))),
      join: "or",
    });
  return all;
}

export const plainGuid = (guid: string | null | undefined) => (guid ?? "").replace(/[{}]/g, "").toLowerCase();

/** What part the process has in an event of its activity. */
export function partOf(
  guid: string,
  event: { code: number; target?: string | null; parent?: string | null },
): "acted" | "target" | "child" | "begun" {
  if (plainGuid(event.parent) === guid) return "child";
  if (event.code === 1) return "begun";
  return plainGuid(event.target) === guid ? "target" : "acted";
}

export interface Touched {
  type: string;
  kind: string;
  label: string;
}

export interface Compared extends Touched {
  first: boolean;
  second: boolean;
}

/** What each of two processes touched, by what it is and is called: hosts do not matter. */
export function compare(first: Touched[], second: Touched[]): Compared[] {
  const all = new Map<string, Compared>();
  const note = (touched: Touched[], side: "first" | "second") => {
    for (const t of touched) {
      const key = `${t.type} ${t.kind} ${t.label.toLowerCase()}`;
      const known = all.get(key) ?? { ...t, first: false, second: false };
      all.set(key, { ...known, [side]: true });
    }
  };
  note(first, "first");
  note(second, "second");
  return [...all.values()].sort((a, b) => a.type.localeCompare(b.type) || a.label.localeCompare(b.label));
}

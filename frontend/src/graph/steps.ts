/**
 * What was done with a graph since it was opened, one step after the other, as the address holds it behind its `#`:
 * whoever opens it does the same again. A step is a kind and its operands:
 *
 *     expand ID [EDGE DIRECTION]    page ID EDGE DIRECTION    open GROUP    split GROUP BY    fold ID    unfold ID
 *     drop ID    move ID COLUMN ROW    layout NAME    arrange NAME    more    path FROM TO NUMBER    beside ID ID
 */
export type Step = readonly [kind: StepKind, ...operands: string[]];

const KINDS = [
  "expand",
  "page",
  "open",
  "split",
  "fold",
  "unfold",
  "drop",
  "move",
  "layout",
  "arrange",
  "more",
  "path",
  "beside",
] as const;
export type StepKind = (typeof KINDS)[number];

/** Each may be a request to the server, and an address has to fit into a mail. */
const MOST_STEPS = 200;
const MOST_CHARACTERS = 16_000;

/** Steps of which only the last counts. */
const replaces = (before: Step | undefined, step: Step) =>
  (step[0] === "move" && before?.[0] === "move" && before[1] === step[1]) ||
  (step[0] === "layout" && before?.[0] === "layout");

export const record = (steps: readonly Step[], step: Step): readonly Step[] =>
  replaces(steps.at(-1), step) ? [...steps.slice(0, -1), step] : [...steps, step];

/** Letters that mean something between operands, too. */
const quote = (text: string) =>
  encodeURIComponent(text).replace(/[.*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** Steps as text, and how many of the first ones it holds. */
export function writeSteps(steps: readonly Step[]): { text: string; held: number } {
  let text = "";
  let held = 0;
  for (const step of steps.slice(0, MOST_STEPS)) {
    const one = step.map(quote).join(".");
    if (text.length + one.length >= MOST_CHARACTERS) break;
    text += text ? `*${one}` : one;
    held += 1;
  }
  return { text, held };
}

export function readSteps(text: string): Step[] {
  const steps: Step[] = [];
  for (const one of text ? text.split("*").slice(0, MOST_STEPS) : []) {
    try {
      const [kind, ...operands] = one.split(".").map(decodeURIComponent);
      const known = KINDS.find((k) => k === kind);
      if (known) steps.push([known, ...operands]);
    } catch {
      // Not percent-encoded as it should be: someone has typed it.
    }
  }
  return steps;
}

/** How a drawing is looked at. */
export interface Look {
  /** Node or group chosen. */
  at?: string;
  find?: string;
  hits?: boolean;
  rule?: string;
  brush?: [number, number];
  view?: "graph" | "table";
}

/** Steps and look as the part of an address behind `#`. */
export function writeExploration(steps: readonly Step[], look: Look): { hash: string; held: number } {
  const params = new URLSearchParams();
  const { text, held } = writeSteps(steps);
  if (text) params.set("steps", text);
  if (look.at) params.set("at", look.at);
  if (look.find) params.set("find", look.find);
  if (look.hits) params.set("hits", look.rule || "any");
  if (look.brush) params.set("brush", look.brush.map(Math.round).join("-"));
  if (look.view === "table") params.set("view", "table");
  const hash = params.toString();
  return { hash: hash && `#${hash}`, held };
}

export function readExploration(hash: string): { steps: Step[]; look: Look } {
  const params = new URLSearchParams(hash.slice(1));
  const brush = /^(\d{1,16})-(\d{1,16})$/.exec(params.get("brush") ?? "");
  const rule = params.get("hits");
  const look: Look = {
    at: params.get("at") ?? undefined,
    find: params.get("find") ?? undefined,
    hits: rule !== null,
    rule: rule === "any" ? undefined : (rule ?? undefined),
    brush: brush ? [Number(brush[1]), Number(brush[2])] : undefined,
    view: params.get("view") === "table" ? "table" : "graph",
  };
  return { steps: readSteps(params.get("steps") ?? ""), look };
}

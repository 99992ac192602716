import { type Item, match } from "../shared/condition";
import { type Period, presetMillis } from "../shared/period";

/** A statistic: values of fields, within the events of some codes. */
export interface Kind {
  fields: string[];
  codes?: string[];
}

export const KINDS = {
  addresses: { fields: ["DestinationIp"] },
  ports: { fields: ["DestinationPort"] },
  domains: { fields: ["QueryName"] },
  processes: { fields: ["Image"], codes: ["1"] },
  pairs: { fields: ["ParentImage", "Image"], codes: ["1"] },
  operations: { fields: ["EventType"], codes: ["12", "13", "14"] },
  images: { fields: ["ImageLoaded"] },
  hashes: { fields: ["SHA256"] },
  registry: { fields: ["TargetObject"] },
  files: { fields: ["TargetFilename"] },
} satisfies Record<string, Kind>;
export type KindName = keyof typeof KINDS;
export const KIND_NAMES = Object.keys(KINDS) as KindName[];

/** What the events of a statistic must fulfil. */
export const within = ({ codes }: Kind): Item[] =>
  codes ? [{ ...match("EventID", ""), values: codes }] : [];

export const VIEWS = ["top", "rare", "new", "compare", "heat"] as const;
export type View = (typeof VIEWS)[number];

const time = (t: number) => new Date(t).toISOString();

/** Begin and end of a period, as far as it has them. */
export function ends({ last, from, to }: Period, now: number): { from?: number; to?: number } {
  const length = last && presetMillis(last);
  if (length) return { from: now - length, to: now };
  return { ...(from && { from: Date.parse(from) }), ...(to && { to: Date.parse(to) }) };
}

/**
 * What a period is compared with: all that was before it for what is new in it; and by default the time of the same
 * length before it for how it differs. `undefined` where the period has no begin.
 */
export function baselineOf(view: View, period: Period, chosen: Period, now: number): Period | undefined {
  const { from, to = now } = ends(period, now);
  if (from === undefined || to <= from) return undefined;
  if (view === "new") return { to: time(from) };
  if (chosen.from || chosen.to) return chosen;
  return { from: time(from - (to - from)), to: time(from) };
}

/** Orders of statistics as the address has them: `ports:-HOSTS,domains:VALUE`. */
export function readOrders(text: string | null): Map<string, string> {
  return new Map(
    (text ?? "").split(",").flatMap((part) => {
      const [name, order] = part.split(":");
      return name && order ? [[name, order] as const] : [];
    }),
  );
}

export const writeOrders = (orders: Map<string, string>) =>
  [...orders].map(([name, order]) => `${name}:${order}`).join(",");

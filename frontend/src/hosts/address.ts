import type { HostOrder } from "../api/generated";
import { type Period, periodInput, presetMillis, writePeriod } from "../shared/period";

/** What the address of the page holds besides the period. */
const NAMES = [
  "host",
  "tab",
  "category",
  "silent",
  "order",
  "name",
  "rare",
  "everywhere",
  "sort",
  "event",
] as const;

export type Change = { [name in (typeof NAMES)[number]]?: string | null } & { period?: Period };

/** Puts a change into the parameters of an address. */
export function changed(old: URLSearchParams, change: Change): URLSearchParams {
  const params = new URLSearchParams(old);
  for (const name of NAMES) {
    const value = change[name];
    if (value) params.set(name, value);
    else if (value !== undefined) params.delete(name);
  }
  if (change.period) writePeriod(change.period, params);
  return params;
}

const ORDERS: Record<string, HostOrder> = {
  name: "NAME",
  events: "EVENTS",
  first: "FIRST_SEEN",
  last: "LAST_SEEN",
};

interface Wanted {
  period: Period;
  /** How long without an event; empty is of no matter. */
  silent: string;
  /** A part of the name. */
  name: string;
  order: string;
}

/**
 * Which hosts the API is asked for. One that has been silent for longer than the period has no event in it: then all
 * events up to the end of the period count.
 */
export function hostsWanted({ period, silent, name, order }: Wanted, now: number) {
  const length = presetMillis(silent);
  const end = period.to ? Date.parse(period.to) : now;
  return {
    period: periodInput(length ? { ...(period.to && { to: period.to }) } : period, now),
    filter: {
      ...(name && { name }),
      ...(length && { silentSince: new Date(end - length).toISOString() }),
    },
    order: ORDERS[order.replace("-", "")] ?? ("NAME" as const),
    descending: order.startsWith("-"),
  };
}

import { addressOf } from "./address";
import type { Item } from "./condition";
import { writeCondition } from "./conditionText";
import { type Period, writePeriod } from "./period";

function link(path: string, values: Record<string, string | undefined>, period?: Period): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value) params.set(name, value);
  if (period) writePeriod(period, params);
  return addressOf(path, params);
}

export const searchLink = (condition: Item, period?: Period, event?: string) =>
  link("/search", { q: writeCondition(condition), event }, period);
/** The search for something, about to become a rule. */
export const newRuleLink = (condition: Item) =>
  link("/search", { q: writeCondition(condition), rule: "new" });
export const graphLink = (node: string, period?: Period) => link("/graph", { node }, period);
/** A process, or two compared. */
export const processLink = (guid: string, other?: string, period?: Period) =>
  link("/process", { guid, with: other }, period);
export const treeLink = (host: string, period?: Period) => link("/graph", { host }, period);
export const hostLink = (host: string, period?: Period) => link("/hosts", { host }, period);
/** Hits of a rule, on all hosts or one. */
export const hitsLink = (rule: string, host?: string) => link("/alerts", { rule, host });
export const ruleLink = (id: string) => link("/rules", { rule: id });
/** Which hosts, or processes, have events that fulfil something. */
export const carriersLink = (field: string, condition: Item, period?: Period) =>
  link("/statistics", { only: "own", field, q: writeCondition(condition) }, period);

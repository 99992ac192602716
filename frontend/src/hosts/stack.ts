export interface Bucket {
  start: string;
  category: string;
  count: number;
}

/** Per time slot the counts of each category. */
export function stack(buckets: Bucket[]): { start: string; total: number; parts: Map<string, number> }[] {
  const slots = new Map<string, Map<string, number>>();
  for (const { start, category, count } of buckets) {
    const parts = slots.get(start) ?? new Map<string, number>();
    parts.set(category, (parts.get(category) ?? 0) + count);
    slots.set(start, parts);
  }
  return [...slots]
    .sort(([a], [b]) => Date.parse(a) - Date.parse(b))
    .map(([start, parts]) => ({ start, parts, total: [...parts.values()].reduce((a, b) => a + b, 0) }));
}

/** Counts of each category over all slots. */
export function shares(buckets: Bucket[]): Map<string, number> {
  const totals = new Map<string, number>();
  for (const { category, count } of buckets) totals.set(category, (totals.get(category) ?? 0) + count);
  return totals;
}

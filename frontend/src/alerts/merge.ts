/** Puts what came in live before what the list holds; a hit that is in both is shown once. */
export function mergeHits<T extends { id: string }>(fresh: T[], listed: T[]): { hits: T[]; added: number } {
  const known = new Set(listed.map((h) => h.id));
  const added = fresh.filter((h) => !known.has(h.id));
  return { hits: [...added, ...listed], added: added.length };
}

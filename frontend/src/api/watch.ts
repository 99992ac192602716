import type { DocumentNode } from "graphql";
import { mapExchange } from "urql";

/** A query that was answered. */
export interface Answer {
  query: DocumentNode;
  variables: unknown;
  milliseconds: number;
  failed: boolean;
}

const listeners = new Set<(answer: Answer) => void>();
/** When what has no answer yet was asked, by the key of the operation. */
const started = new Map<number, number>();

/** Hears of every query of the page from now on, until what it returns is called. */
export function watchQueries(listener: (answer: Answer) => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export const watchExchange = mapExchange({
  onOperation(operation) {
    if (operation.kind === "query") started.set(operation.key, performance.now());
    else if (operation.kind === "teardown") started.delete(operation.key);
  },
  onResult({ operation, error }) {
    const start = started.get(operation.key);
    started.delete(operation.key);
    if (operation.kind !== "query" || start === undefined) return;
    const { query, variables } = operation;
    const answer = { query, variables, milliseconds: performance.now() - start, failed: error !== undefined };
    for (const listener of listeners) listener(answer as Answer);
  },
});

import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { useCallback, useEffect, useRef, useState } from "react";
import type { CombinedError } from "urql";
import { client } from "./client";

interface Connection<T> {
  nodes: T[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  total?: { value: number; exact: boolean };
}

export interface Pages<T> {
  items: T[];
  total?: { value: number; exact: boolean };
  more: boolean;
  loading: boolean;
  error?: CombinedError;
  loadMore: () => void;
  reload: () => void;
  /** Asks once more for the page that failed, and keeps those before it. */
  retry: () => void;
}

type State<T> = Omit<Pages<T>, "loadMore" | "reload" | "retry"> & { cursor: string | null };

/**
 * Reads a connection page by page by its cursor. Starts again when the variables change; `pause` asks nothing.
 */
export function usePages<D, V extends { after?: string | null }, T>(
  document: TypedDocumentNode<D, V>,
  variables: Omit<V, "after">,
  connection: (data: D) => Connection<T>,
  pause = false,
): Pages<T> {
  const empty: State<T> = { items: [], more: false, loading: !pause, cursor: null };
  const [state, setState] = useState<State<T>>(empty);
  const [turn, setTurn] = useState(0);
  const key = JSON.stringify(variables);
  const asked = useRef(0);
  const latest = useRef({ document, variables, connection });
  latest.current = { document, variables, connection };

  const ask = useCallback(async (after: string | null) => {
    const number = ++asked.current;
    const now = latest.current;
    setState((s) => ({ ...s, loading: true, error: undefined }));
    const result = await client.query(now.document, { ...now.variables, after } as V).toPromise();
    if (number !== asked.current) return;
    setState((s) => {
      if (!result.data) return { ...s, loading: false, error: result.error };
      const page = now.connection(result.data);
      return {
        items: after === null ? page.nodes : [...s.items, ...page.nodes],
        total: page.total ?? s.total,
        more: page.pageInfo.hasNextPage,
        cursor: page.pageInfo.endCursor,
        loading: false,
        error: result.error,
      };
    });
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for the variables, `turn` for reload.
  useEffect(() => {
    const loading = !pause;
    // What is on its way no longer counts.
    asked.current += 1;
    setState({ items: [], total: undefined, more: false, cursor: null, loading, error: undefined });
    if (!pause) void ask(null);
  }, [ask, key, turn, pause]);

  const reload = useCallback(() => setTurn((t) => t + 1), []);
  const { cursor, ...rest } = state;
  return {
    ...rest,
    loadMore: () => {
      if (state.more && !state.loading) void ask(cursor);
    },
    reload,
    retry: () => (state.items.length > 0 && state.more ? void ask(cursor) : reload()),
  };
}

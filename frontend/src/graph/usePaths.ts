import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { PathsDocument, type PeriodInput } from "../api/generated";
import { edgeKey } from "./model";
import type { FoundPath, PathSearch } from "./PathPanel";
import type { GraphState } from "./useGraph";

export const LONGEST = 15;

/** Paths between two nodes of the drawing: the first is chosen, then the second; what is found is drawn. */
export function usePaths(graph: GraphState, period: PeriodInput | undefined) {
  const { ask, drawChain, opening } = graph;
  const [from, setFrom] = useState<string>();
  const [search, setSearch] = useState<PathSearch>();
  const [chosen, setChosen] = useState(0);
  /** What is looked for now: an answer to what was looked for before is of no use. */
  const turn = useRef(0);
  const clear = useCallback(() => {
    turn.current += 1;
    setFrom(undefined);
    setSearch(undefined);
    setChosen(0);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another graph has other nodes.
  useEffect(clear, [opening]);

  const draw = useCallback(
    (path: FoundPath | undefined, number: number) => {
      const [first, last] = [path?.nodes[0], path?.nodes.at(-1)];
      if (path && first && last)
        drawChain(["path", first.id, last.id, String(number)], path.nodes, path.edges);
    },
    [drawChain],
  );
  const find = useCallback(
    async (a: string, b: string) => {
      turn.current += 1;
      const mine = turn.current;
      setSearch({ from: a, to: b, loading: true, reversed: false });
      setChosen(0);
      const there = await ask(PathsDocument, { from: a, to: b, period, longest: LONGEST });
      if (mine !== turn.current) return;
      let reversed = false;
      let result = there.data?.paths;
      if (result?.items.length === 0) {
        // People think of two nodes, not of which of them came first.
        const back = await ask(PathsDocument, { from: b, to: a, period, longest: LONGEST });
        if (mine !== turn.current) return;
        if (back.data?.paths.items.length) {
          reversed = true;
          result = back.data.paths;
        }
      }
      setSearch({ from: a, to: b, loading: false, failed: there.error, result, reversed });
      draw(result?.items[0], 0);
    },
    [ask, draw, period],
  );
  const choose = useCallback(
    (id: string) => {
      if (from === undefined) setFrom(id);
      else if (from === id) clear();
      else {
        setFrom(undefined);
        void find(from, id);
      }
    },
    [from, clear, find],
  );
  const path = search?.result?.items[chosen];
  const nodes = useMemo(() => path && new Set(path.nodes.map((n) => n.id)), [path]);
  const edges = useMemo(() => path && new Set(path.edges.map(edgeKey)), [path]);
  return {
    from,
    search,
    chosen,
    nodes,
    edges,
    choose,
    clear,
    pick: (i: number) => {
      setChosen(i);
      draw(search?.result?.items[i], i);
    },
  };
}

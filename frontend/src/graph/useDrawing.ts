import { useCallback, useEffect, useRef, useState } from "react";
import type { CombinedError } from "urql";
import { client } from "../api/client";
import {
  AroundDocument,
  type Direction,
  type EdgeType,
  type EmptyReason,
  GraphNodeDocument,
  NeighboursDocument,
  type PeriodInput,
  ProcessByGuidDocument,
  ProcessTreeDocument,
} from "../api/generated";
import { LEVELS } from "../shared/colours";
import { type Branch, type Drawing, grow, growTree, nothing, tree } from "./model";

export interface Start {
  node?: string;
  guid?: string;
  host?: string;
}

/** Where the reading of one node's neighbours of one type stands. */
export interface Reading {
  loading: boolean;
  more: boolean;
  cursor: string | null;
  leftOut: number;
  reason: EmptyReason | null;
  error?: CombinedError;
}

/** What is known about a node before its neighbours are read. */
export interface Around {
  degrees: { edge: EdgeType; direction: Direction; total: number }[];
  /** Level of its worst rule hit. */
  worst: string | undefined;
}

const DESCENDANTS = 200;
const TREE_PAGE = 200;
const NEIGHBOURS = 50;
const DEGREES_AT_ONCE = 50;

const worstLevel = (hits: { level: string }[]) =>
  LEVELS.find((l) => hits.some((h) => h.level === l)) ?? hits[0]?.level;

/** `edge` undefined: every type. */
export const readingKey = (id: string, edge?: EdgeType, direction?: Direction) =>
  `${id} ${edge ?? "*"} ${direction ?? "*"}`;

/** The graph as it grows from where it starts. */
export function useDrawing(start: Start, period: PeriodInput | undefined) {
  const [drawing, setDrawing] = useState<Drawing>(nothing);
  const [origin, setOrigin] = useState<string>();
  const [around, setAround] = useState<ReadonlyMap<string, Around>>(new Map());
  const [readings, setReadings] = useState<ReadonlyMap<string, Reading>>(new Map());
  const [loading, setLoading] = useState(false);
  const [error, setError] = useState<CombinedError>();
  const [reason, setReason] = useState<EmptyReason | "GONE" | null>(null);
  /** What a tree leaves out: of the host's processes, or of a process's descendants. */
  const [rest, setRest] = useState<{ shown: number; total: number; cursor: string | null }>();
  const turn = useRef(0);
  const readingsNow = useRef(readings);
  readingsNow.current = readings;
  const key = JSON.stringify([start, period]);

  const open = useCallback(async (from: Start, during: PeriodInput | undefined) => {
    turn.current += 1;
    const mine = turn.current;
    const current = () => mine === turn.current;
    setDrawing(nothing);
    setOrigin(undefined);
    setReadings(new Map());
    setAround(new Map());
    setError(undefined);
    setReason(null);
    setRest(undefined);
    if (!from.node && !from.guid && !from.host) return;
    setLoading(true);
    const fail = (e: CombinedError | undefined) => {
      setError(e);
      setLoading(false);
    };
    if (from.host) {
      const result = await client
        .query(ProcessTreeDocument, { host: from.host, period: during, first: TREE_PAGE })
        .toPromise();
      if (!current()) return;
      const found = result.data?.processTree;
      if (!found) return fail(result.error);
      setDrawing(tree(found.processes));
      setReason(found.reason);
      setRest({ shown: found.processes.length, total: found.total.value, cursor: found.pageInfo.endCursor });
      setLoading(false);
      return;
    }
    let id = from.node;
    if (!id && from.guid) {
      const result = await client.query(ProcessByGuidDocument, { guid: from.guid }).toPromise();
      if (!current()) return;
      if (result.error) return fail(result.error);
      id = result.data?.process?.id;
    }
    if (!id) {
      setReason("GONE");
      setLoading(false);
      return;
    }
    const result = await client.query(GraphNodeDocument, { id, descendants: DESCENDANTS }).toPromise();
    if (!current()) return;
    const node = result.data?.graphNode;
    if (!node) {
      if (!result.error) setReason("GONE");
      return fail(result.error);
    }
    const { lineage, ...self } = node;
    const chain = lineage?.ancestors.filter((a) => a.id !== node.id) ?? [];
    const up: Branch[] = [self, ...chain].map((n, i) => ({ node: n, parent: chain[i]?.id ?? null }));
    const down = lineage?.descendants.filter((d) => d.node.id !== node.id) ?? [];
    setDrawing(tree([...up.reverse(), ...down]));
    setOrigin(node.id);
    if (lineage && lineage.descendantsLeftOut > 0) {
      setRest({ shown: down.length, total: down.length + lineage.descendantsLeftOut, cursor: null });
    }
    setLoading(false);
  }, []);

  useEffect(() => {
    const [from, during] = JSON.parse(key) as [Start, PeriodInput | undefined];
    void open(from, during ?? undefined);
  }, [key, open]);

  // Degrees come before neighbours do: how much there is around each node that is drawn.
  useEffect(() => {
    const unknown = [...drawing.nodes.keys()].filter((id) => !around.has(id)).slice(0, DEGREES_AT_ONCE);
    if (unknown.length === 0) return;
    let stopped = false;
    void client
      .query(AroundDocument, { ids: unknown })
      .toPromise()
      .then(({ data }) => {
        if (stopped) return;
        setAround((old) => {
          const next = new Map(old);
          for (const id of unknown) next.set(id, { degrees: [], worst: undefined });
          for (const node of data?.nodes ?? [])
            if (node && "degrees" in node)
              next.set(node.id, { degrees: node.degrees, worst: worstLevel(node.hits) });
          return next;
        });
      });
    return () => {
      stopped = true;
    };
  }, [drawing, around]);

  const expand = useCallback(
    async (id: string, edge?: EdgeType, direction?: Direction) => {
      const name = readingKey(id, edge, direction);
      const old = readingsNow.current.get(name);
      if (old?.loading || (old && !old.more && !old.error)) return;
      const mine = turn.current;
      const set = (change: Partial<Reading>) =>
        setReadings((all) => {
          const now = all.get(name) ?? { loading: false, more: true, cursor: null, leftOut: 0, reason: null };
          return new Map(all).set(name, { ...now, ...change });
        });
      set({ loading: true, error: undefined });
      const result = await client
        .query(NeighboursDocument, {
          id,
          edges: edge && [edge],
          direction,
          period,
          first: NEIGHBOURS,
          after: old?.cursor,
        })
        .toPromise();
      if (mine !== turn.current) return;
      const page = result.data?.graphNode?.neighbours;
      if (!page) return set({ loading: false, error: result.error });
      setDrawing((d) => grow(d, id, page.edges));
      set({
        loading: false,
        more: page.pageInfo.hasNextPage,
        cursor: page.pageInfo.endCursor,
        leftOut: page.leftOut,
        reason: page.reason,
      });
    },
    [period],
  );

  const moreOfTree = useCallback(async () => {
    if (!start.host || !rest?.cursor) return;
    const mine = turn.current;
    setLoading(true);
    const result = await client
      .query(ProcessTreeDocument, { host: start.host, period, first: TREE_PAGE, after: rest.cursor })
      .toPromise();
    if (mine !== turn.current) return;
    setLoading(false);
    const found = result.data?.processTree;
    if (!found) return setError(result.error);
    setDrawing((d) => growTree(d, found.processes));
    setRest({
      shown: rest.shown + found.processes.length,
      total: found.total.value,
      cursor: found.pageInfo.hasNextPage ? found.pageInfo.endCursor : null,
    });
  }, [start.host, rest, period]);

  return { drawing, origin, around, readings, loading, error, reason, rest, expand, moreOfTree };
}

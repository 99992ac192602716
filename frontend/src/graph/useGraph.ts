import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { CombinedError, OperationResult } from "urql";
import {
  type Direction,
  type EdgeType,
  type EmptyReason,
  FindNodesDocument,
  GraphNodeDocument,
  MembersDocument,
  type NeighbourGrouping,
  NeighbourGroupsDocument,
  NeighboursDocument,
  type NeighboursQuery,
  type NodePartsFragment,
  type PeriodInput,
  ProcessTreeDocument,
  type ProcessTreeQuery,
} from "../api/generated";
import { type Degree, useAround } from "./around";
import { useAsk } from "./ask";
import { unfold } from "./fold";
import { useHistory } from "./history";
import {
  addGroups,
  type Branch,
  type Drawing,
  type Found,
  grow,
  growTree,
  nothing,
  type Reading,
  shrinkGroup,
  splitInto,
  tree,
} from "./model";

export interface Start {
  node?: string;
  /** Exact name of a node: a ProcessGuid, hash, address, domain, host, user, path, pipe. */
  name?: string;
  host?: string;
}

type NeighboursPage = NonNullable<NeighboursQuery["graphNode"]>["neighbours"];

/** More neighbours of one type than this are drawn as a group. */
export const GROUP_ABOVE = 50;
const DESCENDANTS = 500;
const TREE_PAGE = 500;
const TREE_PAGES = 2;
const PAGE = 50;
const FEW = 500;
const SUB_GROUPS = 100;
const CHOICES = 100;

export const readingKey = (id: string, edge: EdgeType, direction: Direction) => `${id} ${edge} ${direction}`;

/** The graph as it grows from where it starts. */
export function useGraph(start: Start, period: PeriodInput | undefined) {
  const { asked, ask } = useAsk();
  const history = useHistory<Drawing>(nothing);
  const { now: drawing, change, reset } = history;
  const [origin, setOrigin] = useState<string>();
  const [choices, setChoices] = useState<NodePartsFragment[]>([]);
  const { around, degreesOf, forget } = useAround(drawing, period, ask);
  const [busy, setBusy] = useState<ReadonlySet<string>>(new Set());
  const [errors, setErrors] = useState<ReadonlyMap<string, CombinedError>>(new Map());
  const [loading, setLoading] = useState(false);
  const [error, setError] = useState<CombinedError>();
  const [reason, setReason] = useState<EmptyReason | "GONE" | null>(null);
  /** What a tree leaves out: of the host's processes, or of a process's descendants. */
  const [rest, setRest] = useState<{ shown: number; total: number; cursor: string | null }>();
  const turn = useRef(0);
  const latest = useRef({ drawing, busy });
  latest.current = { drawing, busy };
  const key = JSON.stringify([start, period]);

  /** Runs one reading; its key is busy meanwhile, and keeps the error if it fails. */
  const reading = useCallback(
    async (name: string, read: (current: () => boolean) => Promise<CombinedError | undefined>) => {
      if (latest.current.busy.has(name)) return;
      const mine = turn.current;
      const current = () => mine === turn.current;
      setBusy((all) => new Set(all).add(name));
      const failed = await read(current);
      if (!current()) return;
      setBusy((all) => new Set([...all].filter((n) => n !== name)));
      setErrors((all) => {
        const next = new Map(all);
        next.delete(name);
        if (failed) next.set(name, failed);
        return next;
      });
    },
    [],
  );

  const open = useCallback(
    async (from: Start, during: PeriodInput | undefined) => {
      turn.current += 1;
      const mine = turn.current;
      const current = () => mine === turn.current;
      reset(nothing);
      setOrigin(undefined);
      setChoices([]);
      forget();
      setBusy(new Set());
      setErrors(new Map());
      setError(undefined);
      setReason(null);
      setRest(undefined);
      if (!from.node && !from.name && !from.host) return setLoading(false);
      setLoading(true);
      const end = (e?: CombinedError, why: EmptyReason | "GONE" | null = null) => {
        setError(e);
        setReason(why);
        setLoading(false);
      };
      if (from.host) {
        let branches: Branch[] = [];
        let after: string | null = null;
        for (let page = 0; page < TREE_PAGES; page += 1) {
          const result: OperationResult<ProcessTreeQuery> = await ask(ProcessTreeDocument, {
            host: from.host,
            period: during,
            first: TREE_PAGE,
            after,
          });
          if (!current()) return;
          const found = result.data?.processTree;
          if (!found) return end(result.error);
          branches = [...branches, ...found.processes];
          after = found.pageInfo.hasNextPage ? found.pageInfo.endCursor : null;
          if (page === 0) setReason(found.reason);
          reset(tree(branches));
          setRest({
            shown: Math.min(branches.length, found.total.value),
            total: found.total.value,
            cursor: after,
          });
          if (after === null) return end(undefined, found.reason);
        }
        return end();
      }
      let id = from.node;
      if (!id && from.name) {
        const result = await ask(FindNodesDocument, { name: from.name, first: CHOICES });
        if (!current()) return;
        const found = result.data?.findNodes;
        if (!found) return end(result.error);
        if (found.length > 1) {
          setChoices(found);
          return end();
        }
        id = found[0]?.id;
      }
      if (!id) return end(undefined, "GONE");
      const result = await ask(GraphNodeDocument, { id, descendants: DESCENDANTS });
      if (!current()) return;
      const node = result.data?.graphNode;
      if (!node) return end(result.error, result.error ? null : "GONE");
      const { lineage, ...self } = node;
      const chain: Branch[] = lineage?.ancestors.length ? lineage.ancestors : [{ node: self, parent: null }];
      const down = lineage?.descendants ?? [];
      reset(tree([...[...chain].reverse(), ...down]));
      setOrigin(node.id);
      if (lineage && lineage.descendantsLeftOut > 0) {
        setRest({ shown: down.length, total: down.length + lineage.descendantsLeftOut, cursor: null });
      }
      end();
    },
    [ask, forget, reset],
  );

  useEffect(() => {
    const [from, during] = JSON.parse(key) as [Start, PeriodInput | null];
    void open(from, during ?? undefined);
  }, [key, open]);

  /** One page of the neighbours of one type, drawn one by one. */
  const readPage = useCallback(
    (id: string, edge: EdgeType, direction: Direction) =>
      reading(readingKey(id, edge, direction), async (current) => {
        const name = readingKey(id, edge, direction);
        const old = latest.current.drawing.readings.get(name);
        if (old && !old.more) return undefined;
        const result = await ask(NeighboursDocument, {
          id,
          edges: [edge],
          direction,
          period,
          first: PAGE,
          after: old?.cursor,
        });
        const page = result.data?.graphNode?.neighbours;
        if (!page || !current()) return result.error;
        const next: Reading = {
          more: page.pageInfo.hasNextPage,
          cursor: page.pageInfo.endCursor,
          leftOut: page.leftOut,
          reason: page.reason,
        };
        change((d) => {
          const grown = grow(d, id, page.edges);
          return { ...grown, readings: new Map(grown.readings).set(name, next) };
        });
        return result.error;
      }),
    [ask, change, period, reading],
  );

  /** Draws the neighbours of a node: of each type all when they are few, a group when they are many. */
  const expand = useCallback(
    async (id: string, edge?: EdgeType, direction?: Direction) => {
      if (latest.current.drawing.collapsed.has(id)) return change((d) => unfold(d, id));
      await reading(id, async (current) => {
        const degrees = await degreesOf(id);
        if (!Array.isArray(degrees)) return degrees;
        if (!current()) return undefined;
        const wanted = degrees
          .map((d) => ({ ...d, count: period ? d.inPeriod : d.total }))
          .filter((d) => (!edge || d.edge === edge) && (!direction || d.direction === direction));
        const many = wanted.filter((d) => d.count > GROUP_ABOVE);
        const isOpen = (d: Degree) =>
          latest.current.drawing.readings.has(readingKey(id, d.edge, d.direction));
        const groups = many
          .filter((d) => !isOpen(d))
          .map((d) => ({
            by: id,
            edge: d.edge,
            direction: d.direction,
            total: d.count,
            shown: 0,
            cursor: null,
          }));
        const few = wanted.filter((d) => d.count <= GROUP_ABOVE && d.count > 0);
        const found: Found[] = [];
        const readings: [string, Reading][] = [];
        for (const side of ["OUT", "IN"] as const) {
          const types = few.filter((d) => d.direction === side);
          // All of them fit in one page, or nearly.
          for (let after: string | undefined, more = types.length > 0; more; ) {
            const edges = types.map((d) => d.edge);
            const asking = { id, edges, direction: side, period, first: FEW, after };
            const result: OperationResult<NeighboursQuery> = await ask(NeighboursDocument, asking);
            const page = result.data?.graphNode?.neighbours;
            if (!page || !current()) return result.error;
            found.push(...page.edges);
            after = page.pageInfo.endCursor ?? undefined;
            more = page.pageInfo.hasNextPage;
          }
          for (const d of types)
            readings.push([
              readingKey(id, d.edge, side),
              { more: false, cursor: null, leftOut: 0, reason: null },
            ]);
        }
        // One click is one step back.
        change((d) => {
          const grown = addGroups(grow(d, id, found), groups);
          return { ...grown, readings: new Map([...grown.readings, ...readings]) };
        });
        return undefined;
      });
    },
    [ask, change, degreesOf, period, reading],
  );

  const openGroup = useCallback(
    (groupId: string) =>
      reading(groupId, async (current) => {
        const group = latest.current.drawing.groups.get(groupId);
        if (!group) return undefined;
        const { by, edge, direction, split } = group;
        let { cursor: after } = group;
        let page: Pick<NeighboursPage, "edges" | "pageInfo"> | undefined;
        let failed: CombinedError | undefined;
        // What is rare among very many may not be among the next of them.
        do {
          const asking = { id: by, edges: [edge], direction, period, first: PAGE, after };
          const result = split
            ? await ask(MembersDocument, { ...asking, by: split.by, key: split.key })
            : await ask(NeighboursDocument, asking);
          const node = result.data?.graphNode;
          page = node ? ("members" in node ? node.members : node.neighbours) : undefined;
          failed = result.error;
          if (!page || !current()) return failed;
          after = page.pageInfo.endCursor;
        } while (page.edges.length === 0 && page.pageInfo.hasNextPage);
        const drawn = page;
        const cursor = drawn.pageInfo.hasNextPage ? drawn.pageInfo.endCursor : null;
        change((d) => {
          const readings = split
            ? d.readings
            : new Map(d.readings).set(readingKey(by, edge, direction), {
                more: cursor !== null,
                cursor,
                leftOut: Math.max(0, group.total - group.shown - drawn.edges.length),
                reason: null,
              });
          return shrinkGroup({ ...grow(d, by, drawn.edges), readings }, groupId, drawn.edges.length, cursor);
        });
        return failed;
      }),
    [ask, change, period, reading],
  );

  const splitGroup = useCallback(
    (groupId: string, by: NeighbourGrouping) =>
      reading(groupId, async (current) => {
        const group = latest.current.drawing.groups.get(groupId);
        if (!group || group.split || group.rest?.groups === 0) return undefined;
        const { by: id, edge, direction, rest: left } = group;
        const grouping = left?.by ?? by;
        const result = await ask(NeighbourGroupsDocument, {
          id,
          by: grouping,
          edges: [edge],
          direction,
          period,
          first: SUB_GROUPS,
          skip: left?.skip ?? 0,
        });
        const found = result.data?.graphNode?.groups;
        if (!found || !current()) return result.error;
        change((d) => splitInto(d, groupId, grouping, { ...found, total: found.total.value }));
        return result.error;
      }),
    [ask, change, period, reading],
  );

  const moreOfTree = useCallback(async () => {
    if (!start.host || !rest?.cursor) return;
    const mine = turn.current;
    setLoading(true);
    const result = await ask(ProcessTreeDocument, {
      host: start.host,
      period,
      first: TREE_PAGE,
      after: rest.cursor,
    });
    if (mine !== turn.current) return;
    setLoading(false);
    const found = result.data?.processTree;
    if (!found) return setError(result.error);
    change((d) => growTree(d, found.processes));
    setRest({
      shown: Math.min(rest.shown + found.processes.length, found.total.value),
      total: found.total.value,
      cursor: found.pageInfo.hasNextPage ? found.pageInfo.endCursor : null,
    });
  }, [ask, change, start.host, rest, period]);

  return useMemo(
    () => ({
      ...history,
      drawing,
      origin,
      choices,
      around,
      busy,
      errors,
      loading,
      error,
      reason,
      rest,
      asked,
      ask,
      expand,
      readPage,
      openGroup,
      splitGroup,
      moreOfTree,
    }),
    [
      history,
      drawing,
      origin,
      choices,
      around,
      busy,
      errors,
      loading,
      error,
      reason,
      rest,
      asked,
      ask,
      expand,
      readPage,
      openGroup,
      splitGroup,
      moreOfTree,
    ],
  );
}

export type GraphState = ReturnType<typeof useGraph>;

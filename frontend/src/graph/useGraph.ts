import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { CombinedError, OperationResult } from "urql";
import {
  type Direction,
  type EdgePartsFragment,
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
import { again } from "./again";
import { useAround } from "./around";
import { useAsk } from "./ask";
import { unfold } from "./fold";
import { useHistory } from "./history";
import {
  addChain,
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
import { CHOICES, expanded, isUnopened, paged, readingKey } from "./reading";
import { readExploration, record, type Step } from "./steps";

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

/** The graph as it grows from where it starts. */
export function useGraph(start: Start, period: PeriodInput | undefined) {
  const { asked, ask } = useAsk();
  const history = useHistory<Drawing>(nothing);
  const { now: drawing, change: put, reset, peek } = history;
  const [origin, setOrigin] = useState<string>();
  const [choices, setChoices] = useState<NodePartsFragment[]>([]);
  const { around, degreesOf, forget, failed: uncounted, retry: recount } = useAround(drawing, period, ask);
  /** Which graph it is: another one each time that it starts anew. */
  const [opening, setOpening] = useState(0);
  const [busy, setBusy] = useState<ReadonlySet<string>>(new Set());
  const reads = useRef(new Set<string>());
  const [errors, setErrors] = useState<ReadonlyMap<string, CombinedError>>(new Map());
  const [loading, setLoading] = useState(false);
  const [error, setError] = useState<CombinedError>();
  const [reason, setReason] = useState<EmptyReason | "GONE" | null>(null);
  /** Whether it is open, and done what the address says. */
  const [ready, setReady] = useState(false);
  /** Steps of the address that could not be done again. */
  const [missed, setMissed] = useState(0);
  const turn = useRef(0);
  const key = JSON.stringify([start, period]);

  /** A step that changes the drawing. */
  const change = useCallback(
    (step: Step, next: (drawing: Drawing) => Drawing) =>
      put((d) => {
        const changed = next(d);
        return changed === d ? d : { ...changed, steps: record(d.steps, step) };
      }),
    [put],
  );

  /** Runs one reading; its key is busy meanwhile, and keeps the error if it fails. */
  const reading = useCallback(
    async (name: string, read: (current: () => boolean) => Promise<CombinedError | undefined>) => {
      if (reads.current.has(name)) return;
      const mine = turn.current;
      const current = () => mine === turn.current;
      reads.current.add(name);
      setBusy(new Set(reads.current));
      const failed = await read(current);
      if (!current()) return;
      reads.current.delete(name);
      setBusy(new Set(reads.current));
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
      setOpening(mine);
      reset(nothing);
      setOrigin(undefined);
      setChoices([]);
      forget();
      reads.current.clear();
      setBusy(new Set());
      setErrors(new Map());
      setError(undefined);
      setReason(null);
      setReady(false);
      setMissed(0);
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
          const shown = Math.min(branches.length, found.total.value);
          reset({ ...tree(branches), rest: { shown, total: found.total.value, cursor: after } });
          if (after === null) return end(undefined, found.reason);
        }
        return end();
      }
      let id = from.node;
      if (!id && from.name) {
        const result = await ask(FindNodesDocument, { name: from.name, first: CHOICES + 1 });
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
      const left = lineage?.descendantsLeftOut ?? 0;
      const rest = left > 0 ? { shown: down.length, total: down.length + left, cursor: null } : undefined;
      reset({ ...tree([...[...chain].reverse(), ...down]), rest });
      setOrigin(node.id);
      end();
    },
    [ask, forget, reset],
  );

  /** One page of the neighbours of one type, drawn one by one. */
  const readPage = useCallback(
    (id: string, edge: EdgeType, direction: Direction) =>
      reading(readingKey(id, edge, direction), async (current) => {
        const name = readingKey(id, edge, direction);
        const old = peek().readings.get(name);
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
        change(["page", id, edge, direction], (d) => paged(d, { by: id, edge, direction }, page.edges, next));
        return result.error;
      }),
    [ask, change, peek, period, reading],
  );

  /** Draws the neighbours of a node: of each type all when they are few, a group when they are many. */
  const expand = useCallback(
    async (id: string, edge?: EdgeType, direction?: Direction) => {
      if (peek().collapsed.has(id)) return change(["unfold", id], (d) => unfold(d, id));
      await reading(id, async (current) => {
        const degrees = await degreesOf(id);
        if (!Array.isArray(degrees)) return degrees;
        if (!current()) return undefined;
        const wanted = degrees
          .map((d) => ({ ...d, count: period ? d.inPeriod : d.total }))
          .filter((d) => (!edge || d.edge === edge) && (!direction || d.direction === direction));
        const many = wanted.filter((d) => d.count > GROUP_ABOVE);
        const groups = many
          .filter((d) => isUnopened(peek(), { by: id, ...d }, d.count))
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
        const which = edge && direction ? [edge, direction] : [];
        change(["expand", id, ...which], (d) => expanded(d, id, found, groups, readings));
        return undefined;
      });
    },
    [ask, change, degreesOf, peek, period, reading],
  );

  const openGroup = useCallback(
    (groupId: string) =>
      reading(groupId, async (current) => {
        const group = peek().groups.get(groupId);
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
        change(["open", groupId], (d) => {
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
    [ask, change, peek, period, reading],
  );

  const splitGroup = useCallback(
    (groupId: string, by: NeighbourGrouping) =>
      reading(groupId, async (current) => {
        const group = peek().groups.get(groupId);
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
        change(["split", groupId, grouping], (d) =>
          splitInto(d, groupId, grouping, { ...found, total: found.total.value }),
        );
        return result.error;
      }),
    [ask, change, peek, period, reading],
  );

  const { host } = start;
  const moreOfTree = useCallback(async () => {
    const { rest } = peek();
    if (!host || !rest?.cursor) return;
    const mine = turn.current;
    setLoading(true);
    const asking = { host, period, first: TREE_PAGE, after: rest.cursor };
    const result = await ask(ProcessTreeDocument, asking);
    if (mine !== turn.current) return;
    setLoading(false);
    const found = result.data?.processTree;
    if (!found) return setError(result.error);
    const left = {
      shown: Math.min(rest.shown + found.processes.length, found.total.value),
      total: found.total.value,
      cursor: found.pageInfo.hasNextPage ? found.pageInfo.endCursor : null,
    };
    change(["more"], (d) => ({ ...growTree(d, found.processes), rest: left }));
  }, [ask, change, host, peek, period]);

  /** Draws one of the paths that `paths` finds, or a node beside another. */
  const drawChain = useCallback(
    (step: Step, nodes: NodePartsFragment[], edges: EdgePartsFragment[] = []) =>
      change(step, (d) => addChain(d, nodes, edges)),
    [change],
  );

  const acts = { expand, readPage, openGroup, splitGroup, moreOfTree, drawChain, change };
  const does = useRef(acts);
  does.current = acts;
  /** Another address of the same start: only what stands behind its `#` differs. */
  const [opened, setOpened] = useState(0);
  const reload = useCallback(() => setOpened((n) => n + 1), []);
  useEffect(() => {
    addEventListener("hashchange", reload);
    return () => removeEventListener("hashchange", reload);
  }, [reload]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `opened` is a new start of the same.
  useEffect(() => {
    const [from, during] = JSON.parse(key) as [Start, PeriodInput | null];
    const { steps } = readExploration(location.hash);
    void (async () => {
      const mine = turn.current + 1;
      await open(from, during ?? undefined);
      let left = steps.length;
      for (const step of steps) {
        if (mine !== turn.current) return;
        if (!(await again(step, peek, does.current, ask, during ?? undefined))) break;
        left -= 1;
      }
      if (mine !== turn.current) return;
      setMissed(left);
      setReady(true);
    })();
  }, [key, opened, open, peek, ask]);

  return useMemo(
    () => ({
      ...history,
      drawing,
      origin,
      choices,
      opening,
      around,
      uncounted,
      recount,
      busy,
      errors,
      loading,
      error,
      reason,
      ready,
      missed,
      reload,
      asked,
      ask,
      change,
      expand,
      readPage,
      openGroup,
      splitGroup,
      moreOfTree,
      drawChain,
    }),
    [
      history,
      drawing,
      origin,
      choices,
      opening,
      around,
      uncounted,
      recount,
      busy,
      errors,
      loading,
      error,
      reason,
      ready,
      missed,
      reload,
      asked,
      ask,
      change,
      expand,
      readPage,
      openGroup,
      splitGroup,
      moreOfTree,
      drawChain,
    ],
  );
}

export type GraphState = ReturnType<typeof useGraph>;

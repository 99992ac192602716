import { useCallback, useEffect, useRef, useState } from "react";
import type { CombinedError } from "urql";
import {
  AroundDocument,
  type AroundQuery,
  type Direction,
  type EdgeType,
  type PeriodInput,
} from "../api/generated";
import { LEVELS } from "../shared/colours";
import type { useAsk } from "./ask";
import type { Drawing } from "./model";

export interface Degree {
  edge: EdgeType;
  direction: Direction;
  total: number;
  inPeriod: number;
}

/** What is known about a node before its neighbours are read. */
export interface Around {
  degrees: Degree[];
  /** Level of its worst rule hit. */
  worst: string | undefined;
  /** Titles of the rules that have hit it, by id. */
  rules: ReadonlyMap<string, string>;
}

const DEGREES_AT_ONCE = 200;

const worstLevel = (hits: { level: string }[]) =>
  LEVELS.find((l) => hits.some((h) => h.level === l)) ?? hits[0]?.level;

/** What an answer says about the nodes asked for; of one that is gone there is nothing around. Without an answer all stay unknown. */
export function learn(
  known: ReadonlyMap<string, Around>,
  ids: string[],
  data: AroundQuery | undefined,
): ReadonlyMap<string, Around> {
  if (!data) return known;
  const next = new Map(known);
  for (const id of ids) next.set(id, { degrees: [], worst: undefined, rules: new Map() });
  for (const node of data.nodes)
    if (node && "degrees" in node)
      next.set(node.id, {
        degrees: node.degrees,
        worst: worstLevel(node.hits),
        rules: new Map(node.hits.map((h) => [h.ruleId, h.ruleTitle])),
      });
  return next;
}

/** How much there is around each node that is drawn. */
export function useAround(
  drawing: Drawing,
  period: PeriodInput | undefined,
  ask: ReturnType<typeof useAsk>["ask"],
) {
  const [around, setAround] = useState<ReadonlyMap<string, Around>>(new Map());
  const latest = useRef(around);
  latest.current = around;
  /** Why the last answer did not come: nothing more is asked until somebody asks again. */
  const [failed, setFailed] = useState<CombinedError>();
  /** Which graph it is about, and what is being asked. */
  const turn = useRef(0);
  const asked = useRef(new Set<string>());

  // Degrees come before neighbours do: how much there is around each node that is drawn.
  useEffect(() => {
    if (failed) return;
    const unknown = [...drawing.nodes.keys()]
      .filter((id) => !around.has(id) && !asked.current.has(id))
      .slice(0, DEGREES_AT_ONCE);
    if (unknown.length === 0 || asked.current.size > 0) return;
    const mine = turn.current;
    asked.current = new Set(unknown);
    void ask(AroundDocument, { ids: unknown, period }).then(({ data, error }) => {
      if (mine !== turn.current) return;
      asked.current = new Set();
      // Half an answer would take what failed for what is gone.
      if (error) return setFailed(error);
      setAround((old) => learn(old, unknown, data));
    });
  }, [drawing, around, failed, period, ask]);

  const degreesOf = useCallback(
    async (id: string): Promise<Degree[] | CombinedError> => {
      const known = latest.current.get(id)?.degrees;
      if (known) return known;
      const mine = turn.current;
      const { data, error } = await ask(AroundDocument, { ids: [id], period });
      if (error || !data) return error ?? [];
      if (mine === turn.current) setAround((old) => learn(old, [id], data));
      return learn(new Map(), [id], data).get(id)?.degrees ?? [];
    },
    [ask, period],
  );

  const forget = useCallback(() => {
    turn.current += 1;
    asked.current = new Set();
    setFailed(undefined);
    setAround(new Map());
  }, []);
  const retry = useCallback(() => setFailed(undefined), []);
  return { around, degreesOf, forget, failed, retry };
}

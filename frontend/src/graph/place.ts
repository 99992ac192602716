import type { EdgeType } from "../api/generated";
import { COLUMN, ROW } from "./camera";

/** Cell of the grid on which the graph is drawn; parts of a cell are allowed. */
export interface Place {
  column: number;
  row: number;
}

export const LAYOUTS = ["tree", "force", "time"] as const;
export type Layout = (typeof LAYOUTS)[number];

export interface Link {
  from: string;
  to: string;
  type?: EdgeType;
}

const ROWS_PER_COLUMN = 14;

export const cellKey = (column: number, row: number) => `${column} ${row}`;

/** The cells that a place touches. */
export function cells({ column, row }: Place): string[] {
  return [cellKey(Math.round(column), Math.floor(row)), cellKey(Math.round(column), Math.ceil(row))];
}

/** A free cell right (1) or left (-1) of `origin`, near its row; it is taken then. */
export function freeCell(taken: Set<string>, origin: Place, side: 1 | -1): Place {
  const middle = Math.round(origin.row);
  const start = Math.round(origin.column);
  for (let step = 1; ; step += 1) {
    const column = start + side * step;
    for (let i = 0; i < ROWS_PER_COLUMN; i += 1) {
      const row = middle + (i % 2 === 1 ? (i + 1) / 2 : -i / 2);
      const key = cellKey(column, row);
      if (!taken.has(key)) {
        taken.add(key);
        return { column, row };
      }
    }
  }
}

/** Names stand right of the nodes and are wider than high, so things need more room than their discs. */
const GAP = 130;
const REACH = 200;
const LENGTH = 230;

/**
 * Places by forces: what is linked attracts, what is near repels. `kept` stay where they are; the others start on
 * circles around a root of their component, so that the same graph is always drawn the same.
 */
export function forcePlaces(
  ids: string[],
  links: Link[],
  kept: ReadonlyMap<string, Place>,
): Map<string, Place> {
  const near = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { from, to } of links) {
    if (from === to || !near.has(from) || !near.has(to)) continue;
    near.get(from)?.push(to);
    near.get(to)?.push(from);
  }
  const at = new Map<string, { x: number; y: number }>();
  for (const id of ids) {
    const place = kept.get(id);
    if (place) at.set(id, { x: place.column * COLUMN, y: place.row * ROW });
  }
  const free = ids.filter((id) => !at.has(id));
  if (at.size === 0) circles(free, near, at);
  else beside(free, near, at);
  relax(free, ids, near, at);
  return new Map([...at].map(([id, { x, y }]) => [id, { column: x / COLUMN, row: y / ROW }]));
}

/** Each component on circles around its best linked node, component beside component. */
function circles(ids: string[], near: Map<string, string[]>, at: Map<string, { x: number; y: number }>) {
  const degree = (id: string) => near.get(id)?.length ?? 0;
  const byDegree = [...ids].sort((a, b) => degree(b) - degree(a));
  const done = new Set<string>();
  let left = 0;
  for (const root of byDegree) {
    if (done.has(root)) continue;
    done.add(root);
    const rings: string[][] = [[root]];
    for (let ring = rings[0] ?? []; ring.length > 0; ) {
      const next = ring.flatMap((id) =>
        (near.get(id) ?? []).filter((n) => !done.has(n) && Boolean(done.add(n))),
      );
      if (next.length > 0) rings.push(next);
      ring = next;
    }
    let radius = 0;
    const placed = rings.map((ring, depth) => {
      radius = depth === 0 ? 0 : Math.max(radius + LENGTH, (ring.length * GAP) / (2 * Math.PI));
      return { ring, radius };
    });
    const middle = left + radius;
    for (const { ring, radius: r } of placed) {
      ring.forEach((id, i) => {
        const angle = (2 * Math.PI * i) / ring.length + r / 1_000;
        at.set(id, { x: middle + r * Math.cos(angle), y: r * Math.sin(angle) });
      });
    }
    left = middle + radius + LENGTH;
  }
}

/** New nodes start around the node that they are linked to. */
function beside(ids: string[], near: Map<string, string[]>, at: Map<string, { x: number; y: number }>) {
  const count = new Map<string, number>();
  let below = Math.max(...[...at.values()].map((p) => p.y)) + LENGTH;
  for (const id of ids) {
    const anchor = (near.get(id) ?? []).find((n) => at.has(n));
    const from = anchor ? at.get(anchor) : undefined;
    if (!anchor || !from) {
      at.set(id, { x: 0, y: below });
      below += GAP;
      continue;
    }
    const i = (count.get(anchor) ?? 0) + 1;
    count.set(anchor, i);
    const [angle, r] = [i * 2.399963, LENGTH * 0.8 + 32 * Math.sqrt(i)];
    at.set(id, { x: from.x + r * Math.cos(angle), y: from.y + r * Math.sin(angle) });
  }
}

function relax(
  free: string[],
  ids: string[],
  near: Map<string, string[]>,
  at: Map<string, { x: number; y: number }>,
) {
  const rounds = ids.length > 800 ? 25 : 80;
  const square = (x: number, y: number) => `${Math.floor(x / REACH)} ${Math.floor(y / REACH)}`;
  for (let round = 0; round < rounds; round += 1) {
    const squares = new Map<string, string[]>();
    for (const id of ids) {
      const p = at.get(id);
      if (!p) continue;
      const key = square(p.x, p.y);
      const there = squares.get(key);
      if (there) there.push(id);
      else squares.set(key, [id]);
    }
    const most = 40 * (1 - round / rounds) + 2;
    for (const id of free) {
      const p = at.get(id);
      if (!p) continue;
      let [dx, dy] = [0, 0];
      for (let i = -1; i <= 1; i += 1)
        for (let j = -1; j <= 1; j += 1)
          for (const other of squares.get(square(p.x + i * REACH, p.y + j * REACH)) ?? []) {
            const o = at.get(other);
            if (!o || other === id) continue;
            const [ex, ey] = [p.x - o.x, p.y - o.y];
            const d = Math.hypot(ex, ey) || 1;
            if (d >= REACH) continue;
            const push = ((REACH - d) / d) * 0.25;
            dx += ex === 0 && ey === 0 ? (id < other ? 4 : -4) : ex * push;
            dy += ey * push;
          }
      for (const other of near.get(id) ?? []) {
        const o = at.get(other);
        if (!o) continue;
        const [ex, ey] = [o.x - p.x, o.y - p.y];
        const d = Math.hypot(ex, ey) || 1;
        const pull = ((d - LENGTH) / d) * (0.3 / Math.sqrt((near.get(id)?.length ?? 1) + 1));
        dx += ex * pull;
        dy += ey * pull;
      }
      const size = Math.hypot(dx, dy);
      const scale = size > most ? most / size : 1;
      p.x += dx * scale;
      p.y += dy * scale;
    }
  }
}

/** Moments and where they stand: columns between them are interpolated, so that later nodes move nothing. */
export interface Scale {
  times: number[];
  columns: number[];
}

/** Gaps between moments count by their order of magnitude: a second is seen beside a day. */
export function timeScale(times: number[]): Scale {
  const sorted = [...new Set(times)].sort((a, b) => a - b);
  const scale: Scale = { times: sorted, columns: [] };
  let column = 0;
  sorted.forEach((time, i) => {
    const before = sorted[i - 1];
    if (before !== undefined) column += Math.min(2.2, 0.06 + 0.32 * Math.log10(1 + (time - before) / 100));
    scale.columns.push(column);
  });
  return scale;
}

export function columnOf({ times, columns }: Scale, time: number): number {
  const after = times.findIndex((t) => t >= time);
  const last = times.length - 1;
  if (last < 0) return 0;
  if (after === -1)
    return (columns[last] ?? 0) + Math.min(3, 0.32 * Math.log10(1 + (time - (times[last] ?? time)) / 100));
  const [end = 0, endColumn = 0] = [times[after], columns[after]];
  if (after === 0) return endColumn - Math.min(3, 0.32 * Math.log10(1 + (end - time) / 100));
  const [start = 0, startColumn = 0] = [times[after - 1], columns[after - 1]];
  return startColumn + ((time - start) / (end - start || 1)) * (endColumn - startColumn);
}

const LABEL = 0.95;
/** Rows lie further apart than in a tree: a long time line is seen from afar. */
const TIME_ROW = 1.6;

/** Places by time from left to right; a row near that of the node that it came from, where the name has room. */
export function timePlaces(
  points: { id: string; time: number; by?: string }[],
  scale: Scale,
  kept: ReadonlyMap<string, Place>,
): Map<string, Place> {
  const rows = new Map<number, number[]>();
  const places = new Map<string, Place>();
  const take = (id: string, place: Place) => {
    places.set(id, place);
    rows.set(place.row, [...(rows.get(place.row) ?? []), place.column]);
  };
  for (const { id } of points) {
    const place = kept.get(id);
    if (place) take(id, place);
  }
  const rest = points.filter((p) => !places.has(p.id)).sort((a, b) => a.time - b.time);
  for (const { id, time, by } of rest) {
    const column = columnOf(scale, time);
    const middle = Math.round(((by ? places.get(by)?.row : undefined) ?? 0) / TIME_ROW);
    for (let i = 0; ; i += 1) {
      const row = (middle + (i % 2 === 1 ? (i + 1) / 2 : -i / 2)) * TIME_ROW;
      if ((rows.get(row) ?? []).some((c) => Math.abs(c - column) < LABEL)) continue;
      take(id, { column, row });
      break;
    }
  }
  return places;
}

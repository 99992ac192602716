import type {
  Direction,
  EdgePartsFragment,
  EdgeType,
  EmptyReason,
  NeighbourGrouping,
  NodePartsFragment,
} from "../api/generated";
import {
  cellKey,
  cells,
  forcePlaces,
  freeCell,
  type Layout,
  type Place,
  type Scale,
  timePlaces,
  timeScale,
} from "./place";
import type { Step } from "./steps";

export interface DrawnNode extends NodePartsFragment {
  place: Place;
  /** The edge over which it came into the drawing. */
  via?: EdgeType;
  /** The node that it was opened from: it goes when that one is collapsed. */
  by?: string;
}

export interface DrawnEdge extends Pick<EdgePartsFragment, "from" | "to" | "type"> {
  firstSeen?: string;
  lastSeen?: string;
  properties?: EdgePartsFragment["properties"];
}

/** Neighbours too many to be drawn one by one. */
export interface Group {
  id: string;
  /** The node whose neighbours they are. */
  by: string;
  edge: EdgeType;
  direction: Direction;
  /** Those of them that have this in common. */
  split?: { by: NeighbourGrouping; key: string };
  /** What is left of a group that was split: the groups after the first so many, and what was never looked at. */
  rest?: {
    by: NeighbourGrouping;
    skip: number;
    groups: number;
    seen: number;
    of: number;
  };
  total: number;
  /** How many of them have been drawn. */
  shown: number;
  cursor: string | null;
  place: Place;
}

/** Where the reading of one node's neighbours of one type stands. */
export interface Reading {
  more: boolean;
  cursor: string | null;
  leftOut: number;
  reason: EmptyReason | null;
}

export type Part = Pick<Drawing, "nodes" | "edges" | "groups">;

/** What is drawn. A step back restores all of it, so where reading stands is part of it. */
export interface Drawing {
  nodes: ReadonlyMap<string, DrawnNode>;
  edges: ReadonlyMap<string, DrawnEdge>;
  groups: ReadonlyMap<string, Group>;
  readings: ReadonlyMap<string, Reading>;
  /** What was put away under a node. */
  collapsed: ReadonlyMap<string, Part>;
  layout: Layout;
  /** Places in the other layouts, for when they come back. */
  kept: Partial<Record<Layout, ReadonlyMap<string, Place>>>;
  scale?: Scale;
  /** What a tree leaves out: of the host's processes, or of a process's descendants. */
  rest?: { shown: number; total: number; cursor: string | null };
  /** What was done since it was opened. */
  steps: readonly Step[];
}

export interface Branch {
  node: NodePartsFragment;
  parent: string | null;
  spawned?: { first: string; last: string } | null;
}

export interface Found {
  node: NodePartsFragment;
  edge: EdgePartsFragment;
  direction: Direction;
}

export const nothing: Drawing = {
  nodes: new Map(),
  edges: new Map(),
  groups: new Map(),
  readings: new Map(),
  collapsed: new Map(),
  layout: "tree",
  kept: {},
  steps: [],
};

export const edgeKey = (edge: { from: string; to: string; type: EdgeType }) =>
  `${edge.from} ${edge.type} ${edge.to}`;
export const groupKey = (g: Pick<Group, "by" | "edge" | "direction" | "split" | "rest">) =>
  `group ${g.by} ${g.edge} ${g.direction}${g.split ? ` ${g.split.by} ${g.split.key}` : ""}${g.rest ? " rest" : ""}`;

/** Everything that has a place. */
export const points = (drawing: Drawing): (DrawnNode | Group)[] => [
  ...drawing.nodes.values(),
  ...drawing.groups.values(),
];
const links = (drawing: Drawing) => [
  ...drawing.edges.values(),
  ...[...drawing.groups.values()].map((g) => ({ from: g.by, to: g.id })),
];

export function spawnedEdge({ node, parent, spawned }: Branch): DrawnEdge | undefined {
  if (!parent) return undefined;
  return {
    from: parent,
    to: node.id,
    type: "SPAWNED",
    firstSeen: spawned?.first,
    lastSeen: spawned?.last,
    properties: [],
  };
}

/** When a point belongs on the time line: the first edge drawn at it, else its own first time. */
function moments(drawing: Drawing): Map<string, number> {
  const first = new Map<string, number>();
  for (const { from, to, firstSeen } of drawing.edges.values()) {
    if (!firstSeen) continue;
    const time = Date.parse(firstSeen);
    // What acts is there from its own first time; what it acts on, from then.
    first.set(to, Math.min(first.get(to) ?? time, time));
    if (drawing.nodes.get(from)?.kind !== "PROCESS") first.set(from, Math.min(first.get(from) ?? time, time));
  }
  for (const { id, firstSeen } of drawing.nodes.values())
    if (!first.has(id)) first.set(id, Date.parse(firstSeen));
  for (const { id, by } of drawing.groups.values()) first.set(id, first.get(by) ?? 0);
  return first;
}

/** Gives a place to each of `fresh` that has none in the layout yet; nothing else moves. */
function settle(drawing: Drawing, fresh: ReadonlySet<string>): Drawing {
  if (fresh.size === 0 || drawing.layout === "tree") return drawing;
  const all = points(drawing);
  const kept = new Map(all.filter((p) => !fresh.has(p.id)).map((p) => [p.id, p.place]));
  let scale = drawing.scale;
  let places: Map<string, Place>;
  if (drawing.layout === "force") {
    places = forcePlaces(
      all.map((p) => p.id),
      links(drawing),
      kept,
    );
  } else {
    const when = moments(drawing);
    scale ??= timeScale([...when.values()]);
    places = timePlaces(
      all.map((p) => ({ id: p.id, time: when.get(p.id) ?? 0, by: p.by })),
      scale,
      kept,
    );
  }
  return { ...withPlaces(drawing, places), scale };
}

function withPlaces(drawing: Drawing, places: ReadonlyMap<string, Place>): Drawing {
  const put = <T extends { id: string; place: Place }>(all: ReadonlyMap<string, T>) =>
    new Map([...all].map(([id, p]) => [id, { ...p, place: places.get(id) ?? p.place }]));
  return { ...drawing, nodes: put(drawing.nodes), groups: put(drawing.groups) };
}

/** Another way to place what is drawn. What had a place there before gets it back; `again` places all anew. */
export function arrange(drawing: Drawing, layout: Layout, again = false): Drawing {
  const now = new Map(points(drawing).map((p) => [p.id, p.place]));
  const kept = { ...drawing.kept, [drawing.layout]: now };
  const known = again ? undefined : kept[layout];
  const next: Drawing = { ...drawing, layout, kept, scale: again ? undefined : drawing.scale };
  const placed = known ? withPlaces(next, known) : next;
  const fresh = new Set([...now.keys()].filter((id) => !known?.has(id)));
  if (layout !== "tree") return settle(placed, fresh);
  return fresh.size === 0 ? placed : treePlaces(placed, known ?? new Map());
}

/** The tree layout of any graph: each node right of the one that it was opened from. */
function treePlaces(drawing: Drawing, known: ReadonlyMap<string, Place>): Drawing {
  const all = points(drawing);
  const branches = all.map((p) => ({ id: p.id, parent: p.by ?? null }));
  const places = known.size > 0 ? new Map(known) : treeRows(branches);
  const taken = new Set([...places.values()].flatMap(cells));
  for (const p of all) {
    if (places.has(p.id)) continue;
    const from = (p.by ? places.get(p.by) : undefined) ?? { column: 0, row: 0 };
    places.set(p.id, freeCell(taken, from, 1));
  }
  return withPlaces(drawing, places);
}

const SINGLES_PER_ROW = 4;
/** A parent of very many stands near the first of them, so that it is in sight with some. */
const NEAR_FIRST = 5;

/** One tree or several: leaves get one row each, a parent stands in the middle of its children. */
function treeRows(branches: { id: string; parent: string | null }[]): Map<string, Place> {
  const known = new Map(branches.map((b) => [b.id, b]));
  const children = new Map<string, string[]>();
  const roots: string[] = [];
  for (const { id, parent } of known.values()) {
    if (!parent || !known.has(parent) || parent === id) roots.push(id);
    else if (children.get(parent)?.push(id) === undefined) children.set(parent, [id]);
  }
  const places = new Map<string, Place>();
  let leaf = 0;
  /** Without recursion: a chain may be longer than the stack. */
  const placeTree = (root: string) => {
    const order: { id: string; column: number }[] = [];
    const open = [{ id: root, column: 0 }];
    const seen = new Set<string>();
    for (let at = open.pop(); at; at = open.pop()) {
      if (seen.has(at.id) || places.has(at.id)) continue;
      seen.add(at.id);
      order.push(at);
      const column = at.column + 1;
      for (const id of [...(children.get(at.id) ?? [])].reverse()) open.push({ id, column });
    }
    const rows = new Map<string, number>();
    for (const { id } of order) if (!children.has(id)) rows.set(id, leaf++);
    for (const { id } of [...order].reverse()) {
      let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (const child of children.get(id) ?? []) {
        const row = rows.get(child);
        if (row === undefined) continue;
        least = Math.min(least, row);
        most = Math.max(most, row);
      }
      const middle = Math.min((least + most) / 2, least + NEAR_FIRST);
      rows.set(id, rows.get(id) ?? (least <= most ? middle : leaf++));
    }
    for (const { id, column } of order) places.set(id, { column, row: rows.get(id) ?? 0 });
  };
  const singles = roots.filter((r) => !children.has(r));
  for (const root of roots) if (children.has(root)) placeTree(root);
  // What is left stands in a ring of parents, which bad data can hold.
  const alone = new Set(singles);
  for (const id of known.keys()) if (!places.has(id) && !alone.has(id)) placeTree(id);
  const wide = singles.length > 1 ? SINGLES_PER_ROW : 1;
  const top = leaf > 0 ? leaf + 1 : 0;
  singles.forEach((id, i) => {
    places.set(id, { column: i % wide, row: top + Math.floor(i / wide) });
  });
  return places;
}

/** Processes as a tree, or several. */
export function tree(branches: Branch[]): Drawing {
  const known = new Map(branches.map((b) => [b.node.id, b]));
  const places = treeRows([...known.values()].map((b) => ({ id: b.node.id, parent: b.parent })));
  const nodes = new Map<string, DrawnNode>();
  const edges = new Map<string, DrawnEdge>();
  for (const branch of known.values()) {
    const { node, parent } = branch;
    const by = parent && known.has(parent) ? parent : undefined;
    nodes.set(node.id, { ...node, by, place: places.get(node.id) ?? { column: 0, row: 0 } });
    const edge = spawnedEdge(branch);
    if (by && edge) edges.set(edgeKey(edge), edge);
  }
  return { ...nothing, nodes, edges };
}

const takenCells = (drawing: Drawing) => new Set(points(drawing).flatMap((p) => cells(p.place)));

/** Adds neighbours of `from`: outgoing ones right of it, incoming ones left of it, in free cells near its row. */
export function grow(drawing: Drawing, from: string, found: Found[]): Drawing {
  const origin = drawing.nodes.get(from)?.place ?? { column: 0, row: 0 };
  const nodes = new Map(drawing.nodes);
  const edges = new Map(drawing.edges);
  const taken = takenCells(drawing);
  const fresh = new Set<string>();
  for (const { node, edge, direction } of found) {
    const old = nodes.get(node.id);
    if (old) nodes.set(node.id, { ...old, ...node });
    else {
      fresh.add(node.id);
      const place = freeCell(taken, origin, direction === "OUT" ? 1 : -1);
      nodes.set(node.id, { ...node, via: edge.type, by: from, place });
    }
    edges.set(edgeKey(edge), edge);
  }
  return settle({ ...drawing, nodes, edges }, fresh);
}

/** Adds nodes and the edges between them, such as a path: each right of the one before. */
export function addChain(
  drawing: Drawing,
  chain: NodePartsFragment[],
  between: EdgePartsFragment[],
): Drawing {
  const nodes = new Map(drawing.nodes);
  const edges = new Map(drawing.edges);
  const taken = takenCells(drawing);
  const fresh = new Set<string>();
  let before: DrawnNode | undefined;
  for (const node of chain) {
    const old = nodes.get(node.id);
    const place =
      old?.place ?? freeCell(taken, before?.place ?? { column: -1, row: taken.size > 0 ? -2 : 0 }, 1);
    if (!old) fresh.add(node.id);
    const drawn: DrawnNode = old ?? { ...node, by: before?.id, place };
    nodes.set(node.id, drawn);
    before = drawn;
  }
  for (const edge of between) edges.set(edgeKey(edge), edge);
  return settle({ ...drawing, nodes, edges }, fresh);
}

/** Adds a group of neighbours that are not drawn one by one; instead of `old` ones when they were split. */
export function addGroups(drawing: Drawing, groups: Omit<Group, "id" | "place">[], old?: string): Drawing {
  const next = new Map(drawing.groups);
  if (old) next.delete(old);
  const taken = takenCells({ ...drawing, groups: next });
  const fresh = new Set<string>();
  for (const group of groups) {
    const id = groupKey(group);
    if (next.has(id)) continue;
    const from = drawing.nodes.get(group.by)?.place ?? { column: 0, row: 0 };
    fresh.add(id);
    next.set(id, { ...group, id, place: freeCell(taken, from, group.direction === "OUT" ? 1 : -1) });
  }
  return settle({ ...drawing, groups: next }, fresh);
}

/** A group, or what is left of one, as parts by what they have in common. */
export function splitInto(
  drawing: Drawing,
  id: string,
  by: NeighbourGrouping,
  found: { items: { key: string; count: number }[]; leftOut: number; lookedAt: number; total: number },
): Drawing {
  const group = drawing.groups.get(id);
  if (!group) return drawing;
  const base = { by: group.by, edge: group.edge, direction: group.direction, shown: 0, cursor: null };
  const parts: Omit<Group, "id" | "place">[] = found.items.map(({ key, count }) => ({
    ...base,
    split: { by, key },
    total: count,
  }));
  const before = group.rest ? group.total : found.total;
  const total = before - parts.reduce((sum, p) => sum + p.total, 0);
  const skip = (group.rest?.skip ?? 0) + parts.length;
  if (total > 0)
    parts.push({
      ...base,
      rest: { by, skip, groups: found.leftOut, seen: found.lookedAt, of: found.total },
      total,
    });
  return addGroups(drawing, parts, id);
}

/** A group after some more of it were drawn; it goes when all are. */
export function shrinkGroup(drawing: Drawing, id: string, drawn: number, cursor: string | null): Drawing {
  const group = drawing.groups.get(id);
  if (!group) return drawing;
  const groups = new Map(drawing.groups);
  if (cursor === null) groups.delete(id);
  else groups.set(id, { ...group, shown: group.shown + drawn, cursor });
  return { ...drawing, groups };
}

/** Adds a further page of a process tree without moving what is there. */
export function growTree(drawing: Drawing, branches: Branch[]): Drawing {
  const nodes = new Map(drawing.nodes);
  const edges = new Map(drawing.edges);
  const taken = takenCells(drawing);
  const fresh = new Set<string>();
  let lowest = Math.max(-1, ...points(drawing).map((n) => Math.ceil(n.place.row)));
  for (const branch of branches) {
    const { node, parent } = branch;
    if (nodes.has(node.id)) continue;
    fresh.add(node.id);
    const above = parent ? nodes.get(parent) : undefined;
    if (above) {
      nodes.set(node.id, { ...node, by: above.id, place: freeCell(taken, above.place, 1) });
      const edge = spawnedEdge(branch);
      if (edge) edges.set(edgeKey(edge), edge);
    } else {
      lowest += 1;
      taken.add(cellKey(0, lowest));
      nodes.set(node.id, { ...node, place: { column: 0, row: lowest } });
    }
  }
  return settle({ ...drawing, nodes, edges }, fresh);
}

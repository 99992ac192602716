import type { Direction, EdgeType } from "../api/generated";
import { type Drawing, type Part, points } from "./model";
import { cells, type Place } from "./place";

/** What was opened from a node, and from what was opened from it. */
export function below(drawing: Drawing, id: string): Set<string> {
  const children = new Map<string, string[]>();
  for (const p of points(drawing))
    if (p.by !== undefined && children.get(p.by)?.push(p.id) === undefined) children.set(p.by, [p.id]);
  const found = new Set<string>();
  const open = [...(children.get(id) ?? [])];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === id || found.has(at)) continue;
    found.add(at);
    open.push(...(children.get(at) ?? []));
  }
  return found;
}

/** Without these nodes, their edges and groups; and what was taken away. */
function without(drawing: Drawing, gone: ReadonlySet<string>): [Drawing, Part] {
  const parts = <T>(all: ReadonlyMap<string, T>, leaves: (key: string, value: T) => boolean) => {
    const [stay, go] = [new Map<string, T>(), new Map<string, T>()];
    for (const [key, value] of all) (leaves(key, value) ? go : stay).set(key, value);
    return [stay, go] as const;
  };
  const [nodes, lostNodes] = parts(drawing.nodes, (id) => gone.has(id));
  const [edges, lostEdges] = parts(drawing.edges, (_, e) => gone.has(e.from) || gone.has(e.to));
  const [groups, lostGroups] = parts(drawing.groups, (id, g) => gone.has(id) || gone.has(g.by));
  return [
    { ...drawing, nodes, edges, groups },
    { nodes: lostNodes, edges: lostEdges, groups: lostGroups },
  ];
}

/** Puts away what was opened from a node; `unfold` brings it back. */
export function collapse(drawing: Drawing, id: string): Drawing {
  const [rest, part] = without(drawing, below(drawing, id));
  if (part.nodes.size === 0 && part.groups.size === 0) return drawing;
  return { ...rest, collapsed: new Map(drawing.collapsed).set(id, part) };
}

export function unfold(drawing: Drawing, id: string): Drawing {
  const part = drawing.collapsed.get(id);
  if (!part) return drawing;
  const collapsed = new Map(drawing.collapsed);
  collapsed.delete(id);
  const nodes = new Map([...part.nodes, ...drawing.nodes]);
  const edges = [...part.edges].filter(([, e]) => nodes.has(e.from) && nodes.has(e.to));
  return {
    ...drawing,
    collapsed,
    nodes,
    edges: new Map([...drawing.edges, ...edges]),
    groups: new Map([...part.groups, ...drawing.groups]),
  };
}

/** Takes a node or group out of the drawing, with what was opened from it. */
export function remove(drawing: Drawing, id: string): Drawing {
  return without(drawing, new Set([id, ...below(drawing, id)]))[0];
}

export function move(drawing: Drawing, id: string, place: Place): Drawing {
  const node = drawing.nodes.get(id);
  if (node) return { ...drawing, nodes: new Map(drawing.nodes).set(id, { ...node, place }) };
  const group = drawing.groups.get(id);
  return group ? { ...drawing, groups: new Map(drawing.groups).set(id, { ...group, place }) } : drawing;
}

/** The node or group nearest to `from` in the direction of an arrow key. */
export function nextNode(drawing: Drawing, from: string | undefined, key: string): string | undefined {
  const direction = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key];
  if (!direction) return undefined;
  const [dx = 0, dy = 0] = direction;
  const here = from ? (drawing.nodes.get(from) ?? drawing.groups.get(from))?.place : undefined;
  if (!here) return points(drawing)[0]?.id;
  let best: { id: string; cost: number } | undefined;
  for (const { id, place } of points(drawing)) {
    const along = (place.column - here.column) * dx * 4 + (place.row - here.row) * dy;
    const aside = Math.abs((place.column - here.column) * dy * 4) + Math.abs((place.row - here.row) * dx);
    if (along <= 0) continue;
    const cost = along + 2 * aside;
    if (!best || cost < best.cost) best = { id, cost };
  }
  return best?.id;
}

/** How many edges of a type are drawn at a node. */
export function drawnDegree(drawing: Drawing, id: string, type: EdgeType, direction: Direction): number {
  let count = 0;
  for (const edge of drawing.edges.values()) {
    if (edge.type === type && (direction === "OUT" ? edge.from : edge.to) === id) count += 1;
  }
  return count;
}

/** Columns right of each point that are free for its name, 1 to 3. */
export function freeColumns(drawing: Drawing): Map<string, number> {
  const all = points(drawing);
  const taken = new Set(all.flatMap((p) => cells(p.place)));
  const isFree = ({ column, row }: Place, step: number) =>
    cells({ column: column + step, row }).every((c) => !taken.has(c));
  return new Map(all.map(({ id, place }) => [id, !isFree(place, 1) ? 1 : !isFree(place, 2) ? 2 : 3]));
}

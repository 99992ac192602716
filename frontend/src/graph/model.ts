import type { EdgePartsFragment, EdgeType, NodePartsFragment } from "../api/generated";

/** Cell of the grid on which the graph is drawn. Columns go with cause and effect, from left to right. */
export interface Place {
  column: number;
  row: number;
}

export interface DrawnNode extends NodePartsFragment {
  place: Place;
  /** The edge over which it came into the drawing. */
  via?: EdgeType;
}

export interface DrawnEdge extends Pick<EdgePartsFragment, "from" | "to" | "type"> {
  firstSeen?: string;
  lastSeen?: string;
}

/** What is drawn. Places are never changed once given: the eye keeps its bearings when the graph grows. */
export interface Drawing {
  nodes: ReadonlyMap<string, DrawnNode>;
  edges: ReadonlyMap<string, DrawnEdge>;
}

export interface Branch {
  node: NodePartsFragment;
  parent: string | null;
}

export const nothing: Drawing = { nodes: new Map(), edges: new Map() };
const ROWS_PER_COLUMN = 14;
const SINGLES_PER_ROW = 4;

export const edgeKey = (edge: { from: string; to: string; type: EdgeType }) =>
  `${edge.from} ${edge.type} ${edge.to}`;

/** One tree or several: leaves get one row each, a parent stands in the middle of its children. */
export function tree(branches: Branch[]): Drawing {
  const known = new Map(branches.map((b) => [b.node.id, b]));
  const children = new Map<string, Branch[]>();
  const roots: Branch[] = [];
  for (const branch of known.values()) {
    if (branch.parent && known.has(branch.parent) && branch.parent !== branch.node.id) {
      children.set(branch.parent, [...(children.get(branch.parent) ?? []), branch]);
    } else {
      roots.push(branch);
    }
  }
  const nodes = new Map<string, DrawnNode>();
  const edges = new Map<string, DrawnEdge>();
  let leaf = 0;
  /** Without recursion: a chain may be longer than the stack. */
  const placeTree = (root: Branch) => {
    const order: { branch: Branch; column: number }[] = [];
    const open = [{ branch: root, column: 0 }];
    const seen = new Set<string>();
    for (let at = open.pop(); at; at = open.pop()) {
      if (seen.has(at.branch.node.id) || nodes.has(at.branch.node.id)) continue;
      seen.add(at.branch.node.id);
      order.push(at);
      const column = at.column + 1;
      for (const branch of [...(children.get(at.branch.node.id) ?? [])].reverse())
        open.push({ branch, column });
    }
    const rows = new Map<string, number>();
    for (const { branch } of order) {
      if (!children.has(branch.node.id)) rows.set(branch.node.id, leaf++);
    }
    for (const { branch } of [...order].reverse()) {
      const { node } = branch;
      const below = (children.get(node.id) ?? [])
        .map((c) => rows.get(c.node.id))
        .filter((r) => r !== undefined);
      const row =
        rows.get(node.id) ?? (below.length > 0 ? (Math.min(...below) + Math.max(...below)) / 2 : leaf++);
      rows.set(node.id, row);
    }
    for (const { branch, column } of order) {
      const { node } = branch;
      nodes.set(node.id, { ...node, place: { column, row: rows.get(node.id) ?? 0 } });
    }
  };
  const [trees, singles] = [
    roots.filter((r) => children.has(r.node.id)),
    roots.filter((r) => !children.has(r.node.id)),
  ];
  for (const root of trees) placeTree(root);
  // What is left stands in a ring of parents, which bad data can hold.
  const alone = new Set(singles);
  for (const branch of known.values())
    if (!nodes.has(branch.node.id) && !alone.has(branch)) placeTree(branch);
  placeSingles(singles, nodes, leaf);
  for (const { node, parent } of known.values()) {
    if (parent && nodes.has(parent)) {
      const edge: DrawnEdge = { from: parent, to: node.id, type: "SPAWNED" };
      edges.set(edgeKey(edge), edge);
    }
  }
  return { nodes, edges };
}

/** Those without parent and children stand below the trees, row by row. */
function placeSingles(singles: Branch[], nodes: Map<string, DrawnNode>, below: number) {
  const wide = singles.length > 1 ? SINGLES_PER_ROW : 1;
  const top = below > 0 ? below + 1 : 0;
  singles.forEach(({ node }, i) => {
    nodes.set(node.id, { ...node, place: { column: i % wide, row: top + Math.floor(i / wide) } });
  });
}

/** Adds neighbours of `from`: outgoing ones right of it, incoming ones left of it, in free cells near its row. */
export function grow(
  drawing: Drawing,
  from: string,
  found: { node: NodePartsFragment; edge: EdgePartsFragment; direction: "OUT" | "IN" }[],
): Drawing {
  const origin = drawing.nodes.get(from)?.place ?? { column: 0, row: 0 };
  const nodes = new Map(drawing.nodes);
  const edges = new Map(drawing.edges);
  const taken = new Set<string>();
  for (const { place } of nodes.values()) {
    taken.add(`${place.column} ${Math.floor(place.row)}`);
    taken.add(`${place.column} ${Math.ceil(place.row)}`);
  }
  for (const { node, edge, direction } of found) {
    const old = nodes.get(node.id);
    if (old) nodes.set(node.id, { ...old, ...node });
    else
      nodes.set(node.id, {
        ...node,
        via: edge.type,
        place: freeCell(taken, origin, direction === "OUT" ? 1 : -1),
      });
    edges.set(edgeKey(edge), edge);
  }
  return { nodes, edges };
}

function freeCell(taken: Set<string>, origin: Place, side: 1 | -1): Place {
  const middle = Math.round(origin.row);
  for (let step = 1; ; step += 1) {
    const column = origin.column + side * step;
    for (let i = 0; i < ROWS_PER_COLUMN; i += 1) {
      const row = middle + (i % 2 === 1 ? (i + 1) / 2 : -i / 2);
      const key = `${column} ${row}`;
      if (!taken.has(key)) {
        taken.add(key);
        return { column, row };
      }
    }
  }
}

/** The node nearest to `from` in the direction of an arrow key. */
export function nextNode(drawing: Drawing, from: string | undefined, key: string): string | undefined {
  const direction = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key];
  if (!direction) return undefined;
  const [dx = 0, dy = 0] = direction;
  const here = from ? drawing.nodes.get(from)?.place : undefined;
  if (!here) return drawing.nodes.keys().next().value;
  let best: { id: string; cost: number } | undefined;
  for (const { id, place } of drawing.nodes.values()) {
    const along = (place.column - here.column) * dx * 4 + (place.row - here.row) * dy;
    const aside = Math.abs((place.column - here.column) * dy * 4) + Math.abs((place.row - here.row) * dx);
    if (along <= 0) continue;
    const cost = along + 2 * aside;
    if (!best || cost < best.cost) best = { id, cost };
  }
  return best?.id;
}

/** Adds a further page of a process tree without moving what is there. */
export function growTree(drawing: Drawing, branches: Branch[]): Drawing {
  const nodes = new Map(drawing.nodes);
  const edges = new Map(drawing.edges);
  const taken = new Set([...nodes.values()].map(({ place }) => `${place.column} ${Math.round(place.row)}`));
  let lowest = Math.max(-1, ...[...nodes.values()].map((n) => Math.ceil(n.place.row)));
  for (const { node, parent } of branches) {
    if (nodes.has(node.id)) continue;
    const above = parent ? nodes.get(parent) : undefined;
    if (above) {
      nodes.set(node.id, { ...node, place: freeCell(taken, above.place, 1) });
      const edge: DrawnEdge = { from: above.id, to: node.id, type: "SPAWNED" };
      edges.set(edgeKey(edge), edge);
    } else {
      lowest += 1;
      taken.add(`0 ${lowest}`);
      nodes.set(node.id, { ...node, place: { column: 0, row: lowest } });
    }
  }
  return { nodes, edges };
}

/** How many edges of a type are drawn at a node. */
export function drawnDegree(drawing: Drawing, id: string, type: EdgeType, direction: "OUT" | "IN"): number {
  let count = 0;
  for (const edge of drawing.edges.values()) {
    if (edge.type === type && (direction === "OUT" ? edge.from : edge.to) === id) count += 1;
  }
  return count;
}

/** Columns right of each node that are free for its name, 1 to 3. */
export function freeColumns(drawing: Drawing): Map<string, number> {
  const taken = new Set<string>();
  for (const { place } of drawing.nodes.values()) {
    for (const row of [Math.floor(place.row), Math.ceil(place.row)]) taken.add(`${place.column} ${row}`);
  }
  const isFree = ({ column, row }: Place, step: number) =>
    [Math.floor(row), Math.ceil(row)].every((r) => !taken.has(`${column + step} ${r}`));
  return new Map(
    [...drawing.nodes.values()].map(({ id, place }) => [
      id,
      !isFree(place, 1) ? 1 : !isFree(place, 2) ? 2 : 3,
    ]),
  );
}

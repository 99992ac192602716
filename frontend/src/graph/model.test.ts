import { expect, test } from "vitest";
import type { NodePartsFragment } from "../api/generated";
import { collapse, drawnDegree, nextNode, remove, unfold } from "./fold";
import { addChain, addGroups, arrange, grow, growTree, shrinkGroup, splitInto, tree } from "./model";
import { columnOf, timeScale } from "./place";

const node = (id: string): NodePartsFragment => ({
  id,
  kind: "PROCESS",
  label: id,
  host: "h",
  firstSeen: "2026-01-01T00:00:00Z",
  lastSeen: "2026-01-01T00:00:00Z",
  inferred: false,
  properties: [],
});
const branch = (id: string, parent: string | null = null) => ({ node: node(id), parent });
const places = (drawing: ReturnType<typeof tree>) =>
  Object.fromEntries([...drawing.nodes.values()].map((n) => [n.id, `${n.place.column} ${n.place.row}`]));

test("a parent stands left of its children and in their middle", () => {
  const drawing = tree([branch("a"), branch("b", "a"), branch("c", "a"), branch("d", "c")]);
  expect(places(drawing)).toEqual({ a: "0 0.5", b: "1 0", c: "1 1", d: "2 1" });
  expect(drawing.edges.size).toBe(3);
});

test("a ring of parents, a missing parent and a long chain are drawn all the same", () => {
  expect(tree([branch("a", "b"), branch("b", "a"), branch("c", "gone")]).nodes.size).toBe(3);
  const chain = Array.from({ length: 20_000 }, (_, i) => branch(`${i}`, i > 0 ? `${i - 1}` : null));
  expect(tree(chain).nodes.get("19999")?.place).toEqual({ column: 19_999, row: 0 });
});

test("what is drawn stays in its place when neighbours come, and no two share a cell", () => {
  const before = tree([branch("a"), branch("b", "a")]);
  const found = Array.from({ length: 60 }, (_, i) => ({
    node: node(`n${i}`),
    direction: i % 3 === 0 ? ("IN" as const) : ("OUT" as const),
    edge: {
      type: "CREATED" as const,
      from: i % 3 === 0 ? `n${i}` : "a",
      to: i % 3 === 0 ? "a" : `n${i}`,
      firstSeen: "",
      lastSeen: "",
      properties: [],
    },
  }));
  const after = grow(before, "a", found);
  for (const [id, place] of Object.entries(places(before))) expect(places(after)[id]).toBe(place);
  expect(new Set(Object.values(places(after))).size).toBe(62);
  expect(drawnDegree(after, "a", "CREATED", "OUT")).toBe(40);
  expect(places(grow(after, "a", found))).toEqual(places(after));
});

test("a further page of a tree leaves the first where it was", () => {
  const before = tree([branch("a"), branch("b", "a")]);
  const after = growTree(before, [branch("c", "b"), branch("d"), branch("a")]);
  expect(after.nodes.size).toBe(4);
  for (const [id, place] of Object.entries(places(before))) expect(places(after)[id]).toBe(place);
  expect(after.edges.has("b SPAWNED c")).toBe(true);
});

test("arrow keys walk to the nearest node", () => {
  const drawing = tree([branch("a"), branch("b", "a"), branch("c", "a")]);
  expect(nextNode(drawing, "a", "ArrowRight")).toBe("b");
  expect(nextNode(drawing, "b", "ArrowDown")).toBe("c");
  expect(nextNode(drawing, "c", "ArrowLeft")).toBe("a");
  expect(nextNode(drawing, "a", "ArrowLeft")).toBeUndefined();
});

const neighbour = (id: string, from: string, firstSeen = "2026-01-01T00:00:00Z") => ({
  node: node(id),
  direction: "OUT" as const,
  edge: { type: "CREATED" as const, from, to: id, firstSeen, lastSeen: firstSeen, properties: [] },
});

test("what was opened from a node is put away and comes back where it was", () => {
  const before = grow(tree([branch("a"), branch("b", "a"), branch("c", "b")]), "c", [neighbour("n", "c")]);
  const folded = collapse(before, "b");
  expect([...folded.nodes.keys()]).toEqual(["a", "b"]);
  expect(folded.edges.size).toBe(1);
  const back = unfold(folded, "b");
  expect(places(back)).toEqual(places(before));
  expect([...back.edges.keys()].sort()).toEqual([...before.edges.keys()].sort());
  expect(remove(before, "c").nodes.size).toBe(2);
  expect(collapse(before, "n")).toBe(before);
});

test("a group shrinks as it is drawn and goes when nothing is left of it", () => {
  const group = { by: "a", edge: "CREATED", direction: "OUT", total: 60, shown: 0, cursor: null } as const;
  const drawing = addGroups(tree([branch("a")]), [group]);
  const [id = ""] = drawing.groups.keys();
  expect(addGroups(drawing, [group]).groups.size).toBe(1);
  const less = shrinkGroup(drawing, id, 50, "more");
  expect(less.groups.get(id)).toMatchObject({ shown: 50, cursor: "more" });
  expect(shrinkGroup(less, id, 10, null).groups.size).toBe(0);
  const split = (key: string, total: number) => ({ ...group, split: { by: "HOST" as const, key }, total });
  const parts = addGroups(less, [split("h1", 40), split("h2", 20)], id);
  expect([...parts.groups.values()].map((g) => g.split?.key)).toEqual(["h1", "h2"]);
});

test("every layout is the same each time, keeps what it placed, and comes back as it was left", () => {
  const start = tree([branch("a"), branch("b", "a"), branch("c", "a")]);
  for (const layout of ["force", "time"] as const) {
    const one = arrange(start, layout);
    expect(places(arrange(start, layout))).toEqual(places(one));
    const grown = grow(one, "b", [neighbour("n", "b"), neighbour("m", "b")]);
    for (const [id, place] of Object.entries(places(one))) expect(places(grown)[id]).toBe(place);
    const back = arrange(grown, "tree");
    for (const [id, place] of Object.entries(places(start))) expect(places(back)[id]).toBe(place);
    expect(back.nodes.size).toBe(5);
    expect(places(arrange(back, layout))).toEqual(places(grown));
  }
});

test("two thousand nodes are laid out", () => {
  const many = Array.from({ length: 2_000 }, (_, i) => neighbour(`n${i}`, "a"));
  const grown = grow(tree([branch("a")]), "a", many);
  for (const layout of ["force", "time"] as const) {
    const drawn = [...arrange(grown, layout).nodes.values()];
    expect(drawn.every((n) => Number.isFinite(n.place.column) && Number.isFinite(n.place.row))).toBe(true);
  }
});

test("the time line goes with time, and later moments move none before them", () => {
  const scale = timeScale([0, 1_000, 60_000, 86_400_000]);
  const columns = scale.times.map((t) => columnOf(scale, t));
  expect(columns).toEqual([...columns].sort((a, b) => a - b));
  expect(columnOf(scale, 500)).toBeGreaterThan(columns[0] ?? 0);
  expect(columnOf(scale, 90_000_000)).toBeGreaterThan(columns[3] ?? 0);
  expect(columnOf(scale, -5_000)).toBeLessThan(columns[0] ?? 0);
});

test("a path is drawn along what is there already", () => {
  const start = tree([branch("a"), branch("b", "a")]);
  const edge = { ...neighbour("x", "b").edge };
  const drawing = addChain(start, [node("b"), node("x"), node("y")], [edge]);
  expect(drawing.nodes.size).toBe(4);
  expect(places(drawing).b).toBe(places(start).b);
  expect(drawing.edges.size).toBe(2);
});

test("a group is split page by page; what is left says how much and what was never looked at", () => {
  const hub = tree([{ node: node("hub"), parent: null }]);
  const whole = {
    by: "hub",
    edge: "CONNECTED" as const,
    direction: "IN" as const,
    total: 100,
    shown: 0,
    cursor: null,
  };
  const one = addGroups(hub, [whole]);
  const id = [...one.groups.keys()][0] ?? "";
  const found = (items: [string, number][], leftOut: number) => ({
    items: items.map(([key, count]) => ({ key, count })),
    leftOut,
    lookedAt: 90,
    total: 100,
  });
  const two = splitInto(
    one,
    id,
    "HOST",
    found(
      [
        ["a", 50],
        ["b", 20],
      ],
      1,
    ),
  );
  const rest = [...two.groups.values()].find((g) => g.rest);
  expect(two.groups.has(id)).toBe(false);
  expect([rest?.total, rest?.rest]).toEqual([30, { by: "HOST", skip: 2, groups: 1, seen: 90, of: 100 }]);
  const three = splitInto(two, rest?.id ?? "", "HOST", found([["c", 20]], 0));
  expect([...three.groups.values()].map((g) => g.total)).toEqual([50, 20, 20, 10]);
  const all = splitInto(one, id, "HOST", {
    ...found(
      [
        ["a", 60],
        ["b", 40],
      ],
      0,
    ),
    lookedAt: 100,
  });
  expect([...all.groups.values()].map((g) => g.split?.key)).toEqual(["a", "b"]);
});

import { expect, test } from "vitest";
import type { NodePartsFragment } from "../api/generated";
import { drawnDegree, grow, growTree, nextNode, tree } from "./model";

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

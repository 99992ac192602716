import { expect, test } from "vitest";
import type { NodePartsFragment } from "../api/generated";
import { addGroups, type Found, splitInto, tree } from "./model";
import { expanded, groupsOf, isUnopened, paged, upTo } from "./reading";

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
const found = (from: number, to: number): Found[] =>
  Array.from({ length: to - from }, (_, i) => ({
    node: node(`n${from + i}`),
    direction: "OUT" as const,
    edge: { type: "LOADED", from: "a", to: `n${from + i}`, firstSeen: "", lastSeen: "", properties: [] },
  }));
const of = { by: "a", edge: "LOADED", direction: "OUT" } as const;
const whole = { ...of, total: 120, shown: 0, cursor: null };
const start = tree([{ node: node("a"), parent: null }]);

test("a page read at the node is not read again from the group, which goes when all are drawn", () => {
  const grouped = expanded(start, "a", [], [whole], []);
  const one = paged(grouped, of, found(0, 50), { more: true, cursor: "c1", leftOut: 70, reason: null });
  expect(groupsOf(one, of)).toMatchObject([{ shown: 50, cursor: "c1" }]);
  const two = paged(one, of, found(50, 100), { more: true, cursor: "c2", leftOut: 20, reason: null });
  expect(groupsOf(two, of)).toMatchObject([{ shown: 100, cursor: "c2" }]);
  const all = paged(two, of, found(100, 120), { more: false, cursor: null, leftOut: 0, reason: null });
  expect(groupsOf(all, of)).toEqual([]);
  expect(all.nodes.size).toBe(121);
});

test("what is in groups already, or drawn, is not grouped again", () => {
  expect(isUnopened(start, of, 120)).toBe(true);
  const grouped = addGroups(start, [whole]);
  expect(isUnopened(grouped, of, 120)).toBe(false);
  const [group] = groupsOf(grouped, of);
  const parts = { items: [{ key: "x", count: 120 }], leftOut: 0, lookedAt: 120, total: 120 };
  const split = splitInto(grouped, group?.id ?? "", "NAME", parts);
  expect(groupsOf(split, of).map((g) => g.split?.key)).toEqual(["x"]);
  expect(isUnopened(split, of, 120)).toBe(false);
  expect(isUnopened(expanded(start, "a", found(0, 120), [], []), of, 120)).toBe(false);
});

test("expanding a leaf, or again what is expanded, is no step", () => {
  expect(expanded(start, "a", [], [], [])).toBe(start);
  const once = expanded(start, "a", found(0, 3), [], []);
  expect(once).not.toBe(start);
  expect(
    expanded(
      once,
      "a",
      found(0, 3),
      [],
      [["a LOADED OUT", { more: false, cursor: null, leftOut: 0, reason: null }]],
    ),
  ).toBe(once);
  const grouped = expanded(once, "a", [], [whole], []);
  expect(expanded(grouped, "a", [], [whole], [])).toBe(grouped);
});

test("one more than is listed says that there are more", () => {
  expect(upTo(2, [1, 2])).toEqual({ shown: [1, 2], more: false });
  expect(upTo(2, [1, 2, 3])).toEqual({ shown: [1, 2], more: true });
});

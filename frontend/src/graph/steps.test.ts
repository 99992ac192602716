import { expect, test } from "vitest";
import { readExploration, readSteps, record, type Step, writeExploration, writeSteps } from "./steps";

const STEPS: Step[] = [
  ["expand", "Tm9kZTox"],
  ["expand", "Tm9kZTox", "SPAWNED", "OUT"],
  ["split", "group Tm9kZTox CONNECTED IN", "PLACE"],
  ["open", "group Tm9kZTox CONNECTED IN PLACE 10.0.0.0/24 *a%b c\\日本"],
  ["move", "Tm9kZTox", "-1.25", "3"],
  ["layout", "force"],
];

test("an exploration is read as it was written", () => {
  const look = {
    at: "Tm9kZTox",
    find: "a&b=#",
    hits: true,
    rule: "r 1",
    brush: [5, 10],
    view: "table",
  } as const;
  const { hash, held } = writeExploration(STEPS, { ...look, brush: [5.2, 9.8] });
  expect(held).toBe(STEPS.length);
  expect(readExploration(new URL(`http://a.example/graph${hash}`).hash)).toEqual({ steps: STEPS, look });
  expect(writeExploration([], {}).hash).toBe("");
  expect(readExploration("").steps).toEqual([]);
});

test("what is unknown or broken is left out, and the rest read", () => {
  expect(readSteps("expand.a*explode.b*fold.%E0%A4*unfold.c")).toEqual([
    ["expand", "a"],
    ["unfold", "c"],
  ]);
  expect(readExploration("#steps=&brush=a-b&hits=any").look).toMatchObject({
    brush: undefined,
    hits: true,
    rule: undefined,
  });
});

test("the text is bounded, and says how many steps it holds", () => {
  const many = Array.from({ length: 5_000 }, (_, i): Step => ["expand", `Tm9kZTo${i}`.padEnd(60, "x")]);
  const { text, held } = writeSteps(many);
  expect(text.length).toBeLessThanOrEqual(16_000);
  expect(held).toBeGreaterThan(100);
  expect(readSteps(text)).toEqual(many.slice(0, held));
});

test("of the moves of one node and of layouts only the last is kept", () => {
  const moved = [
    ["move", "a", "1", "1"],
    ["move", "a", "2", "2"],
    ["move", "b", "1", "1"],
    ["layout", "force"],
    ["layout", "time"],
  ] as Step[];
  expect(moved.reduce<readonly Step[]>(record, [])).toEqual([moved[1], moved[2], moved[4]]);
});

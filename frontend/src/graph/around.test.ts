import { expect, test } from "vitest";
import { learn } from "./around";

test("without an answer nothing is known, and nothing is taken for no links", () => {
  const known = learn(new Map(), ["a"], {
    nodes: [
      {
        id: "a",
        degrees: [{ edge: "ON", direction: "OUT", total: 1, inPeriod: 1 }],
        hits: [
          { id: "1", level: "low", ruleId: "r", ruleTitle: "R" },
          { id: "2", level: "high", ruleId: "s", ruleTitle: "S" },
        ],
      },
    ],
  });
  expect(known.get("a")).toMatchObject({ worst: "high", degrees: [{ edge: "ON" }] });
  expect(known.get("a")?.rules.get("r")).toBe("R");
  expect(learn(known, ["b"], undefined)).toBe(known);
});

test("of a node that is gone nothing is left to be expanded", () => {
  expect(learn(new Map(), ["a"], { nodes: [null] }).get("a")?.degrees).toEqual([]);
});

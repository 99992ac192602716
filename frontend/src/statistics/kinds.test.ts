import { expect, test } from "vitest";
import { periodInput } from "../shared/period";
import { baselineOf, readOrders, writeOrders } from "./kinds";

const now = Date.parse("2026-03-10T00:00:00.000Z");
const day = { from: "2026-03-05T00:00:00.000Z", to: "2026-03-06T00:00:00.000Z" };

test("a period is compared with the one before it, or with what was chosen", () => {
  expect(baselineOf("compare", day, {}, now)).toEqual({
    from: "2026-03-04T00:00:00.000Z",
    to: "2026-03-05T00:00:00.000Z",
  });
  expect(baselineOf("compare", { last: "7d" }, {}, now)?.from).toBe("2026-02-24T00:00:00.000Z");
  expect(baselineOf("compare", day, { to: day.from }, now)).toEqual({ to: day.from });
});

test("new is what was never there before the period", () => {
  expect(baselineOf("new", day, {}, now)).toEqual({ to: day.from });
  expect(baselineOf("new", {}, {}, now)).toBeUndefined();
  expect(baselineOf("new", { to: day.to }, {}, now)).toBeUndefined();
});

test("orders of statistics survive the address", () => {
  const orders = new Map([
    ["ports", "-HOSTS"],
    ["domains", "VALUE"],
  ]);
  expect(readOrders(writeOrders(orders))).toEqual(orders);
  expect(readOrders("ports")).toEqual(new Map());
});

test("what is new in a period is new since its beginning, however long the page has been open", () => {
  const now = Date.parse("2026-01-31T12:00:00.000Z");
  const before = baselineOf("new", { last: "24h" }, {}, now);
  expect(before?.to).toBe(periodInput({ last: "24h" }, now)?.from);
});

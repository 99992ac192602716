import { expect, test } from "vitest";
import { shares, stack } from "./stack";

const bucket = (hour: number, category: string, count: number) => ({
  start: `2026-01-01T0${hour}:00:00.000Z`,
  category,
  count,
});

test("codes of one category are one part of a bar, bars are in order of time", () => {
  const buckets = [bucket(3, "file", 2), bucket(1, "process", 1), bucket(3, "file", 3), bucket(3, "dns", 1)];
  const bars = stack(buckets);
  expect(bars.map((b) => [b.start.slice(11, 13), b.total])).toEqual([
    ["01", 1],
    ["03", 6],
  ]);
  expect(bars[1]?.parts.get("file")).toBe(5);
  expect([...shares(buckets)]).toEqual([
    ["file", 5],
    ["process", 1],
    ["dns", 1],
  ]);
});

import { expect, test } from "vitest";
import { parseTime, periodInput, readPeriod, writePeriod } from "./period";

test.each([
  ["2026-01-31", "2026-01-31T00:00:00.000Z"],
  ["2026-01-31 14:05", "2026-01-31T14:05:00.000Z"],
  [" 2026-01-31T14:05:06.7Z ", "2026-01-31T14:05:06.700Z"],
  ["2026-02-30", undefined],
  ["2026-01-31 24:00", undefined],
  ["2026-01-31 10:61", undefined],
  ["yesterday", undefined],
])("%s is read as UTC", (text, time) => {
  expect(parseTime(text)).toBe(time);
});

test("a period is the same after it was written to the address and read", () => {
  for (const period of [{}, { last: "24h" }, { from: "2026-01-31T14:05:06.700Z" }]) {
    const params = new URLSearchParams("last=7d&to=2020-01-01");
    writePeriod(period, params);
    expect(readPeriod(params)).toEqual(period);
  }
  expect(readPeriod(new URLSearchParams("last=forever"))).toEqual({});
});

test("a preset counts back from now", () => {
  expect(periodInput({ last: "1h" }, Date.UTC(2026, 0, 1, 1))).toEqual({ from: "2026-01-01T00:00:00.000Z" });
  expect(periodInput({})).toBeUndefined();
});

import { expect, test } from "vitest";
import { dayOf, readTime, writeTime } from "./clock";

test("what is written in a zone is read back as the same time", () => {
  for (const zone of ["utc", "local"] as const)
    for (const time of ["2026-03-29T00:59:59.123Z", "2026-07-01T12:00:00.000Z", "2026-12-31T23:00:00.500Z"])
      expect(readTime(writeTime(time, zone), zone), `${zone} ${time}`).toBe(time);
  expect(writeTime("2026-01-02T03:04:05.678Z", "utc", false)).toBe("2026-01-02 03:04:05");
  expect(readTime("2026-01-02 03:04 UTC", "local")).toBe("2026-01-02T03:04:00.000Z");
  expect(readTime("yesterday", "local")).toBeUndefined();
  expect(writeTime(null, "utc")).toBe("");
  expect(writeTime("2026-01-02T03:04:05.678Z", "utc", true, "ja")).toBe("2026/01/02 03:04:05.678");
  expect(readTime("2026/01/02 03:04:05.678", "utc")).toBe("2026-01-02T03:04:05.678Z");
  expect(readTime("2026/01-02", "utc")).toBeUndefined();
});

test("a day begins at midnight of the zone", () => {
  expect(dayOf("2026-01-02T03:04:05.678Z", "utc")).toBe("2026-01-02T00:00:00.000Z");
  expect(writeTime(dayOf("2026-07-02T13:04:05Z", "local"), "local")).toBe("2026-07-02 00:00:00.000");
});

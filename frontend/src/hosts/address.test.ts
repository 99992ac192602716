import { expect, test } from "vitest";
import { changed, hostsWanted } from "./address";

const NOW = Date.parse("2026-01-31T12:00:00.000Z");
const asked = (change: object) =>
  hostsWanted({ period: {}, silent: "", name: "", order: "name", ...change }, NOW);

test("a host that has been silent for longer than the period is looked for before it", () => {
  const silent = asked({ period: { last: "24h" }, silent: "7d" });
  expect(silent.period).toBeUndefined();
  expect(silent.filter).toEqual({ silentSince: "2026-01-24T12:00:00.000Z" });
  const period = { from: "2026-01-20T00:00:00.000Z", to: "2026-01-21T00:00:00.000Z" };
  const before = asked({ period, silent: "24h" });
  expect(before.period).toEqual({ to: period.to });
  expect(before.filter).toEqual({ silentSince: "2026-01-20T00:00:00.000Z" });
});

test("without that the period is what it is", () => {
  const { period, filter } = asked({ period: { last: "24h" }, name: "ws" });
  expect(period).toEqual({ from: "2026-01-30T12:00:00.000Z" });
  expect(filter).toEqual({ name: "ws" });
  expect(asked({ order: "-last" })).toMatchObject({ order: "LAST_SEEN", descending: true });
});

test("a change leaves what it does not name", () => {
  const old = new URLSearchParams("host=a&tab=rare&last=7d");
  expect(changed(old, { tab: null, rare: "pairs" }).toString()).toBe("host=a&last=7d&rare=pairs");
  expect(changed(old, { period: {} }).toString()).toBe("host=a&tab=rare");
});

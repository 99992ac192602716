import { expect, test } from "vitest";
import { NODE_COLOURS } from "./colours";
import { EVENT_PATHS, NODE_PATHS } from "./paths";

const CODES = [...Array.from({ length: 29 }, (_, i) => i + 1), 255];

test("every event code and every node kind has a drawing, and no two event codes share one", () => {
  expect(Object.keys(EVENT_PATHS).map(Number)).toEqual(CODES);
  expect(new Set(Object.values(EVENT_PATHS)).size).toBe(CODES.length);
  expect(Object.keys(NODE_PATHS).sort()).toEqual(Object.keys(NODE_COLOURS).sort());
  expect(new Set(Object.values(NODE_PATHS)).size).toBe(Object.keys(NODE_PATHS).length);
});

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((i) => {
    const c = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

test("white drawings stand out from every disc", () => {
  for (const [kind, colour] of Object.entries(NODE_COLOURS)) {
    expect(1.05 / (luminance(colour) + 0.05), kind).toBeGreaterThan(4.5);
  }
});

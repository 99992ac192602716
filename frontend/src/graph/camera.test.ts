import { expect, test } from "vitest";
import { startOf, toScreen, toUnits, wholeOf, zoomed } from "./camera";

const size = { width: 1_000, height: 600 };
const tall = Array.from({ length: 2_000 }, (_, n) => ({ x: (n % 7) * 280, y: n * 56 }));

test("a point of the screen and of the drawing are told from each other, however near one looks", () => {
  for (const least of [0, 0.3])
    for (const scale of [0.01, 0.5, 2]) {
      const camera = { x: 40, y: -70, scale, least };
      const at = toScreen(camera, size, toUnits(camera, size, { x: 120, y: 333 }));
      expect(at.x).toBeCloseTo(120);
      expect(at.y).toBeCloseTo(333);
    }
});

test("what is under the pointer stays there while one comes nearer", () => {
  const camera = { x: 0, y: 0, scale: 0.1, least: 0.3 };
  const pointer = { x: 700, y: 100 };
  const under = toUnits(camera, size, pointer);
  const after = toScreen(zoomed(camera, size, 20, pointer), size, under);
  expect(after.x).toBeCloseTo(pointer.x);
  expect(after.y).toBeCloseTo(pointer.y);
});

test("a tree of thousands of rows is in sight as a whole, and as wide as there is room", () => {
  const camera = wholeOf(tall, size, true);
  if (!camera) throw new Error("there are points");
  const shown = tall.map((p) => toScreen(camera, size, p));
  expect(Math.min(...shown.map((p) => p.y))).toBeGreaterThanOrEqual(0);
  expect(Math.max(...shown.map((p) => p.y))).toBeLessThanOrEqual(size.height);
  const [left, right] = [Math.min(...shown.map((p) => p.x)), Math.max(...shown.map((p) => p.x))];
  expect(left).toBeGreaterThanOrEqual(0);
  expect(right).toBeLessThanOrEqual(size.width);
  expect(right - left).toBeGreaterThan(size.width / 2);
});

test("a large drawing begins where it was opened, at a size that can be read", () => {
  const from = tall[900];
  const camera = startOf(tall, size, true, from);
  if (!camera || !from) throw new Error("there are points");
  const at = toScreen(camera, size, from);
  expect(at.y).toBeCloseTo(size.height / 2);
  expect(at.x).toBeLessThan(size.width / 2);
  expect(camera.scale).toBeGreaterThan(0.5);
});

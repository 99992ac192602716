import type { Place } from "./place";

/** Distance of columns and rows, in units of the drawing; at life size a unit is a pixel. */
export const COLUMN = 280;
export const ROW = 56;

/** What is looked at: the unit in the middle of the place, and pixels per unit. */
export interface Camera {
  x: number;
  y: number;
  scale: number;
  /** Pixels per unit from left to right, at least: a tree of thousands of rows seen as a whole is no line. */
  least: number;
}

/** Pixels per unit from left to right. */
export const across = ({ scale, least }: Pick<Camera, "scale" | "least">) => Math.max(scale, least);

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

const MARGIN = { left: 50, right: 230, y: 50 };
/** Smallest scale at which names can be read. */
const READABLE = 0.56;
const LEAST = 0.002;
const MOST = 4;

export const unitsOf = (place: Place): Point => ({ x: place.column * COLUMN, y: place.row * ROW });

export const toScreen = (camera: Camera, { width, height }: Size, at: Point): Point => ({
  x: (at.x - camera.x) * across(camera) + width / 2,
  y: (at.y - camera.y) * camera.scale + height / 2,
});

export const toUnits = (camera: Camera, { width, height }: Size, at: Point): Point => ({
  x: (at.x - width / 2) / across(camera) + camera.x,
  y: (at.y - height / 2) / camera.scale + camera.y,
});

/** Nearer or farther; what is at `at` stays there. */
export function zoomed(camera: Camera, size: Size, factor: number, at?: Point): Camera {
  const scale = Math.min(MOST, Math.max(LEAST, camera.scale * factor));
  const fixed = at ?? { x: size.width / 2, y: size.height / 2 };
  const { x, y } = toUnits(camera, size, fixed);
  const { least } = camera;
  return {
    x: x - (fixed.x - size.width / 2) / across({ scale, least }),
    y: y - (fixed.y - size.height / 2) / scale,
    scale,
    least,
  };
}

/** Radius of a disc in pixels: it grows slower than the distances. */
export const radiusAt = (scale: number) => Math.max(1, Math.min(22, 14 * Math.sqrt(scale)));

function extent(points: Point[]) {
  const all = { left: Infinity, right: -Infinity, top: Infinity, bottom: -Infinity };
  for (const { x, y } of points) {
    all.left = Math.min(all.left, x);
    all.right = Math.max(all.right, x);
    all.top = Math.min(all.top, y);
    all.bottom = Math.max(all.bottom, y);
  }
  return all;
}

/** Everything is in sight, but nothing larger than life; a tree takes all of the width. */
export function wholeOf(points: Point[], size: Size, isTree: boolean): Camera | undefined {
  if (points.length === 0) return undefined;
  const at = extent(points);
  const wide = Math.max(100, size.width - MARGIN.left - MARGIN.right) / Math.max(1, at.right - at.left);
  const high = Math.max(100, size.height - 2 * MARGIN.y) / Math.max(1, at.bottom - at.top);
  const scale = Math.max(LEAST, Math.min(1, wide, high));
  const least = isTree ? Math.min(READABLE, wide) : 0;
  const x = (at.left + at.right) / 2 + (MARGIN.right - MARGIN.left) / 2 / across({ scale, least });
  return { x, y: (at.top + at.bottom) / 2, scale, least };
}

/** Everything if it can be read then; else the part around where it starts, or the upper left. */
export function startOf(
  points: Point[],
  size: Size,
  isTree: boolean,
  origin: Point | undefined,
): Camera | undefined {
  const whole = wholeOf(points, size, isTree);
  if (!whole || whole.scale >= READABLE) return whole;
  const near = { scale: READABLE, least: whole.least };
  if (origin) return { x: origin.x + (0.1 * size.width) / READABLE, y: origin.y, ...near };
  const at = extent(points);
  return {
    x: at.left + (size.width / 2 - MARGIN.left) / READABLE,
    y: at.top + (size.height / 2 - MARGIN.y) / READABLE,
    ...near,
  };
}

/** Whether a point and its name are in sight. */
export const isInSight = (at: Point, { width, height }: Size) =>
  at.x >= 30 && at.y >= 30 && at.x <= width - 120 && at.y <= height - 30;

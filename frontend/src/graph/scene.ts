import type { NodeKind } from "../api/generated";
import { type Camera, type Point, radiusAt, type Size, toScreen, unitsOf } from "./camera";
import { type Category, EDGE_CATEGORY } from "./edges";
import { freeColumns } from "./fold";
import type { Drawing, DrawnNode, Group } from "./model";

/** A node or group where it is drawn. */
export interface Disc extends Point {
  id: string;
  of: DrawnNode | Group;
  kind: NodeKind | "group";
  /** Category of the edges, of a group. */
  category?: string;
  inferred: boolean;
  /** Columns right of it that are free for its name. */
  room: number;
}

export interface Line {
  key: string;
  from: Disc;
  to: Disc;
  category: Category;
}

/** A drawing as the canvas reads it on every frame. */
export interface Scene {
  discs: Disc[];
  byId: ReadonlyMap<string, Disc>;
  lines: Line[];
}

export const noScene: Scene = { discs: [], byId: new Map(), lines: [] };

export function sceneOf(drawing: Drawing): Scene {
  const room = freeColumns(drawing);
  const byId = new Map<string, Disc>();
  for (const of of drawing.nodes.values())
    byId.set(of.id, {
      ...unitsOf(of.place),
      id: of.id,
      of,
      kind: of.kind,
      inferred: of.inferred,
      room: room.get(of.id) ?? 1,
    });
  for (const of of drawing.groups.values())
    byId.set(of.id, {
      ...unitsOf(of.place),
      id: of.id,
      of,
      kind: "group",
      category: EDGE_CATEGORY[of.edge],
      inferred: false,
      room: room.get(of.id) ?? 1,
    });
  const lines: Line[] = [];
  const line = (key: string, from: string, to: string, category: Category) => {
    const [a, b] = [byId.get(from), byId.get(to)];
    if (a && b && a !== b) lines.push({ key, from: a, to: b, category });
  };
  for (const [key, e] of drawing.edges) line(key, e.from, e.to, EDGE_CATEGORY[e.type]);
  for (const { id, by, edge, direction } of drawing.groups.values())
    direction === "OUT" ? line(id, by, id, EDGE_CATEGORY[edge]) : line(id, id, by, EDGE_CATEGORY[edge]);
  return { discs: [...byId.values()], byId, lines };
}

const MORE = 5;
export const discRadius = (disc: Disc, scale: number) => radiusAt(scale) * (disc.kind === "group" ? 1.35 : 1);

/** The disc under a point of the screen; small ones are met from a little further away. */
export function discAt(scene: Scene, camera: Camera, size: Size, { x, y }: Point): Disc | undefined {
  let best: { disc: Disc; distance: number } | undefined;
  for (const disc of scene.discs) {
    const at = toScreen(camera, size, disc);
    const distance = Math.hypot(at.x - x, at.y - y);
    const reach = Math.max(discRadius(disc, camera.scale) + 1, MORE);
    if (distance <= reach && (!best || distance < best.distance)) best = { disc, distance };
  }
  return best?.disc;
}

const NEAR_LINE = 6;

/** The line that passes nearest to a point of the screen, if it passes near. */
export function lineAt(scene: Scene, camera: Camera, size: Size, { x, y }: Point): Line | undefined {
  let [best, nearest]: [Line | undefined, number] = [undefined, NEAR_LINE];
  for (const line of scene.lines) {
    const [a, b] = [toScreen(camera, size, line.from), toScreen(camera, size, line.to)];
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const along = ((x - a.x) * dx + (y - a.y) * dy) / (dx * dx + dy * dy || 1);
    const at = Math.max(0, Math.min(1, along));
    const distance = Math.hypot(x - a.x - at * dx, y - a.y - at * dy);
    if (distance < nearest) [best, nearest] = [line, distance];
  }
  return best;
}

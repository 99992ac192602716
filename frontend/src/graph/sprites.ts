import type { NodeKind } from "../api/generated";
import { NODE_PATHS, UI_PATHS } from "../shared/paths";

const MOST = 400;
/** Below this radius a drawing on the disc is a smear. */
const WITH_ICON = 5;

const made = new Map<string, HTMLCanvasElement>();
const paths = new Map<string, Path2D>();

/** A disc with the white drawing of its kind, made once for each size and colour; radius in pixels of the screen. */
export function sprite(kind: NodeKind | "group", colour: string, radius: number): HTMLCanvasElement {
  const key = `${kind} ${colour} ${radius}`;
  const old = made.get(key);
  if (old) return old;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.ceil(radius) * 2 + 2;
  const context = canvas.getContext("2d");
  if (context) {
    context.translate(canvas.width / 2, canvas.height / 2);
    context.beginPath();
    context.arc(0, 0, radius, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
    if (radius >= WITH_ICON) {
      const path = paths.get(kind) ?? new Path2D(kind === "group" ? UI_PATHS.group : NODE_PATHS[kind]);
      paths.set(kind, path);
      context.scale((radius * 1.25) / 24, (radius * 1.25) / 24);
      context.translate(-12, -12);
      context.strokeStyle = "#fff";
      context.lineWidth = 2;
      context.lineCap = context.lineJoin = "round";
      context.stroke(path);
    }
  }
  if (made.size >= MOST) made.clear();
  made.set(key, canvas);
  return canvas;
}

import type { Point } from "./camera";

/** A disc on the screen. */
export interface Spot extends Point {
  radius: number;
}

export interface Hit {
  /** Name of a CSS variable. */
  colour: string;
  sign: string;
}

/** What stands beside a node. */
export interface Caption {
  name: string;
  /** Shown under the pointer. */
  full: string;
  second: string | undefined;
  /** Level of the worst rule hit of a process: a colour, and a sign that says the same. */
  hit: Hit | undefined;
  /** Pixels that are free to the right of the node, and above and below it. */
  width: number;
  height: number;
}

const NAME = "600 12px system-ui, sans-serif";
const SECOND = "11px system-ui, sans-serif";
/** Between the parts of the second line. */
export const BETWEEN = " · ";
const LEAST_WIDTH = 36;
const LEAST_HEIGHT = 13;
const TWO_LINES = 30;
/** Pixels that a name may take under the pointer, and when chosen. */
const WHOLE = 640;
export const CHOSEN = 160;
const RING = [3, 2.5];

/** Cuts the middle until it fits: the start tells where, the end tells what. */
export function fitText(text: string, width: number, measure: (text: string) => number): string {
  if (measure(text) <= width) return text;
  let [least, most] = [0, text.length];
  const cut = (n: number) =>
    `${text.slice(0, Math.ceil(n * 0.4))}…${text.slice(text.length - Math.floor(n * 0.6))}`;
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (measure(cut(middle)) <= width) least = middle;
    else most = middle - 1;
  }
  return least < 3 ? "" : cut(least);
}

/** Leaves out the parts that come first until the others fit; only the last is cut. */
export function fitParts(text: string, width: number, measure: (text: string) => number): string {
  const at = text.indexOf(BETWEEN);
  return at < 0 || measure(text) <= width
    ? fitText(text, width, measure)
    : fitParts(text.slice(at + BETWEEN.length), width, measure);
}

const known = new Map<string, { font: string; shown: string; width: number }>();
const MOST_KNOWN = 20_000;

/** As `fitText`; measuring is what costs, and each frame asks the same again. */
function fitted(context: CanvasRenderingContext2D, font: string, value: string, room: number) {
  const width = Math.floor(room / 8) * 8;
  const key = `${width} ${font} ${value}`;
  const old = known.get(key);
  if (old) return old;
  context.font = font;
  const shown = (font === SECOND ? fitParts : fitText)(value, width, (t) => context.measureText(t).width);
  const made = { font, shown, width: context.measureText(shown).width };
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(key, made);
  return made;
}

/** Whether a name fits beside its node without meeting another. */
export const hasRoom = ({ width, height }: Pick<Caption, "width" | "height">) =>
  width >= LEAST_WIDTH && height >= LEAST_HEIGHT;

/** Pixels that a name takes. */
export const widthOf = (context: CanvasRenderingContext2D, name: string) =>
  Math.ceil(fitted(context, NAME, name, WHOLE).width / 8) * 8;

/** Around what is chosen or highlighted. */
export function drawRing(context: CanvasRenderingContext2D, spot: Spot, colour: (name: string) => string) {
  context.beginPath();
  context.arc(spot.x, spot.y, spot.radius + 2.5, 0, 2 * Math.PI);
  context.strokeStyle = colour("--accent");
  context.lineWidth = 2;
  context.stroke();
}

/** Name right of the node and a second line below it as far as there is room; framed when chosen, `whole` under the pointer. */
export function drawLabel(
  context: CanvasRenderingContext2D,
  spot: Spot,
  caption: Caption,
  colour: (name: string) => string,
  framed: boolean,
  whole: boolean,
) {
  if (framed) drawRing(context, spot, colour);
  if (!framed && !hasRoom(caption)) return;
  const second = framed || caption.height >= TWO_LINES ? caption.second : undefined;
  const room = whole ? WHOLE : caption.width;
  const x = spot.x + spot.radius + 7;
  const text = (font: string, value: string) => fitted(context, font, value, room);
  const lines = [text(NAME, whole ? caption.full : caption.name), ...(second ? [text(SECOND, second)] : [])];
  const height = second ? 33 : 19;
  context.globalAlpha = framed ? 1 : 0.78;
  context.fillStyle = colour(framed ? "--raised" : "--bg");
  context.beginPath();
  context.roundRect(x - 4, spot.y - height / 2, Math.max(...lines.map((l) => l.width)) + 8, height, 4);
  context.fill();
  context.globalAlpha = 1;
  if (framed) {
    context.lineWidth = 1;
    context.stroke();
  }
  lines.forEach(({ font, shown }, i) => {
    context.font = font;
    context.fillStyle = colour(i === 0 ? "--text" : "--dim");
    context.fillText(shown, x, spot.y + (second ? -2.5 + i * 14 : 4));
  });
}

/** Smallest mark in which its sign can be read. */
const SIGNED = 4.5;

/** A mark of a rule hit at the disc, with the sign of its level where there is room. */
export function drawHit(
  context: CanvasRenderingContext2D,
  { x, y, radius }: Spot,
  hit: Hit,
  colour: (name: string) => string,
) {
  const size = Math.max(2, Math.min(7, radius * 0.6));
  const [cx, cy] = [x + radius * 0.78, y - radius * 0.78];
  context.beginPath();
  context.arc(cx, cy, size, 0, 2 * Math.PI);
  context.fillStyle = colour(hit.colour);
  context.fill();
  context.strokeStyle = colour("--bg");
  context.lineWidth = 1.5;
  context.stroke();
  if (size < SIGNED) return;
  context.font = `700 ${Math.round(size * 1.5)}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.fillStyle = colour("--bg");
  context.fillText(hit.sign, cx, cy + size * 0.52);
  context.textAlign = "start";
}

/** A broken ring around what is known by reference only. */
export function drawInferred(context: CanvasRenderingContext2D, { x, y, radius }: Spot, colour: string) {
  context.beginPath();
  context.arc(x, y, radius + 2.5, 0, 2 * Math.PI);
  context.strokeStyle = colour;
  context.lineWidth = 1.2;
  context.setLineDash(RING);
  context.stroke();
  context.setLineDash([]);
}

import { NODE_COLOURS } from "../shared/colours";
import { across, type Camera, COLUMN, type Point, ROW, type Size, toScreen } from "./camera";
import { DASHES } from "./edges";
import {
  type Caption,
  CHOSEN,
  drawHit,
  drawInferred,
  drawLabel,
  drawRing,
  hasRoom,
  type Spot,
  widthOf,
} from "./label";
import type { DrawnNode, Group } from "./model";
import { type Disc, discRadius, type Line, type Scene } from "./scene";
import { sprite } from "./sprites";

export type CaptionOf = (of: DrawnNode | Group) => Pick<Caption, "name" | "full" | "second" | "hit">;

/** What is chosen and highlighted, and what colours are now. */
export interface Look {
  selected: string | undefined;
  /** Key of the line chosen. */
  edge: string | undefined;
  /** What is highlighted; the others fade. */
  lit: ReadonlySet<string> | undefined;
  litEdges: ReadonlySet<string> | undefined;
  caption: CaptionOf;
  /** Value of a CSS variable. */
  colour: (name: string) => string;
}

/** Names and arrows are drawn from these radii on. */
const NAMED = 3.5;
const POINTED = 4;
/** Highlighted discs are framed as long as they are few. */
const FEW_LIT = 60;
/** Strokes of one colour are drawn together, but not so many that one path becomes slow. */
const STROKES = 400;

interface Pen {
  colour: string;
  dash: readonly number[];
  width: number;
  lines: [Point, Point][];
}

/** Draws a scene. Nothing outside of `size` is looked at. */
export function paint(
  context: CanvasRenderingContext2D,
  scene: Scene,
  camera: Camera,
  size: Size,
  look: Look,
) {
  context.clearRect(0, 0, size.width, size.height);
  paintLines(context, scene.lines, camera, size, look);
  const framed: [Disc, Spot][] = [];
  const named: [Disc, Spot][] = [];
  const { lit, selected } = look;
  const base = discRadius({ kind: "PROCESS" } as Disc, camera.scale);
  for (const disc of scene.discs) {
    const at = toScreen(camera, size, disc);
    if (at.x < -300 || at.y < -40 || at.x > size.width + 40 || at.y > size.height + 40) continue;
    const isSelected = disc.id === selected;
    const radius = Math.round((discRadius(disc, camera.scale) + (isSelected ? 3 : 0)) * 2) / 2;
    const spot = { ...at, radius };
    const colour = colourOf(disc, look);
    if (radius < 2) {
      context.fillStyle = colour;
      context.fillRect(at.x - radius, at.y - radius, radius * 2, radius * 2);
    } else drawSprite(context, disc, colour, spot);
    if (disc.inferred && base >= NAMED) drawInferred(context, spot, look.colour("--dim"));
    if (isSelected || (lit && lit.size <= FEW_LIT && lit.has(disc.id))) framed.push([disc, spot]);
    else if (base >= NAMED) named.push([disc, spot]);
  }
  // In a tree each name has room of its own; elsewhere names go where nothing stands.
  const taken = new Room([...named, ...framed].map(([, spot]) => spot));
  for (const [disc, spot] of named) name(context, disc, spot, camera, look, false, false, taken);
  for (const [disc, spot] of framed) {
    drawSprite(context, disc, colourOf(disc, look), spot);
    name(context, disc, spot, camera, look, true, false, disc.id === selected ? undefined : taken);
  }
}

/** Widest name, and height of a line, where names have no room of their own. */
const SHORT = 150;
const LINE = 15;
const SQUARE = 24;

/** Where discs and names stand already, by squares of the screen. */
class Room {
  private readonly taken = new Set<number>();

  constructor(spots: Spot[]) {
    for (const { x, y, radius } of spots) this.mark(x - radius, x + radius, y, true);
  }

  /** Takes the room for a name right of a disc, if nothing stands there. */
  take({ x, y, radius }: Spot, width: number): boolean {
    const [left, right] = [x + radius + 6, x + radius + 10 + width];
    return this.mark(left, right, y, false) && this.mark(left, right, y, true);
  }

  private mark(left: number, right: number, y: number, put: boolean): boolean {
    for (let column = Math.floor(left / SQUARE); column <= Math.floor(right / SQUARE); column += 1)
      for (let row = Math.floor((y - LINE / 2) / LINE); row <= Math.floor((y + LINE / 2) / LINE); row += 1) {
        const key = row * 10_000 + column;
        if (put) this.taken.add(key);
        else if (this.taken.has(key)) return false;
      }
    return true;
  }
}

/** One disc with all of its name, above the others. */
export function paintWhole(
  context: CanvasRenderingContext2D,
  disc: Disc,
  camera: Camera,
  size: Size,
  look: Look,
) {
  const spot = { ...toScreen(camera, size, disc), radius: Math.max(8, discRadius(disc, camera.scale)) };
  drawSprite(context, disc, colourOf(disc, look), spot);
  name(context, disc, spot, camera, look, true, true);
}

function drawSprite(context: CanvasRenderingContext2D, disc: Disc, colour: string, { x, y, radius }: Spot) {
  // As many pixels as the screen has for it.
  const ratio = context.getTransform().a;
  const image = sprite(disc.kind, colour, Math.round(radius * ratio * 2) / 2);
  const side = image.width / ratio;
  context.drawImage(image, x - side / 2, y - side / 2, side, side);
}

function colourOf(disc: Disc, { lit, colour }: Look): string {
  if (lit && !lit.has(disc.id)) return colour("--line");
  if (disc.kind === "group") return colour(`--group-${disc.category}`);
  return disc.inferred ? colour("--graph-inferred") : NODE_COLOURS[disc.kind];
}

function name(
  context: CanvasRenderingContext2D,
  disc: Disc,
  spot: Spot,
  camera: Camera,
  look: Look,
  framed: boolean,
  whole: boolean,
  taken?: Room,
) {
  const said = look.caption(disc.of);
  const own = disc.room * COLUMN * across(camera) - spot.radius * 2 - 18;
  // Only of what is chosen the name may cover others.
  const width = framed && !taken ? Math.max(own, CHOSEN) : own;
  const caption = { ...said, width, height: ROW * camera.scale };
  if (taken && !hasRoom(caption)) {
    if (framed) drawRing(context, spot, look.colour);
    const wide = Math.min(SHORT, widthOf(context, said.name));
    if (taken.take(spot, wide))
      drawLabel(context, spot, { ...caption, width: wide, height: LINE }, look.colour, false, false);
  } else drawLabel(context, spot, caption, look.colour, framed, whole);
  if (said.hit) drawHit(context, spot, said.hit, look.colour);
}

function paintLines(
  context: CanvasRenderingContext2D,
  lines: Line[],
  camera: Camera,
  size: Size,
  { selected, edge, lit, litEdges, colour }: Look,
) {
  const pens = new Map<string, Pen>();
  const above: Pen[] = [];
  for (const line of lines) {
    const [a, b] = [toScreen(camera, size, line.from), toScreen(camera, size, line.to)];
    if (Math.max(a.x, b.x) < 0 || Math.max(a.y, b.y) < 0) continue;
    if (Math.min(a.x, b.x) > size.width || Math.min(a.y, b.y) > size.height) continue;
    const chosen = line.key === edge || (litEdges?.has(line.key) ?? false);
    const near = line.from.id === selected || line.to.id === selected;
    const faded = lit && !chosen && !(lit.has(line.from.id) && lit.has(line.to.id));
    const ink = faded ? colour("--line") : colour(`--cat-${line.category}`);
    const width = chosen ? 3.4 : near ? 2.2 : 1.3;
    if (chosen) {
      above.push({ colour: ink, dash: DASHES[line.category], width, lines: [[a, b]] });
      continue;
    }
    const key = `${ink} ${width} ${line.category}`;
    const pen = pens.get(key) ?? { colour: ink, dash: DASHES[line.category], width, lines: [] };
    pens.set(key, pen);
    pen.lines.push([a, b]);
  }
  const order = [...pens.values()].sort((a, b) => a.width - b.width);
  for (const pen of [...order, ...above])
    stroke(context, pen, discRadius({ kind: "PROCESS" } as Disc, camera.scale));
}

function stroke(context: CanvasRenderingContext2D, { colour, dash, width, lines }: Pen, radius: number) {
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = radius < POINTED ? Math.min(0.7, width) : width;
  for (let start = 0; start < lines.length; start += STROKES) {
    const some = lines.slice(start, start + STROKES);
    context.beginPath();
    for (const [a, b] of some) {
      context.moveTo(a.x, a.y);
      context.lineTo(b.x, b.y);
    }
    // From afar a broken line is no more than a paler one.
    if (radius >= POINTED) context.setLineDash(dash as number[]);
    context.stroke();
    context.setLineDash([]);
    if (radius < POINTED) continue;
    context.beginPath();
    for (const [a, b] of some) {
      const d = Math.hypot(b.x - a.x, b.y - a.y);
      const long = 4 + 2 * width;
      if (d < 2 * radius + long) continue;
      const [ux, uy] = [(b.x - a.x) / d, (b.y - a.y) / d];
      const [x, y] = [b.x - ux * (radius + 1), b.y - uy * (radius + 1)];
      const [bx, by] = [x - ux * long, y - uy * long];
      const half = long * 0.5;
      context.moveTo(x, y);
      context.lineTo(bx - uy * half, by + ux * half);
      context.lineTo(bx + uy * half, by - ux * half);
    }
    context.fill();
  }
}

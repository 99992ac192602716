import { across, type Camera, type Point, type Size, toUnits, zoomed } from "./camera";
import { type Look, paint, paintWhole } from "./paint";
import { type Disc, discAt, lineAt, noScene, type Scene } from "./scene";

/** Pixels that are drawn beyond each side of the place: looking around within them only shifts what is there. */
const SPARE = 256;
/** A pointer that moved less has clicked. */
const STILL = 4;

export interface Heard {
  onSelect: (id: string) => void;
  onSelectLine: (key: string) => void;
  onOpen: (id: string) => void;
  /** A disc was put elsewhere: units. */
  onMove: (id: string, to: Point) => void;
  onLook: (camera: Camera, size: Size) => void;
}

/**
 * The scene on a 2D canvas: drawn once, larger than its place, and shifted while one looks around. So no frame of a
 * movement costs more than a copy, with or without a graphics card.
 */
export class Stage {
  private scene: Scene = noScene;
  private camera: Camera = { x: 0, y: 0, scale: 1, least: 0 };
  private size: Size = { width: 1, height: 1 };
  private readonly layer = document.createElement("canvas");
  private readonly above = document.createElement("canvas");
  /** How the layer was drawn; absent when it has to be drawn anew. */
  private drawn: { camera: Camera; spare: number } | undefined;
  private hovered: Disc | undefined;
  private frame = 0;
  private readonly pointers = new Map<number, Point>();
  private grabbed: { disc?: Disc; at: Point; moved: boolean } | undefined;
  private flight = 0;
  private readonly observer: ResizeObserver;
  private readonly ended = new AbortController();

  constructor(
    private readonly place: HTMLElement,
    private readonly look: () => Look,
    private readonly heard: Heard,
  ) {
    for (const canvas of [this.layer, this.above]) {
      canvas.style.position = "absolute";
      place.append(canvas);
    }
    this.resize();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(place);
    const { signal } = this.ended;
    place.addEventListener("pointerdown", (e) => this.down(e), { signal });
    place.addEventListener("pointermove", (e) => this.moved(e), { signal });
    place.addEventListener("pointerup", (e) => this.up(e), { signal });
    place.addEventListener("pointercancel", (e) => this.up(e), { signal });
    place.addEventListener("pointerleave", () => this.hover(undefined), { signal });
    place.addEventListener("dblclick", (e) => this.twice(e), { signal });
    place.addEventListener("wheel", (e) => this.wheel(e), { signal, passive: false });
  }

  end() {
    this.ended.abort();
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    cancelAnimationFrame(this.flight);
    this.place.replaceChildren();
  }

  show(scene: Scene) {
    this.scene = scene;
    this.hovered = this.hovered && scene.byId.get(this.hovered.id);
    this.redraw();
  }

  /** Something looks different now. */
  redraw() {
    this.drawn = undefined;
    this.ask();
  }

  get now(): { scene: Scene; camera: Camera; size: Size } {
    this.resize();
    return { scene: this.scene, camera: this.camera, size: this.size };
  }

  /** Looks elsewhere, at once or in so many milliseconds. */
  goTo(to: Camera | undefined, duration = 0) {
    cancelAnimationFrame(this.flight);
    if (!to) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (duration === 0 || still) {
      this.camera = to;
      return this.ask();
    }
    const [from, start] = [this.camera, performance.now()];
    const step = (time: number) => {
      const part = Math.min(1, Math.max(0, (time - start) / duration));
      const eased = 1 - (1 - part) ** 3;
      const between = (a: number, b: number) => a + (b - a) * eased;
      this.camera = {
        x: between(from.x, to.x),
        y: between(from.y, to.y),
        scale: from.scale * (to.scale / from.scale) ** eased,
        least: between(from.least, to.least),
      };
      this.ask();
      if (part < 1) this.flight = requestAnimationFrame(step);
    };
    this.flight = requestAnimationFrame(step);
  }

  private resize() {
    const { clientWidth: width, clientHeight: height } = this.place;
    if (width === this.size.width && height === this.size.height) return;
    this.size = { width: Math.max(1, width), height: Math.max(1, height) };
    this.redraw();
  }

  private ask() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw() {
    const { camera, size } = this;
    const { scale, least } = this.drawn?.camera ?? {};
    const same = scale === camera.scale && least === camera.least;
    const shift = this.drawn && {
      x: (this.drawn.camera.x - camera.x) * across(camera),
      y: (this.drawn.camera.y - camera.y) * camera.scale,
    };
    const isEnough =
      same && shift && this.drawn && Math.max(Math.abs(shift.x), Math.abs(shift.y)) <= this.drawn.spare;
    const ratio = Math.min(2, devicePixelRatio || 1);
    if (!isEnough) {
      // While the scale changes, what is beyond the place is of no use in the next frame.
      const spare = this.drawn && !same ? 0 : SPARE;
      const large = { width: size.width + 2 * spare, height: size.height + 2 * spare };
      const context = contextOf(this.layer, large, ratio);
      if (context) paint(context, this.scene, camera, large, this.look());
      this.layer.style.left = this.layer.style.top = `${-spare}px`;
      this.drawn = { camera, spare };
    }
    const [x, y] = isEnough && shift ? [shift.x, shift.y] : [0, 0];
    const whole = (v: number) => Math.round(v * ratio) / ratio;
    this.layer.style.transform = `translate(${whole(x)}px, ${whole(y)}px)`;
    this.drawAbove(ratio);
    this.heard.onLook(camera, size);
  }

  private drawAbove(ratio: number) {
    this.above.hidden = !this.hovered;
    if (!this.hovered) return;
    const context = contextOf(this.above, this.size, ratio);
    if (context) paintWhole(context, this.hovered, this.camera, this.size, this.look());
  }

  private hover(disc: Disc | undefined) {
    if (disc === this.hovered) return;
    this.hovered = disc;
    this.place.style.cursor = disc ? "pointer" : "";
    this.ask();
  }

  private at(event: MouseEvent): Point {
    const box = this.place.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  private discAt(at: Point) {
    return discAt(this.scene, this.camera, this.size, at);
  }

  private down(event: PointerEvent) {
    if (event.button !== 0) return;
    cancelAnimationFrame(this.flight);
    this.place.setPointerCapture(event.pointerId);
    const at = this.at(event);
    this.pointers.set(event.pointerId, at);
    this.grabbed = { disc: this.discAt(at), at, moved: this.pointers.size > 1 };
  }

  private moved(event: PointerEvent) {
    const at = this.at(event);
    const before = this.pointers.get(event.pointerId);
    if (!before || !this.grabbed) return this.hover(this.discAt(at));
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) this.pinch(before, at, other);
    else if (!this.grabbed.moved && Math.hypot(at.x - this.grabbed.at.x, at.y - this.grabbed.at.y) < STILL)
      return;
    else this.drag(before, at);
    this.pointers.set(event.pointerId, at);
  }

  /** A disc, or the place below it. */
  private drag(before: Point, at: Point) {
    if (!this.grabbed) return;
    // The way before it was known to be one counts too.
    const from = this.grabbed.moved ? before : this.grabbed.at;
    this.grabbed.moved = true;
    const { disc } = this.grabbed;
    if (disc) {
      Object.assign(disc, toUnits(this.camera, this.size, at));
      return this.redraw();
    }
    this.hover(undefined);
    const { camera } = this;
    const x = camera.x - (at.x - from.x) / across(camera);
    this.camera = { ...camera, x, y: camera.y - (at.y - from.y) / camera.scale };
    this.ask();
  }

  private pinch(before: Point, at: Point, other: Point) {
    if (this.grabbed) this.grabbed.moved = true;
    const apart = (p: Point) => Math.max(1, Math.hypot(p.x - other.x, p.y - other.y));
    this.camera = zoomed(this.camera, this.size, apart(at) / apart(before), other);
    this.ask();
  }

  private up(event: PointerEvent) {
    if (!this.pointers.delete(event.pointerId)) return;
    const { grabbed } = this;
    this.grabbed = this.pointers.size > 0 ? grabbed : undefined;
    if (!grabbed || this.grabbed) return;
    const { disc, at, moved } = grabbed;
    if (moved && disc) this.heard.onMove(disc.id, { x: disc.x, y: disc.y });
    if (moved || event.type === "pointercancel") return;
    if (disc) return this.heard.onSelect(disc.id);
    const line = lineAt(this.scene, this.camera, this.size, at);
    if (line) this.heard.onSelectLine(line.key);
  }

  private twice(event: MouseEvent) {
    const disc = this.discAt(this.at(event));
    if (disc) this.heard.onOpen(disc.id);
  }

  private wheel(event: WheelEvent) {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * 20;
    this.goTo(zoomed(this.camera, this.size, Math.exp(-pixels * 0.0018), this.at(event)));
  }
}

/** The context of a canvas of this size, cleared of transformations. */
function contextOf(canvas: HTMLCanvasElement, { width, height }: Size, ratio: number) {
  const [w, h] = [Math.ceil(width * ratio), Math.ceil(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${w / ratio}px`;
    canvas.style.height = `${h / ratio}px`;
  }
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

import { type KeyboardEvent, type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { useTranslation } from "react-i18next";
import { drawAxis } from "./axis";
import { across, COLUMN, isInSight, ROW, startOf, toScreen, wholeOf, zoomed } from "./camera";
import { nextNode } from "./fold";
import type { Drawing } from "./model";
import type { CaptionOf } from "./paint";
import type { Place } from "./place";
import { type Disc, sceneOf } from "./scene";
import { Stage } from "./stage";

export interface CanvasHandle {
  /** Shows all, or all of these. */
  fit: (ids?: ReadonlySet<string>) => void;
  /** Shows all of these if none is in sight. */
  reveal: (ids: ReadonlySet<string>) => void;
  zoom: (factor: number) => void;
  show: (id: string) => void;
  /** Looks further, in steps. */
  pan: (x: number, y: number) => void;
  /** Moves what is chosen, in steps. */
  move: (x: number, y: number) => void;
  focus: () => void;
}

export interface CanvasProps {
  ref: Ref<CanvasHandle>;
  drawing: Drawing;
  /** Where the graph starts, if from one node. */
  origin: string | undefined;
  selected: string | undefined;
  /** Key of the edge chosen. */
  edge: string | undefined;
  /** What is highlighted; the others fade. */
  lit: ReadonlySet<string> | undefined;
  /** Edges that are highlighted with it. */
  litEdges: ReadonlySet<string> | undefined;
  caption: CaptionOf;
  onSelect: (id: string | undefined) => void;
  onSelectEdge: (key: string) => void;
  onExpand: (id: string) => void;
  onMove: (id: string, place: Place) => void;
  /** A moment in the zone chosen. */
  write: (time: number) => string;
  /** Keys that are not about choosing and looking. */
  onCommand: (event: KeyboardEvent) => void;
  dark: boolean;
}

const ZOOM = 1.5;
const FLIGHT = 180;
/** Pixels of a step of looking around, and cells of a step of a node. */
const STEP = 120;
const SHIFT: Place = { column: 0.1, row: 0.5 };

/** Steps right and down of the keys that look around, and of those that move what is chosen. */
const PANS: Record<string, readonly [number, number]> = { w: [0, -1], a: [-1, 0], s: [0, 1], d: [1, 0] };
const ARROWS: Record<string, readonly [number, number]> = {
  ArrowUp: [0, -1],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowRight: [1, 0],
};

/** The graph as a drawing. Everything it shows is also in the table twin. */
export function Canvas(props: CanvasProps) {
  const { t } = useTranslation();
  const frame = useRef<HTMLDivElement>(null);
  const place = useRef<HTMLDivElement>(null);
  const axis = useRef<HTMLDivElement>(null);
  const stage = useRef<Stage>(undefined);
  const colours = useRef(new Map<string, string>());
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    if (!place.current) return;
    const colour = (name: string) => {
      const known = colours.current.get(name);
      if (known) return known;
      const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
      colours.current.set(name, value);
      return value;
    };
    let captions = new WeakMap<object, ReturnType<CaptionOf>>();
    let captionsOf: CaptionOf | undefined;
    /** Each frame asks for the same again. */
    const caption: CaptionOf = (of) => {
      if (captionsOf !== latest.current.caption) captions = new WeakMap();
      captionsOf = latest.current.caption;
      const known = captions.get(of) ?? latest.current.caption(of);
      captions.set(of, known);
      return known;
    };
    const made = new Stage(place.current, () => ({ ...latest.current, caption, colour }), {
      onSelect: (id) => latest.current.onSelect(id),
      onSelectLine: (key) => {
        const { drawing, onSelect, onSelectEdge } = latest.current;
        if (drawing.edges.has(key)) onSelectEdge(key);
        else onSelect(key);
      },
      onOpen: (id) => latest.current.onExpand(id),
      onMove: (id, { x, y }) => latest.current.onMove(id, { column: x / COLUMN, row: y / ROW }),
      onLook: (camera, size) => {
        const { drawing, write } = latest.current;
        const scale = drawing.layout === "time" ? drawing.scale : undefined;
        if (axis.current) drawAxis(axis.current, camera, size, scale, write);
      },
    });
    stage.current = made;
    return () => made.end();
  }, []);

  const { drawing, origin } = props;
  useEffect(() => {
    const on = stage.current;
    if (!on) return;
    const wasEmpty = on.now.scene.discs.length === 0;
    const scene = sceneOf(drawing);
    on.show(scene);
    const from = origin ? scene.byId.get(origin) : undefined;
    if (wasEmpty) on.goTo(startOf(scene.discs, on.now.size, drawing.layout === "tree", from));
  }, [drawing, origin]);

  const showAll = (ids?: ReadonlySet<string>) => {
    const now = stage.current?.now;
    if (!now) return;
    const discs = ids ? now.scene.discs.filter((d) => ids.has(d.id)) : now.scene.discs;
    stage.current?.goTo(wholeOf(discs, now.size, latest.current.drawing.layout === "tree"), FLIGHT);
  };
  const reveal = (ids: ReadonlySet<string>) => {
    const now = stage.current?.now;
    const isSeen = (disc: Disc) => now && isInSight(toScreen(now.camera, now.size, disc), now.size);
    if (!now?.scene.discs.some((d) => ids.has(d.id) && isSeen(d))) showAll(ids);
  };
  const zoom = (factor: number) => {
    const now = stage.current?.now;
    if (now) stage.current?.goTo(zoomed(now.camera, now.size, factor), FLIGHT);
  };
  const show = (id: string, onlyIfHidden = false) => {
    const now = stage.current?.now;
    const disc = now?.scene.byId.get(id);
    if (!now || !disc) return;
    if (onlyIfHidden && isInSight(toScreen(now.camera, now.size, disc), now.size)) return;
    stage.current?.goTo({ ...now.camera, x: disc.x, y: disc.y }, FLIGHT);
  };

  const pan = (x: number, y: number) => {
    const now = stage.current?.now;
    if (!now) return;
    const { camera } = now;
    const to = { x: camera.x + (x * STEP) / across(camera), y: camera.y + (y * STEP) / camera.scale };
    stage.current?.goTo({ ...camera, ...to });
  };
  const moveChosen = (x: number, y: number) => {
    const { drawing: all, selected, onMove } = latest.current;
    const at = selected && (all.nodes.get(selected) ?? all.groups.get(selected))?.place;
    if (!at) return;
    onMove(selected, { column: at.column + x * SHIFT.column, row: at.row + y * SHIFT.row });
    show(selected, true);
  };

  // The whole of another layout is shown: the eye has to find its bearings anew.
  const shownLayout = useRef(drawing.layout);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another layout asks for it.
  useEffect(() => {
    if (shownLayout.current !== drawing.layout) showAll();
    shownLayout.current = drawing.layout;
  }, [drawing.layout]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: what is drawn depends on each of them.
  useEffect(() => {
    // The scheme is set on the document after the effects of this component have run.
    const next = requestAnimationFrame(() => {
      colours.current.clear();
      stage.current?.redraw();
    });
    return () => cancelAnimationFrame(next);
  }, [props.selected, props.edge, props.lit, props.litEdges, props.caption, props.dark]);

  useImperativeHandle(props.ref, () => ({
    fit: showAll,
    reveal,
    zoom,
    show,
    pan,
    move: moveChosen,
    focus: () => frame.current?.focus(),
  }));

  function onKeyDown(event: KeyboardEvent) {
    const { selected, onSelect, onExpand, onCommand } = latest.current;
    if (event.ctrlKey || event.metaKey || event.altKey) return onCommand(event);
    const [pans, arrow] = [PANS[event.key.toLowerCase()], ARROWS[event.key]];
    if (pans) pan(...pans);
    else if (arrow && event.shiftKey) {
      event.preventDefault();
      moveChosen(...arrow);
    } else if (arrow) {
      event.preventDefault();
      const next = nextNode(drawing, selected, event.key);
      if (next) {
        onSelect(next);
        show(next, true);
      }
    } else if (event.key === "Enter" && selected) onExpand(selected);
    else if (event.key === "+" || event.key === "=") zoom(ZOOM);
    else if (event.key === "-") zoom(1 / ZOOM);
    else if (event.key.toLowerCase() === "f") showAll();
    else if (event.key === "Escape") onSelect(undefined);
    else onCommand(event);
  }

  return (
    // biome-ignore-start lint/a11y/noNoninteractiveTabindex: arrow keys walk from node to node.
    <div
      ref={frame}
      className="canvas"
      role="application"
      tabIndex={0}
      aria-label={t("graph.canvas", { nodes: drawing.nodes.size, edges: drawing.edges.size })}
      onKeyDown={onKeyDown}
    >
      <div ref={place} className="place" />
      <div ref={axis} className="axis" aria-hidden="true" />
    </div>
    // biome-ignore-end lint/a11y/noNoninteractiveTabindex: see above.
  );
}

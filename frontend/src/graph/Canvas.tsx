import Graph from "graphology";
import { type KeyboardEvent, type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { useTranslation } from "react-i18next";
import Sigma from "sigma";
import { NODE_COLOURS } from "../shared/colours";
import { drawAxis } from "./axis";
import { COLUMN, FRAME, ROW, showAll, showFrom } from "./camera";
import { EDGE_CATEGORY } from "./edges";
import { freeColumns, nextNode } from "./fold";
import type { Caption } from "./label";
import { image, type Latest, SIZE, settings } from "./look";
import type { Drawing, DrawnNode, Group } from "./model";
import type { Place } from "./place";

export interface CanvasHandle {
  fit: () => void;
  zoom: (factor: number) => void;
  show: (id: string) => void;
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
  caption: (node: DrawnNode | Group) => Pick<Caption, "name" | "full" | "second" | "hit">;
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

/** The graph on WebGL. Everything it shows is also in the table twin. */
export function Canvas(props: CanvasProps) {
  const { t } = useTranslation();
  const frame = useRef<HTMLDivElement>(null);
  const place = useRef<HTMLDivElement>(null);
  const axis = useRef<HTMLDivElement>(null);
  const graph = useRef<Graph>(undefined);
  graph.current ??= new Graph({ multi: true, type: "directed" });
  const latest = useRef<Latest>({ ...props, room: new Map(), colours: new Map() });
  Object.assign(latest.current, props);

  useEffect(() => {
    if (!place.current || !graph.current) return;
    const drawn = new Sigma(graph.current, place.current, settings(latest.current));
    drawn.setCustomBBox({ x: [0, FRAME], y: [-FRAME, 0] });
    latest.current.sigma = drawn;
    listen(drawn, graph.current, latest.current);
    drawn.on("afterRender", () => {
      const { layout, scale } = latest.current.drawing;
      const { write } = latest.current;
      if (axis.current) drawAxis(axis.current, drawn, layout === "time" ? scale : undefined, write);
    });
    return () => {
      drawn.kill();
      latest.current.sigma = undefined;
    };
  }, []);

  const { drawing, origin } = props;
  useEffect(() => {
    const g = graph.current;
    const { sigma } = latest.current;
    if (!g) return;
    const before = g.order;
    const edges = new Set([...drawing.edges.keys(), ...drawing.groups.keys()]);
    for (const key of g.edges()) if (!edges.has(key)) g.dropEdge(key);
    for (const id of g.nodes()) if (!drawing.nodes.has(id) && !drawing.groups.has(id)) g.dropNode(id);
    const at = (p: Place) => ({ x: p.column * COLUMN, y: -p.row * ROW });
    for (const node of drawing.nodes.values()) {
      g.mergeNode(node.id, {
        ...at(node.place),
        size: SIZE,
        label: node.label,
        color: NODE_COLOURS[node.kind],
        image: image(node.kind),
      });
    }
    for (const group of drawing.groups.values()) {
      const category = EDGE_CATEGORY[group.edge];
      g.mergeNode(group.id, {
        ...at(group.place),
        size: SIZE + 5,
        label: group.id,
        category,
        image: image("group"),
      });
    }
    for (const [key, edge] of drawing.edges) {
      if (!g.hasEdge(key) && g.hasNode(edge.from) && g.hasNode(edge.to))
        g.addEdgeWithKey(key, edge.from, edge.to, { size: 1.5, kind: edge.type });
    }
    for (const { id, by, edge, direction } of drawing.groups.values()) {
      if (g.hasEdge(id) || !g.hasNode(by)) continue;
      const [from, to] = direction === "OUT" ? [by, id] : [id, by];
      g.addEdgeWithKey(id, from, to, { size: 1.5, kind: edge });
    }
    latest.current.room = freeColumns(drawing);
    sigma?.setSetting("hideLabelsOnMove", g.order > 600);
    sigma?.setSetting("hideEdgesOnMove", g.size > 1_500);
    sigma?.refresh();
    if (before === 0 && g.order > 0) showFrom(sigma, origin);
  }, [drawing, origin]);

  // The whole of another layout is shown: the eye has to find its bearings anew.
  const shownLayout = useRef(drawing.layout);
  useEffect(() => {
    if (shownLayout.current !== drawing.layout) showAll(latest.current.sigma);
    shownLayout.current = drawing.layout;
  }, [drawing.layout]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: what is drawn depends on each of them.
  useEffect(() => {
    // The scheme is set on the document after the effects of this component have run.
    const next = requestAnimationFrame(() => {
      latest.current.colours.clear();
      latest.current.sigma?.refresh({ skipIndexation: true });
    });
    return () => cancelAnimationFrame(next);
  }, [props.selected, props.edge, props.lit, props.litEdges, props.caption, props.dark]);

  useImperativeHandle(props.ref, () => ({
    fit: () => showAll(latest.current.sigma),
    zoom: (factor) => void latest.current.sigma?.getCamera().animatedZoom({ factor, duration: 150 }),
    show: (id) => {
      const at = latest.current.sigma?.getNodeDisplayData(id);
      if (at) void latest.current.sigma?.getCamera().animate({ x: at.x, y: at.y }, { duration: 200 });
    },
    focus: () => frame.current?.focus(),
  }));

  function onKeyDown(event: KeyboardEvent) {
    const { selected, onSelect, onExpand, onCommand, sigma } = latest.current;
    if (event.ctrlKey || event.metaKey || event.altKey) return onCommand(event);
    const next = nextNode(drawing, selected, event.key);
    if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      if (next) {
        onSelect(next);
        reveal(sigma, next);
      }
    } else if (event.key === "Enter" && selected) onExpand(selected);
    else if (event.key === "+" || event.key === "=") void sigma?.getCamera().animatedZoom({ duration: 150 });
    else if (event.key === "-") void sigma?.getCamera().animatedUnzoom({ duration: 150 });
    else if (event.key.toLowerCase() === "f") showAll(sigma);
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

/** Brings a point into sight that was chosen by keyboard. */
function reveal(sigma: Sigma | undefined, id: string) {
  const at = sigma?.getNodeDisplayData(id);
  if (!sigma || !at) return;
  const { x, y } = sigma.framedGraphToViewport(at);
  const { width, height } = sigma.getDimensions();
  if (x < 30 || y < 30 || x > width - 120 || y > height - 30)
    void sigma.getCamera().animate({ x: at.x, y: at.y }, { duration: 120 });
}

const NEAR_EDGE = 6;

/** The edge that passes nearest to a point on the screen, if it passes near. */
function edgeAt(sigma: Sigma, graph: Graph, { x, y }: { x: number; y: number }): string | undefined {
  let [best, nearest]: [string | undefined, number] = [undefined, NEAR_EDGE];
  graph.forEachEdge((key, _, from, to) => {
    const [a, b] = [from, to].map((id) => {
      const at = sigma.getNodeDisplayData(id);
      return at && sigma.framedGraphToViewport(at);
    });
    if (!a || !b) return;
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const along = ((x - a.x) * dx + (y - a.y) * dy) / (dx * dx + dy * dy || 1);
    const at = Math.max(0, Math.min(1, along));
    const distance = Math.hypot(x - a.x - at * dx, y - a.y - at * dy);
    if (distance < nearest) [best, nearest] = [key, distance];
  });
  return best;
}

/** Choosing, opening and dragging by pointer. */
function listen(sigma: Sigma, graph: Graph, latest: Latest) {
  let dragged: { id: string; moved: boolean } | undefined;
  sigma.on("clickNode", ({ node }) => latest.onSelect(node));
  // Sigma can tell the edge under the pointer too, but draws everything twice for it, on every frame.
  sigma.on("clickStage", ({ event }) => {
    const edge = edgeAt(sigma, graph, event);
    if (edge && latest.drawing.edges.has(edge)) latest.onSelectEdge(edge);
    else if (edge) latest.onSelect(edge);
  });
  sigma.on("doubleClickNode", ({ node, preventSigmaDefault }) => {
    preventSigmaDefault();
    latest.onExpand(node);
  });
  sigma.on("enterNode", ({ node }) => {
    latest.hovered = node;
  });
  sigma.on("leaveNode", () => {
    latest.hovered = undefined;
  });
  sigma.on("downNode", ({ node }) => {
    dragged = { id: node, moved: false };
  });
  sigma.on("moveBody", ({ event, preventSigmaDefault }) => {
    if (!dragged) return;
    const at = sigma.viewportToGraph(event);
    dragged.moved = true;
    graph.mergeNodeAttributes(dragged.id, at);
    preventSigmaDefault();
    event.original.preventDefault();
  });
  const drop = () => {
    if (dragged?.moved && graph.hasNode(dragged.id)) {
      const { x, y } = graph.getNodeAttributes(dragged.id) as { x: number; y: number };
      latest.onMove(dragged.id, { column: x / COLUMN, row: -y / ROW });
    }
    dragged = undefined;
  };
  sigma.on("upNode", drop);
  sigma.on("upStage", drop);
}

import { createNodeImageProgram } from "@sigma/node-image";
import Graph from "graphology";
import { forwardRef, type KeyboardEvent, useEffect, useImperativeHandle, useRef } from "react";
import { useTranslation } from "react-i18next";
import Sigma from "sigma";
import type { Settings } from "sigma/settings";
import { NODE_COLOURS } from "../shared/colours";
import { NODE_PATHS } from "../shared/paths";
import { type Drawing, nextNode } from "./model";

const COLUMN = 300;
const ROW = 58;

export interface CanvasHandle {
  fit: () => void;
  zoom: (factor: number) => void;
  show: (id: string) => void;
}

interface Props {
  drawing: Drawing;
  selected: string | undefined;
  /** Nodes that the search in the graph has found; the others fade. */
  found: ReadonlySet<string> | undefined;
  /** Second line below a node's name. */
  badge: (id: string) => string | undefined;
  /** Nodes with rule hits. */
  hit: (id: string) => boolean;
  edgeName: (type: string) => string;
  onSelect: (id: string | undefined) => void;
  onExpand: (id: string) => void;
  dark: boolean;
}

const images = new Map<string, string>();
function image(kind: keyof typeof NODE_PATHS): string {
  const made = images.get(kind);
  if (made) return made;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="-7 -7 38 38"><path d="${NODE_PATHS[kind]}" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
  const url = `data:image/svg+xml;base64,${btoa(svg)}`;
  images.set(kind, url);
  return url;
}

/** The graph on WebGL. Everything it shows is also in the table twin. */
export const Canvas = forwardRef<CanvasHandle, Props>(function Canvas(props, handle) {
  const { t } = useTranslation();
  const place = useRef<HTMLDivElement>(null);
  const sigma = useRef<Sigma>(undefined);
  const graph = useRef<Graph>(undefined);
  graph.current ??= new Graph({ multi: true, type: "directed" });
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    if (!place.current || !graph.current) return;
    const drawn = new Sigma(graph.current, place.current, settings(latest));
    drawn.setCustomBBox({ x: [0, FRAME], y: [-FRAME, 0] });
    sigma.current = drawn;
    drawn.on("clickNode", ({ node }) => latest.current.onSelect(node));
    drawn.on("doubleClickNode", ({ node, preventSigmaDefault }) => {
      preventSigmaDefault();
      latest.current.onExpand(node);
    });
    return () => {
      drawn.kill();
      sigma.current = undefined;
    };
  }, []);

  const { drawing } = props;
  useEffect(() => {
    const g = graph.current;
    if (!g) return;
    const before = g.order;
    for (const id of g.nodes()) if (!drawing.nodes.has(id)) g.dropNode(id);
    for (const node of drawing.nodes.values()) {
      g.mergeNode(node.id, {
        x: node.place.column * COLUMN,
        y: -node.place.row * ROW,
        size: 13,
        label: node.label,
        color: NODE_COLOURS[node.kind],
        image: image(node.kind),
        inferred: node.inferred,
      });
    }
    for (const [key, edge] of drawing.edges) {
      if (!g.hasEdge(key)) g.addEdgeWithKey(key, edge.from, edge.to, { size: 1.4, kind: edge.type });
    }
    sigma.current?.refresh();
    if (before === 0 && g.order > 0) showAll(sigma.current);
  }, [drawing]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: what is drawn depends on each of them.
  useEffect(() => {
    sigma.current?.refresh({ skipIndexation: true });
  }, [props.selected, props.found, props.badge, props.hit, props.dark, props.edgeName]);

  useImperativeHandle(handle, () => ({
    fit: () => showAll(sigma.current),
    zoom: (factor) => void sigma.current?.getCamera().animatedZoom({ factor, duration: 150 }),
    show: (id) => {
      const at = sigma.current?.getNodeDisplayData(id);
      if (at) void sigma.current?.getCamera().animate({ x: at.x, y: at.y }, { duration: 200 });
    },
  }));

  function onKeyDown(event: KeyboardEvent) {
    const { selected, onSelect, onExpand } = latest.current;
    const next = nextNode(latest.current.drawing, selected, event.key);
    if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      if (next) onSelect(next);
    } else if (event.key === "Enter" && selected) onExpand(selected);
    else if (event.key === "+" || event.key === "=")
      void sigma.current?.getCamera().animatedZoom({ duration: 150 });
    else if (event.key === "-") void sigma.current?.getCamera().animatedUnzoom({ duration: 150 });
    else if (event.key.toLowerCase() === "f") showAll(sigma.current);
    else if (event.key === "Escape") onSelect(undefined);
  }

  return (
    // biome-ignore-start lint/a11y/noNoninteractiveTabindex: arrow keys walk from node to node.
    // biome-ignore-start lint/a11y/noNoninteractiveElementInteractions: see the line above.
    <div
      ref={place}
      className="canvas"
      role="application"
      tabIndex={0}
      aria-label={t("graph.canvas", { nodes: drawing.nodes.size, edges: drawing.edges.size })}
      onKeyDown={onKeyDown}
    />
    // biome-ignore-end lint/a11y/noNoninteractiveElementInteractions: see above.
    // biome-ignore-end lint/a11y/noNoninteractiveTabindex: see above.
  );
});

/** Units of the drawing that fill the smaller side of the place at ratio 1: the scale does not change as it grows. */
const FRAME = 1_000;
const MARGIN = { left: 60, right: 260, y: 60 };

/** Shows the whole graph, but no larger than life. */
function showAll(sigma: Sigma | undefined) {
  if (!sigma) return;
  sigma.resize();
  const { width, height } = sigma.getDimensions();
  const life = Math.max(0.1, Math.min(width, height) / FRAME);
  const camera = sigma.getCamera();
  const points = sigma.getGraph().mapNodes((id) => sigma.getNodeDisplayData(id));
  const known = points.filter((p) => p !== undefined);
  if (known.length === 0) return;
  const span = (of: "x" | "y") => {
    const values = known.map((p) => p[of]);
    return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))] as const;
  };
  const [left, right] = span("x");
  const [top, bottom] = span("y");
  const side = Math.min(width, height);
  const ratio = Math.max(
    life,
    ((right - left) * side) / Math.max(100, width - MARGIN.left - MARGIN.right),
    ((bottom - top) * side) / Math.max(100, height - 2 * MARGIN.y),
  );
  const x = (left + right) / 2 + ((MARGIN.right - MARGIN.left) / 2 / side) * ratio;
  void camera.animate({ x, y: (top + bottom) / 2, ratio, angle: 0 }, { duration: 150 });
}

function settings(latest: { current: Props }): Partial<Settings> {
  const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return {
    defaultNodeType: "image",
    nodeProgramClasses: {
      image: createNodeImageProgram({
        size: { mode: "force", value: 96 },
        padding: 0,
        keepWithinCircle: true,
      }),
    },
    defaultEdgeType: "arrow",
    renderEdgeLabels: true,
    edgeLabelSize: 10,
    labelSize: 12,
    labelRenderedSizeThreshold: 5,
    labelDensity: 4,
    labelGridCellSize: 60,
    zIndex: true,
    allowInvalidContainer: true,
    doubleClickZoomingRatio: 1,
    stagePadding: 0,
    minCameraRatio: 0.05,
    maxCameraRatio: 20,
    edgeLabelColor: { attribute: "labelColour" },
    nodeReducer: (id, data) => {
      const { selected, found } = latest.current;
      const faded = found && !found.has(id);
      return {
        ...data,
        color: faded ? "#7a848f" : data.color,
        highlighted: id === selected || (found?.has(id) ?? false),
        zIndex: id === selected ? 2 : 1,
        size: id === selected ? 16 : data.size,
      };
    },
    edgeReducer: (_edge, data) => ({
      ...data,
      color: colour("--graph-edge"),
      labelColour: colour("--dim"),
      label: latest.current.edgeName(String(data.kind)),
    }),
    defaultDrawNodeLabel: (context, data, s) => label(context, data, s, latest.current, colour, false),
    defaultDrawNodeHover: (context, data, s) => label(context, data, s, latest.current, colour, true),
  };
}

type DrawLabel = Settings["defaultDrawNodeLabel"];

/** Name right of the node, its badge below; a frame when it is chosen or under the pointer. */
function label(
  context: Parameters<DrawLabel>[0],
  data: Parameters<DrawLabel>[1],
  s: Parameters<DrawLabel>[2],
  props: Props,
  colour: (name: string) => string,
  framed: boolean,
) {
  const id = (data as unknown as { key: string }).key;
  const name = data.label ? shorten(data.label, framed ? 90 : 34) : "";
  const badge = props.badge(id);
  const x = data.x + data.size + 6;
  context.font = `600 ${s.labelSize}px system-ui, sans-serif`;
  const nameWidth = context.measureText(name).width;
  context.font = "11px system-ui, sans-serif";
  const width = Math.max(nameWidth, badge ? context.measureText(badge).width : 0);
  const height = badge ? 32 : 19;
  context.globalAlpha = framed ? 1 : 0.82;
  context.fillStyle = colour(framed ? "--raised" : "--bg");
  context.beginPath();
  context.roundRect(x - 3, data.y - height / 2, width + 8, height, 4);
  context.fill();
  context.globalAlpha = 1;
  if (framed) {
    context.strokeStyle = colour("--accent");
    context.lineWidth = 1.5;
    context.stroke();
    context.beginPath();
    context.arc(data.x, data.y, data.size + 2.5, 0, 2 * Math.PI);
    context.stroke();
  }
  if (props.hit(id)) {
    context.beginPath();
    context.arc(data.x + data.size * 0.75, data.y - data.size * 0.75, 4.5, 0, 2 * Math.PI);
    context.fillStyle = colour("--level-critical");
    context.fill();
  }
  context.font = `600 ${s.labelSize}px system-ui, sans-serif`;
  context.fillStyle = colour("--text");
  context.fillText(name, x, data.y + (badge ? -2 : 4));
  if (badge) {
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = colour("--dim");
    context.fillText(badge, x, data.y + 12);
  }
}

/** Keeps both ends: the start tells where, the end tells what. */
function shorten(text: string, most: number): string {
  return text.length <= most
    ? text
    : `${text.slice(0, Math.floor(most * 0.3))}…${text.slice(-Math.floor(most * 0.7))}`;
}

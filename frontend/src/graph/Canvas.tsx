import { createNodeImageProgram } from "@sigma/node-image";
import Graph from "graphology";
import { type KeyboardEvent, type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { useTranslation } from "react-i18next";
import Sigma from "sigma";
import type { Settings } from "sigma/settings";
import type { EdgeType, NodeKind } from "../api/generated";
import { NODE_COLOURS } from "../shared/colours";
import { NODE_PATHS } from "../shared/paths";
import { COLUMN, FRAME, ROW, scaleOf, showAll, showFrom } from "./camera";
import { EDGE_CATEGORY } from "./edges";
import { type Caption, drawLabel } from "./label";
import { type Drawing, type DrawnNode, freeColumns, nextNode } from "./model";

export interface CanvasHandle {
  fit: () => void;
  zoom: (factor: number) => void;
  show: (id: string) => void;
}

interface Props {
  ref: Ref<CanvasHandle>;
  drawing: Drawing;
  /** Where the graph starts, if from one node. */
  origin: string | undefined;
  selected: string | undefined;
  /** Nodes that the search in the graph has found; the others fade. */
  found: ReadonlySet<string> | undefined;
  caption: (node: DrawnNode) => Pick<Caption, "name" | "full" | "second" | "hit">;
  onSelect: (id: string | undefined) => void;
  onExpand: (id: string) => void;
  dark: boolean;
}

/** What the drawing needs besides the props: kept beside them, as it is asked for on every frame. */
interface Latest extends Props {
  sigma?: Sigma;
  room: Map<string, number>;
  /** CSS variables by name, as they are in the scheme now. */
  colours: Map<string, string>;
  /** The node under the pointer. */
  hovered?: string;
}

const SIZE = 13;
const images = new Map<NodeKind, string>();

/** A white drawing; the disc below it has the colour of the kind. */
function image(kind: NodeKind): string {
  const made = images.get(kind);
  if (made) return made;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="-7 -7 38 38"><path d="${NODE_PATHS[kind]}" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
  const url = `data:image/svg+xml;base64,${btoa(svg)}`;
  images.set(kind, url);
  return url;
}

/** The graph on WebGL. Everything it shows is also in the table twin. */
export function Canvas(props: Props) {
  const { t } = useTranslation();
  const place = useRef<HTMLDivElement>(null);
  const graph = useRef<Graph>(undefined);
  graph.current ??= new Graph({ multi: true, type: "directed" });
  const latest = useRef<Latest>({ ...props, room: new Map(), colours: new Map() });
  Object.assign(latest.current, props);

  useEffect(() => {
    if (!place.current || !graph.current) return;
    const drawn = new Sigma(graph.current, place.current, settings(latest.current));
    drawn.setCustomBBox({ x: [0, FRAME], y: [-FRAME, 0] });
    latest.current.sigma = drawn;
    drawn.on("clickNode", ({ node }) => latest.current.onSelect(node));
    drawn.on("doubleClickNode", ({ node, preventSigmaDefault }) => {
      preventSigmaDefault();
      latest.current.onExpand(node);
    });
    drawn.on("enterNode", ({ node }) => {
      latest.current.hovered = node;
    });
    drawn.on("leaveNode", () => {
      latest.current.hovered = undefined;
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
    for (const id of g.nodes()) if (!drawing.nodes.has(id)) g.dropNode(id);
    for (const node of drawing.nodes.values()) {
      g.mergeNode(node.id, {
        x: node.place.column * COLUMN,
        y: -node.place.row * ROW,
        size: SIZE,
        label: node.label,
        color: NODE_COLOURS[node.kind],
        image: image(node.kind),
      });
    }
    for (const [key, edge] of drawing.edges) {
      if (!g.hasEdge(key)) g.addEdgeWithKey(key, edge.from, edge.to, { size: 1.5, kind: edge.type });
    }
    latest.current.room = freeColumns(drawing);
    sigma?.refresh();
    if (before === 0 && g.order > 0) showFrom(sigma, origin);
  }, [drawing, origin]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: what is drawn depends on each of them.
  useEffect(() => {
    // The scheme is set on the document after the effects of this component have run.
    const frame = requestAnimationFrame(() => {
      latest.current.colours.clear();
      latest.current.sigma?.refresh({ skipIndexation: true });
    });
    return () => cancelAnimationFrame(frame);
  }, [props.selected, props.found, props.caption, props.dark]);

  useImperativeHandle(props.ref, () => ({
    fit: () => showAll(latest.current.sigma),
    zoom: (factor) => void latest.current.sigma?.getCamera().animatedZoom({ factor, duration: 150 }),
    show: (id) => {
      const at = latest.current.sigma?.getNodeDisplayData(id);
      if (at) void latest.current.sigma?.getCamera().animate({ x: at.x, y: at.y }, { duration: 200 });
    },
  }));

  function onKeyDown(event: KeyboardEvent) {
    const { selected, onSelect, onExpand, sigma } = latest.current;
    const next = nextNode(drawing, selected, event.key);
    if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      if (next) onSelect(next);
    } else if (event.key === "Enter" && selected) onExpand(selected);
    else if (event.key === "+" || event.key === "=") void sigma?.getCamera().animatedZoom({ duration: 150 });
    else if (event.key === "-") void sigma?.getCamera().animatedUnzoom({ duration: 150 });
    else if (event.key.toLowerCase() === "f") showAll(sigma);
    else if (event.key === "Escape") onSelect(undefined);
  }

  return (
    // biome-ignore-start lint/a11y/noNoninteractiveTabindex: arrow keys walk from node to node.
    <div
      ref={place}
      className="canvas"
      role="application"
      tabIndex={0}
      aria-label={t("graph.canvas", { nodes: drawing.nodes.size, edges: drawing.edges.size })}
      onKeyDown={onKeyDown}
    />
    // biome-ignore-end lint/a11y/noNoninteractiveTabindex: see above.
  );
}

function settings(latest: Latest): Partial<Settings> {
  const colour = (name: string) => {
    const known = latest.colours.get(name);
    if (known) return known;
    const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    latest.colours.set(name, value);
    return value;
  };
  const label =
    (framed: boolean): Settings["defaultDrawNodeLabel"] =>
    (context, data) => {
      const { key } = data as unknown as { key: string };
      const node = latest.drawing.nodes.get(key);
      if (!node) return;
      const scale = scaleOf(latest.sigma);
      const width = (latest.room.get(key) ?? 1) * COLUMN * scale - data.size * 2 - 18;
      const caption = { ...latest.caption(node), width, height: ROW * scale };
      drawLabel(context, data, caption, colour, framed, latest.hovered === key);
    };
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
    renderEdgeLabels: false,
    labelRenderedSizeThreshold: 4,
    labelDensity: 20,
    labelGridCellSize: 40,
    zIndex: true,
    allowInvalidContainer: true,
    doubleClickZoomingRatio: 1,
    stagePadding: 0,
    minCameraRatio: 0.05,
    maxCameraRatio: 40,
    nodeReducer: (id, data) => {
      const { selected, found, drawing } = latest;
      const faded = found && !found.has(id);
      const inferred = drawing.nodes.get(id)?.inferred;
      return {
        ...data,
        color: faded ? colour("--line") : inferred ? colour("--graph-inferred") : data.color,
        highlighted: id === selected || (found?.has(id) ?? false),
        zIndex: id === selected ? 2 : 1,
        size: id === selected ? SIZE + 3 : SIZE,
      };
    },
    edgeReducer: (edge, data) => {
      const { selected, drawing } = latest;
      const at = drawing.edges.get(edge);
      const near = selected !== undefined && (at?.from === selected || at?.to === selected);
      return {
        ...data,
        color: colour(`--cat-${EDGE_CATEGORY[data.kind as EdgeType]}`),
        size: near ? 2.4 : 1.2,
        zIndex: near ? 1 : 0,
      };
    },
    defaultDrawNodeLabel: label(false),
    defaultDrawNodeHover: label(true),
  };
}

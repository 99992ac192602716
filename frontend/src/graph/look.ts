import { createNodeImageProgram } from "@sigma/node-image";
import type Sigma from "sigma";
import type { Settings } from "sigma/settings";
import type { EdgeType, NodeKind } from "../api/generated";
import { NODE_PATHS, UI_PATHS } from "../shared/paths";
import type { CanvasProps } from "./Canvas";
import { COLUMN, ROW, scaleOf } from "./camera";
import { EDGE_CATEGORY } from "./edges";
import { drawLabel } from "./label";

/** What the drawing needs besides the props: kept beside them, as it is asked for on every frame. */
export interface Latest extends Omit<CanvasProps, "ref"> {
  sigma?: Sigma;
  room: Map<string, number>;
  /** CSS variables by name, as they are in the scheme now. */
  colours: Map<string, string>;
  /** The node under the pointer. */
  hovered?: string;
}

export const SIZE = 13;
const images = new Map<string, string>();

/** A white drawing; the disc below it has the colour of the kind. */
export function image(kind: NodeKind | "group"): string {
  const made = images.get(kind);
  if (made) return made;
  const path = kind === "group" ? UI_PATHS.group : NODE_PATHS[kind];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="-7 -7 38 38"><path d="${path}" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
  const url = `data:image/svg+xml;base64,${btoa(svg)}`;
  images.set(kind, url);
  return url;
}

/** How nodes, edges and names look, by what is chosen and highlighted. */
export function settings(latest: Latest): Partial<Settings> {
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
      const point = latest.drawing.nodes.get(key) ?? latest.drawing.groups.get(key);
      if (!point) return;
      const scale = scaleOf(latest.sigma);
      const width = (latest.room.get(key) ?? 1) * COLUMN * scale - data.size * 2 - 18;
      const caption = { ...latest.caption(point), width, height: ROW * scale };
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
    maxCameraRatio: 60,
    nodeReducer: (id, data) => {
      const { selected, lit, drawing } = latest;
      const faded = lit && !lit.has(id);
      const inferred = drawing.nodes.get(id)?.inferred;
      const own = data.category ? colour(`--group-${data.category}`) : data.color;
      return {
        ...data,
        color: faded ? colour("--line") : inferred ? colour("--graph-inferred") : own,
        highlighted: id === selected || (lit !== undefined && lit.size <= 60 && lit.has(id)),
        zIndex: id === selected ? 2 : 1,
        size: id === selected ? data.size + 3 : data.size,
      };
    },
    edgeReducer: (edge, data) => {
      const { selected, drawing, litEdges, lit } = latest;
      const at = drawing.edges.get(edge);
      const near = selected !== undefined && (at?.from === selected || at?.to === selected);
      const chosen = edge === latest.edge || (litEdges?.has(edge) ?? false);
      const faded = lit && !chosen && at && !(lit.has(at.from) && lit.has(at.to));
      return {
        ...data,
        color: faded ? colour("--line") : colour(`--cat-${EDGE_CATEGORY[data.kind as EdgeType]}`),
        size: chosen ? 4 : near ? 2.6 : 1.6,
        zIndex: chosen ? 2 : near ? 1 : 0,
      };
    },
    defaultDrawNodeLabel: label(false),
    defaultDrawNodeHover: label(true),
  };
}

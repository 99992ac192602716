import type Sigma from "sigma";

/** Distance of columns and rows, in units of the drawing; at life size a unit is a pixel. */
export const COLUMN = 280;
export const ROW = 56;
/** Units that fill the smaller side of the place at ratio 1: the scale does not change as the graph grows. */
export const FRAME = 1_000;

const MARGIN = { left: 50, right: 230, y: 50 };
/** Smallest scale at which names can be read. */
const READABLE = 0.56;

const side = (sigma: Sigma) => {
  const { width, height } = sigma.getDimensions();
  return Math.max(1, Math.min(width, height));
};

/** Pixels per unit. */
export function scaleOf(sigma: Sigma | undefined): number {
  return sigma ? side(sigma) / FRAME / sigma.getCamera().ratio : 1;
}

interface Extent {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Where the nodes are, in the camera's coordinates: 1 is the smaller side of the place at ratio 1; y goes up. */
function extent(sigma: Sigma): Extent | undefined {
  let all: Extent | undefined;
  sigma.getGraph().forEachNode((id) => {
    const at = sigma.getNodeDisplayData(id);
    if (!at) return;
    all ??= { left: at.x, right: at.x, top: at.y, bottom: at.y };
    all.left = Math.min(all.left, at.x);
    all.right = Math.max(all.right, at.x);
    all.top = Math.max(all.top, at.y);
    all.bottom = Math.min(all.bottom, at.y);
  });
  return all;
}

/** Ratio at which everything is in sight, but nothing larger than life. */
function wholeRatio(sigma: Sigma, at: Extent): number {
  const { width, height } = sigma.getDimensions();
  const s = side(sigma);
  return Math.max(
    s / FRAME,
    ((at.right - at.left) * s) / Math.max(100, width - MARGIN.left - MARGIN.right),
    ((at.top - at.bottom) * s) / Math.max(100, height - 2 * MARGIN.y),
  );
}

/** Shows the whole graph. */
export function showAll(sigma: Sigma | undefined) {
  if (!sigma) return;
  sigma.resize();
  const at = extent(sigma);
  if (!at) return;
  const ratio = wholeRatio(sigma, at);
  const x = (at.left + at.right) / 2 + ((MARGIN.right - MARGIN.left) / 2 / side(sigma)) * ratio;
  void sigma.getCamera().animate({ x, y: (at.top + at.bottom) / 2, ratio, angle: 0 }, { duration: 150 });
}

/** Shows the whole graph if it can be read then; else the part around where it starts, or its first root. */
export function showFrom(sigma: Sigma | undefined, origin: string | undefined) {
  if (!sigma) return;
  sigma.resize();
  const at = extent(sigma);
  if (!at) return;
  const s = side(sigma);
  const readable = s / FRAME / READABLE;
  if (wholeRatio(sigma, at) <= readable) return showAll(sigma);
  const { width, height } = sigma.getDimensions();
  const start = origin ? sigma.getNodeDisplayData(origin) : undefined;
  const x = start
    ? start.x + (0.1 * width * readable) / s
    : at.left + ((width / 2 - MARGIN.left) * readable) / s;
  const y = start ? start.y : at.top - ((height / 2 - MARGIN.y) * readable) / s;
  sigma.getCamera().setState({ x, y, ratio: readable, angle: 0 });
}

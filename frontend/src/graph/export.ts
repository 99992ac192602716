import { NODE_COLOURS } from "../shared/colours";
import { baseName, utc } from "../shared/format";
import { NODE_PATHS, UI_PATHS } from "../shared/paths";
import { COLUMN, ROW } from "./camera";
import { type Category, DASHES, EDGE_CATEGORY } from "./edges";
import { type Drawing, points } from "./model";

const MARGIN = 60;
const LABEL = 240;
const RADIUS = 13;

const escaped = (text: string) =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? c);

/** The drawing as it stands, as a picture of its own: no styles or fonts from elsewhere. */
export function toSvg(
  drawing: Drawing,
  names: (type: string) => string,
  colour: (variable: string) => string,
) {
  const all = points(drawing);
  const at = new Map(all.map((p) => [p.id, { x: p.place.column * COLUMN, y: p.place.row * ROW }]));
  const [xs, ys] = [[...at.values()].map((p) => p.x), [...at.values()].map((p) => p.y)];
  const least = (values: number[]) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const most = (values: number[]) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const [left, top] = [least(xs) - MARGIN, least(ys) - MARGIN];
  const [width, height] = [most(xs) - left + LABEL, most(ys) - top + MARGIN];
  const line = (a: string, b: string, category: Category, what: string) => {
    const [p, q] = [at.get(a), at.get(b)];
    if (!p || !q) return "";
    const d = Math.hypot(q.x - p.x, q.y - p.y) || 1;
    const [ux, uy] = [(q.x - p.x) / d, (q.y - p.y) / d];
    const [x2, y2] = [q.x - ux * (RADIUS + 2), q.y - uy * (RADIUS + 2)];
    const stroke = colour(`--cat-${category}`);
    const dash = DASHES[category].join(" ");
    const [ax, ay] = [x2 - ux * 8, y2 - uy * 8];
    return `<g><title>${escaped(what)}</title><path d="M${p.x} ${p.y}L${ax} ${ay}" stroke="${stroke}" stroke-width="1.4"${dash ? ` stroke-dasharray="${dash}"` : ""}/><path d="M${x2} ${y2}L${ax - uy * 4} ${ay + ux * 4}L${ax + uy * 4} ${ay - ux * 4}z" fill="${stroke}"/></g>`;
  };
  const disc = (
    id: string,
    fill: string,
    path: string,
    name: string,
    second: string,
    title: string,
    r: number,
    inferred = false,
  ) => {
    const p = at.get(id) ?? { x: 0, y: 0 };
    const s = (r * 1.25) / 24;
    return `<g transform="translate(${p.x} ${p.y})"><title>${escaped(title)}</title><circle r="${r}" fill="${fill}"${inferred ? ` stroke="${colour("--dim")}" stroke-dasharray="3 2.5"` : ""}/><path transform="scale(${s}) translate(-12 -12)" d="${path}" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/><text x="${r + 6}" y="${second ? -1 : 4}" font-size="12" font-weight="600" fill="${colour("--text")}">${escaped(name)}</text>${second ? `<text x="${r + 6}" y="13" font-size="11" fill="${colour("--dim")}">${escaped(second)}</text>` : ""}</g>`;
  };
  const short = (text: string) => (text.length > 34 ? `${text.slice(0, 14)}…${text.slice(-18)}` : text);
  const lines = [
    ...[...drawing.edges.values()].map((e) => {
      const when = [e.firstSeen, e.lastSeen]
        .filter(Boolean)
        .map((time) => utc(time))
        .join(" – ");
      return line(e.from, e.to, EDGE_CATEGORY[e.type], `${names(e.type)} ${when}`);
    }),
    ...[...drawing.groups.values()].map((g) =>
      g.direction === "OUT"
        ? line(g.by, g.id, EDGE_CATEGORY[g.edge], names(g.edge))
        : line(g.id, g.by, EDGE_CATEGORY[g.edge], names(g.edge)),
    ),
  ];
  const discs = [
    ...[...drawing.nodes.values()].map((n) =>
      disc(
        n.id,
        n.inferred ? colour("--graph-inferred") : NODE_COLOURS[n.kind],
        NODE_PATHS[n.kind],
        short(baseName(n.label)),
        n.kind === "PROCESS" ? `${utc(n.firstSeen, false)} UTC` : (n.host ?? ""),
        n.label,
        RADIUS,
        n.inferred,
      ),
    ),
    ...[...drawing.groups.values()].map((g) =>
      disc(
        g.id,
        colour(`--group-${EDGE_CATEGORY[g.edge]}`),
        UI_PATHS.group,
        `${g.total - g.shown} × ${names(g.edge)}`,
        g.split ? short(g.split.key) : "",
        g.split?.key ?? "",
        RADIUS + 5,
      ),
    ),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${left} ${top} ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif"><rect x="${left}" y="${top}" width="${width}" height="${height}" fill="${colour("--bg")}"/>${lines.join("")}${discs.join("")}</svg>`;
}

/** What is drawn, with places, for other programs. */
export function toJson(drawing: Drawing, from: unknown): string {
  const nodes = [...drawing.nodes.values()].map(({ by: _, via: __, ...node }) => node);
  const groups = [...drawing.groups.values()].map(({ cursor: _, ...group }) => group);
  const about = { format: "sysmonsearch-graph", version: 1, exported: new Date().toISOString(), from };
  return JSON.stringify(
    { ...about, layout: drawing.layout, nodes, edges: [...drawing.edges.values()], groups },
    null,
    1,
  );
}

const MOST_PIXELS = 8_000;

/** The SVG as pixels; a large drawing is made smaller, as browsers draw only so much. */
export async function toPng(svg: string): Promise<Blob | null> {
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await picture.decode();
  const scale = Math.min(2, MOST_PIXELS / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(picture.width * scale);
  canvas.height = Math.ceil(picture.height * scale);
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

export function download(name: string, content: Blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

import type { NodeKind } from "../api/generated";

/** Own line drawings on a 24 × 24 grid, each one path. */
const circle = (x: number, y: number, r: number) =>
  `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
const box = (x: number, y: number, w: number, h: number) => `M${x} ${y}h${w}v${h}h${-w}z`;

const page = "M6 2.5h8l4.5 4.5v14.5H6zM14 2.5V7h4.5";
const frame = `${box(2.5, 4, 19, 16)}M2.5 8.5h19`;
const globe = `${circle(12, 12, 9)}M3 12h18M12 3c3.6 4 3.6 14 0 18M12 3c-3.6 4-3.6 14 0 18`;
const disk = "M4 6c0-4 16-4 16 0v12c0 4-16 4-16 0zM4 6c0 4 16 4 16 0";
const funnel = "M3.5 4h17l-6.5 8.5V20l-4-2v-5.5z";
const bolt = "M13.5 2.5 5 13.5h6l-1 8 9-11.5h-6z";
const pipe = `${box(2, 7.5, 3, 9)}${box(19, 7.5, 3, 9)}M5 10h14M5 14h14`;
const sliders = `M4 7h8.5M17.5 7H20${circle(15, 7, 2.5)}M4 17h2.5M11.5 17H20${circle(9, 17, 2.5)}`;
const board = `${box(5, 4.5, 14, 17)}M9 2.5h6v4H9zM8.5 11.5h7M8.5 16h7`;
const bin = "M4 6h16M9 6V3h6v3M6 6l1 15.5h10L18 6M10 10v7M14 10v7";
const shield = "M12 2.5l8 3v6c0 5-3.5 8.5-8 10-4.5-1.5-8-5-8-10v-6z";

export const EVENT_PATHS: Record<number, string> = {
  1: `${frame}M12 11.5v6M9 14.5h6`,
  2: `M10.5 21.5H5v-19h8l4.5 4.5v2M13 2.5V7h4.5${circle(16.5, 16.5, 5)}M16.5 14v2.5l2 1.5`,
  3: `${circle(5, 12, 3)}${circle(19, 12, 3)}M8 12h8M13 9l3 3-3 3`,
  4: "M12 2.5v9M7 5.5a8.5 8.5 0 1 0 10 0",
  5: `${frame}M9.5 12l5 5M14.5 12l-5 5`,
  6: `${box(7, 7, 10, 10)}M10 7V3M14 7V3M10 21v-4M14 21v-4M7 10H3M7 14H3M21 10h-4M21 14h-4`,
  7: "M12 3 3 7.5l9 4.5 9-4.5zM3 12l9 4.5 9-4.5M3 16.5 12 21l9-4.5",
  8: `${box(2.5, 3.5, 8, 8)}${box(13.5, 12.5, 8, 8)}M6.5 11.5v5H13M10.5 14l2.5 2.5-2.5 2.5`,
  9: `${disk}M8.5 13.5 12 17l3.5-3.5`,
  10: `M2 12c4.5-8 15.5-8 20 0-4.5 8-15.5 8-20 0z${circle(12, 12, 3)}`,
  11: `${page}M12 11v7M8.5 14.5h7`,
  12: `${circle(7, 12, 4.5)}M11.5 12H22M19 12v4.5M15.5 12v3`,
  13: `${box(3, 3, 7, 7)}${box(3, 14, 7, 7)}M14 10V3h7v5M13.5 21l1-4 6-6 2.5 2.5-6 6z`,
  14: "M3 7V5h9v2M7.5 5v13M5.5 18h4M17.5 3.5v17M15 3.5h5M15 20.5h5",
  15: `${page}M9 12.5h6.5M8.5 16.5H15M11.5 10.5 10 18.5M14.5 10.5 13 18.5`,
  16: `${box(2.5, 2.5, 19, 19)}M6.5 9h6M16 9h1.5M6.5 15h2M12 15h5.5${circle(14.3, 9, 1.8)}${circle(10.2, 15, 1.8)}`,
  17: `${box(2, 7.5, 3, 9)}M5 10h8M5 14h8M18.5 8v8M14.5 12h8`,
  18: `${box(19, 7.5, 3, 9)}M2 10h8M2 14h8M10 12h9M15.5 8.5 19 12l-3.5 3.5`,
  19: "M2.5 4h14l-5.5 7v7l-3-1.5V11zM16 16h6M19 13v6",
  20: `${circle(12, 12, 9.5)}M13 5.5 8 13h4l-1 5.5 5-7.5h-4z`,
  21: "M10 14.5a4.2 4.2 0 0 0 6 0l3.5-3.5a4.2 4.2 0 0 0-6-6L12 6.5M14 9.5a4.2 4.2 0 0 0-6 0L4.5 13a4.2 4.2 0 0 0 6 6l1.5-1.5",
  22: `${circle(10, 10, 7.5)}M15.5 15.5 22 22M2.5 10h15M10 2.5c3 3.5 3 11.5 0 15M10 2.5c-3 3.5-3 11.5 0 15`,
  23: bin,
  24: `${box(5, 4.5, 14, 17)}M9 2.5h6v4H9zM12 10v7M9 14l3 3 3-3`,
  25: `${frame}M13.5 8.5l-3.5 4 4.5 2.5-3.5 5`,
  26: `${page}M8.5 14.5h7`,
  27: `${circle(12, 12, 9.5)}M5.3 5.3l13.4 13.4`,
  28: `${shield}M9 9l6 6M15 9l-6 6`,
  29: `${page}M13 9.5l-3.5 5h5l-3.5 5`,
  255: "M12 3 2 20.5h20zM12 9.5v5.5M12 17.5v.6",
};

export const NODE_PATHS: Record<NodeKind, string> = {
  HOST: `${box(2.5, 4, 19, 12.5)}M8 20.5h8M12 16.5v4`,
  PROCESS: `${frame}M6.5 12l3 2.5-3 2.5M12.5 17h5`,
  USER: `${circle(12, 8, 4.5)}M3.5 21.5c0-9.5 17-9.5 17 0z`,
  LOGON_SESSION: "M11 3.5h9.5v17H11M3 12h11.5M10.5 8l4 4-4 4",
  FILE: `${page}M9 12h6.5M9 16h6.5`,
  BINARY: "M4 9h17M3 15h17M10.5 3l-3 18M16.5 3l-3 18",
  STREAM: `${page}M8.5 13c1.5-2.5 3 2 4.5-.5s2-1 2.5 0M8.5 17c1.5-2.5 3 2 4.5-.5s2-1 2.5 0`,
  SIGNER: `${circle(12, 9, 6.5)}M8 14.5 6.5 22l5.5-3 5.5 3-1.5-7.5M9.5 9l2 2 3.5-3.5`,
  REGISTRY_KEY: `${box(3, 3, 7.5, 7.5)}${box(13.5, 3, 7.5, 7.5)}${box(3, 13.5, 7.5, 7.5)}${box(13.5, 13.5, 7.5, 7.5)}`,
  REGISTRY_VALUE: `M3 12.5V3h9.5l9 9-9.5 9.5z${circle(7.8, 7.8, 1.5)}`,
  IP_ADDRESS: `${circle(12, 5, 2.8)}${circle(5, 19, 2.8)}${circle(19, 19, 2.8)}M12 7.8v5M5 16.2v-3.4h14v3.4`,
  DOMAIN: globe,
  PIPE: pipe,
  WMI_FILTER: funnel,
  WMI_CONSUMER: bolt,
  DEVICE: disk,
  CLIPBOARD: board,
  SYSMON_CONFIG: sliders,
};

export const UI_PATHS = {
  search: `${circle(10.5, 10.5, 7)}M15.8 15.8 21.5 21.5`,
  alerts: "M5.5 17.5c1.5-2 1.5-4 1.5-7a5 5 0 0 1 10 0c0 3 0 5 1.5 7zM10 20.5h4M12 5.5v-3",
  statistics: "M3 21h18M5.5 21V11h3v10M10.5 21V4h3v17M15.5 21v-7h3v7",
  hosts: NODE_PATHS.HOST,
  graph: `${circle(5.5, 12, 3)}${circle(18, 5.5, 3)}${circle(18, 18.5, 3)}M8.2 10.7 15.3 6.9M8.2 13.3l7.1 3.8`,
  rules: `${shield}M8.5 12l2.5 2.5 4.5-5`,
  imports: "M4 15.5V21h16v-5.5M12 16V3.5M7.5 8 12 3.5 16.5 8",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  copy: `${box(8, 8, 13, 13)}M16 8V3H3v13h5`,
  clock: `${circle(12, 12, 9)}M12 6.5V12l4 2.5`,
  dots: `${circle(5, 12, 1.2)}${circle(12, 12, 1.2)}${circle(19, 12, 1.2)}`,
  columns: `${box(3, 4, 18, 16)}M9 4v16M15 4v16`,
  star: "M12 3l2.8 6 6.2.8-4.6 4.3 1.2 6.4-5.6-3.2-5.6 3.2 1.2-6.4L3 9.8 9.2 9z",
  link: "M10 14a4 4 0 0 0 6 .5l3.5-3.5a4.2 4.2 0 0 0-6-6L12 6.5M14 10a4 4 0 0 0-6-.5L4.5 13a4.2 4.2 0 0 0 6 6l1.5-1.5",
  arrange: `${circle(12, 12, 3)}${circle(12, 3.5, 1.5)}${circle(12, 20.5, 1.5)}${circle(3.5, 12, 1.5)}${circle(20.5, 12, 1.5)}`,
  theme: `${circle(12, 12, 9)}M12 3v18M12 7h7M12 12h9M12 17h7`,
  logout: "M13 3.5H4v17h9M9.5 12H21M17 8l4 4-4 4",
  more: "M5 9l7 7 7-7",
  less: "M5 15l7-7 7 7",
  group: `${circle(7, 8, 4)}${circle(17, 8, 4)}${circle(12, 17, 4)}`,
  undo: "M8.5 4.5 3.5 9.5l5 5M3.5 9.5H14a6 6 0 0 1 0 11h-4",
  redo: "M15.5 4.5l5 5-5 5M20.5 9.5H10a6 6 0 0 0 0 11h4",
  path: `${circle(5, 19, 2.5)}${circle(19, 5, 2.5)}M7 17c3-3 0-6 3-8s4 1 7-2.5`,
  move: "M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3",
  export: "M4 15.5V21h16v-5.5M12 3.5V16M7.5 11.5 12 16l4.5-4.5",
  code: "M8.5 6 2.5 12l6 6M15.5 6l6 6-6 6",
  process: NODE_PATHS.PROCESS,
  compare: `${box(3, 4, 7.5, 16)}${box(13.5, 4, 7.5, 16)}M5.5 9h2.5M16 9h2.5M16 13h2.5`,
  first: "M4 5v14M20 6 9 12l11 6z",
  fit: "M3.5 9V3.5H9M15 3.5h5.5V9M20.5 15v5.5H15M9 20.5H3.5V15",
  table: `${box(3, 4, 18, 16)}M3 9h18M3 14.5h18M9.5 4v16`,
  key: EVENT_PATHS[12] ?? "",
  question: `${circle(12, 12, 9.5)}M9 9.5c.5-4 6.5-3.5 6 0-.3 2-3 2.5-3 4.5M12 17v.6`,
} as const;

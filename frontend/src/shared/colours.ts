import type { NodeKind } from "../api/generated";

/** Discs of nodes; white drawings on them keep a contrast of at least 4.5. */
export const NODE_COLOURS: Record<NodeKind, string> = {
  HOST: "#4a5a6e",
  PROCESS: "#1f6fc4",
  USER: "#8a5a00",
  LOGON_SESSION: "#7d6608",
  FILE: "#1d7a55",
  BINARY: "#8a3fa0",
  STREAM: "#2e7d6b",
  SIGNER: "#5f6b2d",
  REGISTRY_KEY: "#a0522d",
  REGISTRY_VALUE: "#b04a1f",
  IP_ADDRESS: "#b3304f",
  DOMAIN: "#c22f6b",
  PIPE: "#00757f",
  WMI_FILTER: "#6a4fc0",
  WMI_CONSUMER: "#7a3fd0",
  DEVICE: "#5c5c5c",
  CLIPBOARD: "#6b5b4a",
  SYSMON_CONFIG: "#3f6277",
};

/** Categories of event codes, as in the API; the names of CSS variables, which differ by scheme. */
export const CATEGORIES = [
  "process",
  "file",
  "registry",
  "network",
  "dns",
  "image",
  "pipe",
  "wmi",
  "other",
] as const;

export const categoryColour = (category: string) =>
  `var(--cat-${(CATEGORIES as readonly string[]).includes(category) ? category : "other"})`;

export const LEVELS = ["critical", "high", "medium", "low", "informational"] as const;

export const levelColour = (level: string) =>
  `var(--level-${(LEVELS as readonly string[]).includes(level) ? level : "informational"})`;

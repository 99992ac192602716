/** A column of the table of events: one of the event's own, or a field by its name. */
export interface Column {
  name: string;
  /** Field that the list can be sorted by. */
  sort?: string;
  /** Pixels; absent takes what is left. */
  width?: number;
  /** Pixels where there is less room; absent is the width. */
  least?: number;
}

const OWN: Record<string, Column> = {
  time: { name: "time", sort: "time", width: 188 },
  code: { name: "code", sort: "EventID", width: 180, least: 148 },
  host: { name: "host", sort: "Computer", width: 160, least: 92 },
  image: { name: "image", sort: "Image", width: 140, least: 98 },
  user: { name: "user", sort: "User", width: 150, least: 84 },
  description: { name: "description" },
};

export type OwnColumn = "time" | "code" | "host" | "image" | "user" | "description";
export const OWN_COLUMNS = Object.keys(OWN) as OwnColumn[];
export const isOwn = (name: string): name is OwnColumn => name in OWN;
/** Fewer than the API takes in one request. */
export const MAX_COLUMNS = 30;

const WIDE = new Set(["CommandLine", "ParentCommandLine", "TargetObject", "Details", "TargetFilename"]);

export const column = (name: string): Column =>
  OWN[name] ?? { name, sort: name, width: WIDE.has(name) ? 320 : 170 };

/** Whose guid is that of the process that did what the event tells. */
const ACTING = ["ProcessGuid", "SourceProcessGuid"];

/** Fields that the columns need, and last those that name the process. */
export const askedFields = (columns: string[]) => [...columns.filter((c) => !isOwn(c)), ...ACTING];

/** The guid of the process among the values of `askedFields`. */
export const actingGuid = (values: (string | null)[]) =>
  values.slice(-ACTING.length).find((v) => v) ?? undefined;

/** Columns in the order shown; the time is always there. */
export function readColumns(text: string | null, otherwise: string[] = OWN_COLUMNS): string[] {
  const names = (text ?? "").split(",").filter((n) => /^[\w.-]{1,80}$/.test(n));
  const chosen = names.length > 0 ? names : otherwise;
  return [...new Set(["time", ...chosen])].slice(0, MAX_COLUMNS);
}

export interface Sort {
  /** `time`, or a field. */
  by: string;
  descending: boolean;
}

/** `-time`, `Image`: a minus is descending. */
export function readSort(text: string | null): Sort {
  const found = /^(-?)([\w.-]{1,80})$/.exec(text ?? "");
  return found?.[2] ? { by: found[2], descending: found[1] === "-" } : { by: "time", descending: true };
}

export const writeSort = ({ by, descending }: Sort) => `${descending ? "-" : ""}${by}`;

/** The API's form. */
export const sortInput = ({ by, descending }: Sort) => ({
  order: by === "time" && !descending ? ("OLDEST_FIRST" as const) : ("NEWEST_FIRST" as const),
  sort: by === "time" ? undefined : { field: by, descending },
});

/** Columns that tell most of the events of a category. */
export const CATEGORY_COLUMNS: Record<string, string[]> = {
  process: ["time", "code", "Image", "CommandLine", "ParentImage", "User"],
  file: ["time", "code", "Image", "TargetFilename", "User"],
  registry: ["time", "code", "EventType", "Image", "TargetObject", "Details"],
  network: [
    "time",
    "Image",
    "Protocol",
    "SourceIp",
    "SourcePort",
    "DestinationIp",
    "DestinationPort",
    "User",
  ],
  dns: ["time", "Image", "QueryName", "QueryResults", "User"],
  image: ["time", "code", "Image", "ImageLoaded", "Signature", "SignatureStatus"],
  pipe: ["time", "code", "PipeName", "Image", "User"],
  wmi: ["time", "code", "User", "Operation", "Name", "description"],
  other: ["time", "code", "description"],
};

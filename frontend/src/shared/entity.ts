import type { NodeKind } from "../api/generated";
import { emptyGroup, type Group, match } from "./condition";

interface Named {
  id: string;
  kind: NodeKind;
  label: string;
  host?: string | null;
  properties: { name: string; value: string }[];
}

/** A node that the value of a field may name: by its label, or by one of these properties. */
interface Naming {
  kinds: NodeKind[];
  by?: string[];
  /** The value says something about the only node of its kind in the event, instead of naming it. */
  about?: boolean;
}

const guid: Naming = { kinds: ["PROCESS"], by: ["processGuid"] };
const file: Naming = { kinds: ["FILE"] };
const user: Naming = { kinds: ["USER"] };
const address: Naming = { kinds: ["IP_ADDRESS"] };
const hash = (...by: string[]): Naming => ({ kinds: ["BINARY"], by });

const NAMINGS: Record<string, Naming> = {
  Computer: { kinds: ["HOST"] },
  ProcessGuid: guid,
  ParentProcessGuid: guid,
  SourceProcessGuid: guid,
  TargetProcessGuid: guid,
  Image: file,
  ParentImage: file,
  SourceImage: file,
  TargetImage: file,
  ImageLoaded: file,
  TargetFilename: { kinds: ["FILE", "STREAM"] },
  User: user,
  SourceUser: user,
  TargetUser: user,
  ParentUser: user,
  LogonGuid: { kinds: ["LOGON_SESSION"], by: ["logonGuid"] },
  LogonId: { kinds: ["LOGON_SESSION"], by: ["logonId"] },
  SourceIp: address,
  DestinationIp: address,
  ResolvedIp: address,
  SourceHostname: { kinds: ["DOMAIN", "HOST"] },
  DestinationHostname: { kinds: ["DOMAIN", "HOST"] },
  QueryName: { kinds: ["DOMAIN"] },
  Hashes: hash("sha256", "sha1", "md5"),
  HashValue: hash("sha256", "sha1", "md5"),
  MD5: hash("md5"),
  SHA1: hash("sha1"),
  SHA256: hash("sha256"),
  Signature: { kinds: ["SIGNER"] },
  TargetObject: { kinds: ["REGISTRY_VALUE", "REGISTRY_KEY"] },
  RegistryKey: { kinds: ["REGISTRY_KEY"] },
  Details: { kinds: ["REGISTRY_VALUE"], about: true },
  PipeName: { kinds: ["PIPE"] },
  Device: { kinds: ["DEVICE"] },
};

export const isInGraph = (field: string) => field in NAMINGS;
export const isGuid = (field: string) => /ProcessGuid$/.test(field);

/** Prefixes of paths that only switch off parsing, and the long names of registry roots, as the graph leaves them out. */
const WRITINGS: [RegExp, string][] = [
  [/^\\[\\?]\?\\unc\\/, "\\\\"],
  [/^\\[\\?]\?\\/, ""],
  [/^\\registry\\machine\\|^hkey_local_machine\\/, "hklm\\"],
  [/^\\registry\\user\\|^hkey_users\\/, "hku\\"],
  [/^hkey_classes_root\\/, "hkcr\\"],
  [/^hkey_current_user\\/, "hkcu\\"],
];

/** What is the same in every writing of a name. */
function plain(text: string): string {
  let name = text
    .trim()
    .toLowerCase()
    .replace(/^["{]|["}]$/g, "");
  for (const [long, short] of WRITINGS) name = name.replace(long, short);
  return /^[a-z]:/.test(name) ? name.replaceAll("/", "\\") : name.replace(/\.$/, "");
}

/** Of some nodes the one that the value of a field names: exactly, for a node that is nearly called so is another. */
export function nodeOf<T extends Named>(nodes: T[], field: string, value: string): T | undefined {
  const naming = NAMINGS[field];
  if (!naming) return undefined;
  const { kinds, by, about } = naming;
  const fit = kinds.flatMap((kind) => nodes.filter((n) => n.kind === kind));
  if (about) return fit.length === 1 ? fit[0] : undefined;
  // `SHA1=A,MD5=B` names one thing twice.
  const parts = kinds.includes("BINARY") ? value.split(",").map((v) => v.replace(/^\w+=/, "")) : [value];
  const names = new Set(parts.map(plain));
  const isNamed = (n: T) =>
    by
      ? n.properties.some((p) => by.includes(p.name) && names.has(plain(p.value)))
      : names.has(plain(n.label));
  return fit.find(isNamed);
}

const PROCESS_FIELDS = ["ProcessGuid", "SourceProcessGuid", "TargetProcessGuid", "ParentProcessGuid"];

/** Every event that names a process, whichever part it has in it. */
export function activityOf(guid: string): Group {
  return { ...emptyGroup(PROCESS_FIELDS.map((field) => match(field, guid))), join: "or" };
}

/** Fields of events by the names that the graph has for them, where these are not the same but for the first letter. */
const FIELDS: Record<string, string> = {
  pid: "ProcessId",
  path: "file",
  address: "ip",
  key: "RegistryKey",
  valueName: "RegistryValueName",
  md5: "MD5",
  sha1: "SHA1",
  sha256: "SHA256",
  imphash: "IMPHASH",
  sysmonVersion: "Version",
  tampered: "Type",
};
/** What the graph itself says of a node: no event has a field of it. */
const OWN = new Set([
  "start",
  "end",
  "timestomp",
  "deleted",
  "blocked",
  "zoneId",
  "hostUrl",
  "referrerUrl",
  "autorun",
  "addressScope",
  "anonymous",
  "error",
  "driver",
  "url",
  "identity",
]);
const NAMES: Partial<Record<NodeKind, string>> = {
  HOST: "Computer",
  USER: "User",
  SIGNER: "Signature",
  DOMAIN: "QueryName",
  PIPE: "PipeName",
  WMI_FILTER: "Name",
  WMI_CONSUMER: "Name",
};

/** The field of events that holds a property of a node or an edge. */
export function fieldOf(property: string, kind?: NodeKind): string | undefined {
  if (property === "name") return kind && NAMES[kind];
  if (OWN.has(property)) return undefined;
  return FIELDS[property] ?? property.charAt(0).toUpperCase() + property.slice(1);
}

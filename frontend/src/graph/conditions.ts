import type { EdgeType } from "../api/generated";
import { emptyGroup, type Item, match, type Group as Rows } from "../shared/condition";
import { activityOf } from "../shared/entity";

interface Named {
  kind: string;
  label: string;
  host?: string | null;
  properties: { name: string; value: string }[];
}

const any = (items: Item[]): Item => ({ ...emptyGroup(items), join: "or" });

/** The text of a WMI event stands in quotes, with backslashes before what is quoted. */
const inWmi = (field: string, name: string): Item => {
  const quoted = name.replace(/["\\]/g, "\\$&");
  return { ...match(field, name, "CONTAINS"), values: [...new Set([name, quoted])] };
};

/** The search for the events in which a node appears, where there is a field that holds it. */
export function searchFor(node: Named): Item | undefined {
  const property = (name: string) => node.properties.find((p) => p.name === name)?.value;
  const by = (field: string, value: string | undefined) => (value ? match(field, value) : undefined);
  /** What is called the same on another host is another thing. */
  const here = (...items: (Item | undefined)[]) => {
    const all = items.filter((i) => i !== undefined);
    if (all.length === 0) return undefined;
    return emptyGroup(node.host ? [...all, match("Computer", node.host)] : all);
  };
  switch (node.kind) {
    case "PROCESS": {
      const guid = property("processGuid");
      if (guid) return activityOf(guid);
      const pid = by("ProcessId", property("pid"));
      return pid && here(pid, by("Image", property("image")));
    }
    case "HOST":
      return by("Computer", node.label);
    case "USER":
      return by("User", node.label);
    case "LOGON_SESSION":
      return here(by("LogonGuid", property("logonGuid")) ?? by("LogonId", property("logonId")));
    case "IP_ADDRESS":
      return by("ip", node.label);
    case "DOMAIN":
      return any(["QueryName", "DestinationHostname", "SourceHostname"].map((f) => match(f, node.label)));
    case "FILE":
    case "STREAM":
      return by("file", node.label);
    case "BINARY":
      return by("hash", property("sha256") ?? property("sha1") ?? property("md5") ?? node.label);
    case "SIGNER":
      return by("Signature", node.label);
    case "PIPE":
      return by("PipeName", node.label);
    case "REGISTRY_KEY":
    case "REGISTRY_VALUE":
      return by("registryKey", node.label);
    case "DEVICE":
      return here(by("Device", node.label));
    case "WMI_FILTER":
      return here(
        any([emptyGroup([match("EventID", "19"), inWmi("Name", node.label)]), inWmi("Filter", node.label)]),
      );
    case "WMI_CONSUMER":
      return here(
        any([emptyGroup([match("EventID", "20"), inWmi("Name", node.label)]), inWmi("Consumer", node.label)]),
      );
    case "CLIPBOARD":
      return here(match("EventID", "24"), by("Session", property("session")), by("hash", property("sha256")));
    case "SYSMON_CONFIG": {
      const hash = by("ConfigurationFileHash", property("configurationFileHash"));
      return hash ?? by("Configuration", property("configuration"));
    }
    default:
      return undefined;
  }
}

/** What lies in another thing is named with it: such an edge is told by its first end alone. */
const INSIDE: readonly EdgeType[] = ["IN", "OF"];

/** The search for the events that made an edge: both ends appear in them. */
export function searchForEdge(from: Named, to: Named, type: EdgeType): Rows | undefined {
  const [a, b] = [searchFor(from), INSIDE.includes(type) ? undefined : searchFor(to)];
  if (!a || (!b && !INSIDE.includes(type))) return undefined;
  return emptyGroup(b ? [a, b] : [a]);
}

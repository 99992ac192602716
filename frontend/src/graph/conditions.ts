import { emptyGroup, match, type Row, type Group as Rows } from "../shared/condition";
import { activityOf } from "../shared/entity";

interface Named {
  kind: string;
  label: string;
  properties: { name: string; value: string }[];
}

/** The search for the events in which a node appears, where there is a field that holds it. */
export function searchFor(node: Named): Row | undefined {
  const property = (name: string) => node.properties.find((p) => p.name === name)?.value;
  const by = (field: string, value: string | undefined) => (value ? match(field, value) : undefined);
  switch (node.kind) {
    case "PROCESS":
      return by("ProcessGuid", property("processGuid"));
    case "HOST":
      return by("Computer", node.label);
    case "USER":
      return by("User", node.label);
    case "IP_ADDRESS":
      return by("ip", node.label);
    case "DOMAIN":
      return by("QueryName", node.label);
    case "FILE":
    case "STREAM":
      return by("file", node.label);
    case "BINARY":
      return by("hash", property("sha256") ?? property("sha1") ?? property("md5") ?? node.label);
    case "PIPE":
      return by("PipeName", node.label);
    case "REGISTRY_KEY":
    case "REGISTRY_VALUE":
      return by("registryKey", node.label);
    default:
      return undefined;
  }
}

/** The search for the events that made an edge: both ends appear in them. */
export function searchForEdge(from: Named, to: Named): Rows | undefined {
  const end = (node: Named) => {
    const guid = node.kind === "PROCESS" && node.properties.find((p) => p.name === "processGuid")?.value;
    return guid ? activityOf(guid) : searchFor(node);
  };
  const [a, b] = [end(from), end(to)];
  return a && b ? emptyGroup([a, b]) : undefined;
}

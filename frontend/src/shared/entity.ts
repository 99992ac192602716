import type { NodeKind } from "../api/generated";

/** Kinds of nodes of the graph that the value of a field may name. */
const KINDS: Record<string, NodeKind[]> = {
  Computer: ["HOST"],
  ProcessGuid: ["PROCESS"],
  ParentProcessGuid: ["PROCESS"],
  SourceProcessGuid: ["PROCESS"],
  TargetProcessGuid: ["PROCESS"],
  Image: ["FILE"],
  ParentImage: ["FILE"],
  SourceImage: ["FILE"],
  TargetImage: ["FILE"],
  ImageLoaded: ["FILE"],
  TargetFilename: ["FILE", "STREAM"],
  User: ["USER"],
  SourceUser: ["USER"],
  TargetUser: ["USER"],
  ParentUser: ["USER"],
  LogonGuid: ["LOGON_SESSION"],
  LogonId: ["LOGON_SESSION"],
  SourceIp: ["IP_ADDRESS"],
  DestinationIp: ["IP_ADDRESS"],
  ResolvedIp: ["IP_ADDRESS"],
  SourceHostname: ["DOMAIN", "HOST"],
  DestinationHostname: ["DOMAIN"],
  QueryName: ["DOMAIN"],
  Hashes: ["BINARY"],
  HashValue: ["BINARY"],
  MD5: ["BINARY"],
  SHA1: ["BINARY"],
  SHA256: ["BINARY"],
  Signature: ["SIGNER"],
  TargetObject: ["REGISTRY_VALUE", "REGISTRY_KEY"],
  RegistryKey: ["REGISTRY_KEY", "REGISTRY_VALUE"],
  Details: ["REGISTRY_VALUE"],
  PipeName: ["PIPE"],
  Device: ["DEVICE"],
};

export const isInGraph = (field: string) => field in KINDS;
export const isGuid = (field: string) => /ProcessGuid$/.test(field);

interface Named {
  id: string;
  kind: NodeKind;
  label: string;
}

/** Of the nodes that an event tells of, the one that the value of a field names. */
export function nodeOf<T extends Named>(nodes: T[], field: string, value: string): T | undefined {
  const wanted = KINDS[field] ?? [];
  const low = value.toLowerCase();
  const fit = nodes.filter((n) => wanted.includes(n.kind));
  return fit.find((n) => low.includes(n.label.toLowerCase()) && n.label !== "") ?? fit[0];
}

import { expect, test } from "vitest";
import type { NodeKind } from "../api/generated";
import { fieldOf, nodeOf } from "./entity";

const node = (kind: NodeKind, label: string, properties: Record<string, string> = {}) => ({
  id: `${kind} ${label}`,
  kind,
  label,
  properties: Object.entries(properties).map(([name, value]) => ({ name, value })),
});
const CHILD = "{AAAAAAAA-0000-0000-0000-000000000001}";
const PARENT = "{AAAAAAAA-0000-0000-0000-000000000002}";
/** Nodes of one event 1 and one event 3. */
const nodes = [
  node("PROCESS", "cmd.exe (12)", { processGuid: CHILD }),
  node("PROCESS", "explorer.exe (4)", { processGuid: PARENT }),
  node("FILE", "C:\\Windows\\cmd.exe"),
  node("IP_ADDRESS", "10.0.0.1"),
  node("IP_ADDRESS", "10.0.0.15"),
  node("BINARY", "aa", { sha256: "aa", md5: "bb" }),
  node("REGISTRY_KEY", "HKLM\\Software\\A"),
  node("REGISTRY_VALUE", "HKLM\\Software\\A\\B"),
  node("LOGON_SESSION", "X\\y 0x3e7", { logonId: "0x3e7", logonGuid: "{1}" }),
];

test.each([
  ["ProcessGuid", CHILD, "PROCESS cmd.exe (12)"],
  ["ParentProcessGuid", PARENT.toLowerCase().replace(/[{}]/g, ""), "PROCESS explorer.exe (4)"],
  ["ParentProcessGuid", "{AAAAAAAA-0000-0000-0000-000000000003}", undefined],
  ["Image", "\\??\\c:\\windows\\CMD.exe", "FILE C:\\Windows\\cmd.exe"],
  ["ParentImage", "C:\\Windows\\explorer.exe", undefined],
  ["SourceIp", "10.0.0.15", "IP_ADDRESS 10.0.0.15"],
  ["SourceIp", "10.0.0.1", "IP_ADDRESS 10.0.0.1"],
  ["SourceIp", "10.0.0.155", undefined],
  ["Hashes", "MD5=BB,IMPHASH=CC", "BINARY aa"],
  ["HashValue", "sha256=AA", "BINARY aa"],
  ["SHA1", "aa", undefined],
  ["TargetObject", "\\REGISTRY\\MACHINE\\Software\\A\\B", "REGISTRY_VALUE HKLM\\Software\\A\\B"],
  ["RegistryKey", "HKLM\\Software\\A", "REGISTRY_KEY HKLM\\Software\\A"],
  ["Details", "anything", "REGISTRY_VALUE HKLM\\Software\\A\\B"],
  ["LogonId", "0x3E7", "LOGON_SESSION X\\y 0x3e7"],
  ["CommandLine", "cmd.exe", undefined],
] as const)("%s %s names %s", (field, value, id) => {
  expect(nodeOf(nodes, field, value)?.id).toBe(id);
});

test.each([
  ["commandLine", undefined, "CommandLine"],
  ["processGuid", "PROCESS", "ProcessGuid"],
  ["pid", "PROCESS", "ProcessId"],
  ["sha256", "BINARY", "SHA256"],
  ["name", "PIPE", "PipeName"],
  ["name", "WMI_FILTER", "Name"],
  ["name", "CLIPBOARD", undefined],
  ["addressScope", "IP_ADDRESS", undefined],
] as const)("the property %s of %s is in the field %s", (property, kind, field) => {
  expect(fieldOf(property, kind)).toBe(field);
});

import { expect, test } from "vitest";
import { NODE_COLOURS } from "../shared/colours";
import { writeCondition } from "../shared/conditionText";
import { searchFor, searchForEdge } from "./conditions";

const node = (
  kind: string,
  label: string,
  properties: Record<string, string> = {},
  host: string | null = null,
) => ({
  kind,
  label,
  host,
  properties: Object.entries(properties).map(([name, value]) => ({ name, value })),
});
const text = (of: ReturnType<typeof node>) => {
  const search = searchFor(of);
  return search && writeCondition(search);
};

test.each([
  [
    node("PROCESS", "a.exe (1)", { processGuid: "{1}" }, "h"),
    'ProcessGuid = "{1}" OR SourceProcessGuid = "{1}" OR TargetProcessGuid = "{1}" OR ParentProcessGuid = "{1}"',
  ],
  [
    node("PROCESS", "a.exe (1)", { pid: "1", image: "C:\\a.exe" }, "h"),
    'ProcessId = "1" AND Image = "C:\\a.exe" AND Computer = "h"',
  ],
  [node("LOGON_SESSION", "u 0x1", { logonId: "0x1" }, "h"), 'LogonId = "0x1" AND Computer = "h"'],
  [
    node("LOGON_SESSION", "u 0x1", { logonId: "0x1", logonGuid: "{2}" }, "h"),
    'LogonGuid = "{2}" AND Computer = "h"',
  ],
  [node("SIGNER", "Some Corp"), 'Signature = "Some Corp"'],
  [node("DEVICE", "\\Device\\Disk0", {}, "h"), 'Device = "\\Device\\Disk0" AND Computer = "h"'],
  [
    node("WMI_FILTER", 'a"b', {}, "h"),
    '((EventID = "19" AND Name contains ("a""b", "a\\""b")) OR Filter contains ("a""b", "a\\""b")) AND Computer = "h"',
  ],
  [
    node("WMI_CONSUMER", "c", {}, "h"),
    '((EventID = "20" AND Name contains "c") OR Consumer contains "c") AND Computer = "h"',
  ],
  [
    node("CLIPBOARD", "user", { session: "1", sha256: "aa" }, "h"),
    'EventID = "24" AND Session = "1" AND hash = "aa" AND Computer = "h"',
  ],
  [
    node("SYSMON_CONFIG", "x", { configurationFileHash: "SHA256=AA", configuration: "c.xml" }),
    'ConfigurationFileHash = "SHA256=AA"',
  ],
] as const)("%o is searched by its own fields", (of, expected) => {
  expect(text(of)).toBe(expected);
});

test("every kind of node has a search, so that no link is without its events or a reason", () => {
  const properties = {
    processGuid: "{1}",
    logonId: "1",
    session: "1",
    sha256: "a",
    configuration: "c",
  };
  for (const kind of Object.keys(NODE_COLOURS)) expect(text(node(kind, "x", properties)), kind).toBeTruthy();
});

test("a link is searched by both ends; a value in its key by the value", () => {
  const [value, key] = [node("REGISTRY_VALUE", "HKLM\\A\\B"), node("REGISTRY_KEY", "HKLM\\A")];
  const write = (search: ReturnType<typeof searchForEdge>) => search && writeCondition(search);
  expect(write(searchForEdge(value, key, "IN"))).toBe('registryKey = "HKLM\\A\\B"');
  expect(write(searchForEdge(node("HOST", "h"), node("SIGNER", "s"), "SIGNED_BY"))).toBe(
    'Computer = "h" AND Signature = "s"',
  );
  expect(searchForEdge(node("NOBODY", "x"), key, "ON")).toBeUndefined();
});

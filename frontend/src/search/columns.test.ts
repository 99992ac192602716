import { expect, test } from "vitest";
import { actingGuid, askedFields, column, readColumns, readSort, sortInput, writeSort } from "./columns";

test("columns come from the address, the time always first, nothing odd", () => {
  expect(readColumns(null)[0]).toBe("time");
  expect(readColumns("Image,Image,<b>,CommandLine")).toEqual(["time", "Image", "CommandLine"]);
  expect(readColumns("host,time")).toEqual(["time", "host"]);
  expect(column("DestinationPort").sort).toBe("DestinationPort");
  expect(column("description").sort).toBeUndefined();
});

test("an order is read as it was written", () => {
  for (const sort of [
    { by: "time", descending: true },
    { by: "Image", descending: false },
  ])
    expect(readSort(writeSort(sort))).toEqual(sort);
  expect(readSort("--x y")).toEqual({ by: "time", descending: true });
  expect(sortInput(readSort("time"))).toEqual({ order: "OLDEST_FIRST", sort: undefined });
  expect(sortInput(readSort("-User")).sort).toEqual({ field: "User", descending: true });
});

test("with the fields of the columns comes the process of a row", () => {
  expect(askedFields(["time", "Image"])).toEqual(["Image", "ProcessGuid", "SourceProcessGuid"]);
  expect(actingGuid(["a.exe", "{1}", null])).toBe("{1}");
  expect(actingGuid(["a.exe", null, "{2}"])).toBe("{2}");
  expect(actingGuid(["a.exe", null, null])).toBeUndefined();
});

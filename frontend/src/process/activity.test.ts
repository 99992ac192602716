import { expect, test } from "vitest";
import { conditionInput } from "../shared/condition";
import { compare, filtered, partOf } from "./activity";

const GUID = "aaaaaaaa-0000-0000-0000-000000000001";

test("a process is started, acts, is acted on, or starts another, whatever the writing of its guid", () => {
  expect(partOf(GUID, { code: 1 })).toBe("begun");
  expect(partOf(GUID, { code: 11 })).toBe("acted");
  expect(partOf(GUID, { code: 10, target: `{${GUID.toUpperCase()}}` })).toBe("target");
  expect(partOf(GUID, { code: 1, parent: `{${GUID}}` })).toBe("child");
});

test("every filter narrows the activity", () => {
  const plain = conditionInput(filtered(GUID, {}));
  expect(plain).toHaveProperty("or");
  const all = conditionInput(filtered(GUID, { code: 3, keyword: "x", hash: "00" }));
  expect(all).toMatchObject({
    and: [plain, { match: { field: "EventID" } }, { match: { field: "hash" } }, {}],
  });
});

test("what two processes touched is compared by what it is and is called", () => {
  const file = (label: string) => ({ type: "CREATED", kind: "FILE", label });
  const found = compare([file("C:\\A.txt"), file("b")], [file("c:\\a.TXT"), file("c")]);
  expect(found.map((c) => [c.label, c.first, c.second])).toEqual([
    ["b", true, false],
    ["c", false, true],
    ["C:\\A.txt", true, true],
  ]);
});

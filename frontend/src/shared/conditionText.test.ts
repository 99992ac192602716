import { expect, test } from "vitest";
import { also, conditionInput, emptyGroup, emptyRow, match, only } from "./condition";
import { parseCondition, SyntaxIssue, writeCondition } from "./conditionText";

test.each([
  'process contains "powershell"',
  'process contains "powershell" AND NOT (ip in "10.0.0.0/8" OR port = ("443", "80"))',
  'file starts "C:\\Users\\" AND hash exists',
  '(a = "1" OR b = "2") AND NOT c like "*x?"',
  'CommandLine contains "say ""hi"" (now)"',
  'NOT (a = "1" AND b = "2")',
  'ProcessId >= "10" AND ProcessId < "20"',
  'data.Brand-new = "x"',
])("%s is the same after it was read and written", (text) => {
  expect(writeCondition(parseCondition(text))).toBe(text);
});

test("AND binds closer than OR, and words need no quotes", () => {
  expect(conditionInput(parseCondition("a = 1 or b = 2 and not c exists"))).toEqual({
    or: [
      { match: { field: "a", operator: "EQUALS", values: ["1"] } },
      {
        and: [
          { match: { field: "b", operator: "EQUALS", values: ["2"] } },
          { not: { match: { field: "c", operator: "EXISTS" } } },
        ],
      },
    ],
  });
});

test("a double NOT is kept", () => {
  expect(conditionInput(parseCondition("NOT NOT a = 1"))).toEqual({
    not: { not: { match: { field: "a", operator: "EQUALS", values: ["1"] } } },
  });
});

test.each([
  "a",
  "a =",
  'a = "open',
  "a = 1 AND",
  "(a = 1",
  "a = 1)",
  "a sounds 1",
  "= 1",
  "a = (1, )",
  "(".repeat(99),
])("%s is refused with a place", (text) => {
  expect(() => parseCondition(text)).toThrow(SyntaxIssue);
});

test("rows that say nothing yet are left out, so an empty form finds every event", () => {
  expect(conditionInput(emptyGroup([emptyRow(), emptyGroup([emptyRow()])]))).toBeUndefined();
  expect(writeCondition(emptyGroup([emptyRow()]))).toBe("");
});

test("a value added to an OR search narrows the whole of it", () => {
  const search = parseCondition("a = 1 OR b = 2");
  expect(writeCondition(also(search, match("c", "3")))).toBe('(a = "1" OR b = "2") AND c = "3"');
  expect(writeCondition(also(emptyGroup([emptyRow()]), match("c", "3")))).toBe('c = "3"');
});

test("the empty value is looked for as such, not dropped like a row that says nothing yet", () => {
  expect(writeCondition(only("User", ""))).toBe('User exists AND NOT User like "?*"');
  expect(writeCondition({ ...only("User", ""), not: true })).toBe('NOT (User exists AND NOT User like "?*")');
  expect(conditionInput(also(emptyGroup(), only("User", "x")))).toEqual({
    match: { field: "User", operator: "EQUALS", values: ["x"] },
  });
});

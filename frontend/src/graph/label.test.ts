import { expect, test } from "vitest";
import { fitParts, fitText } from "./label";

test("a text is cut in its middle until it fits, and not at all where nothing is left", () => {
  const measure = (text: string) => text.length;
  expect(fitText("abcdef", 6, measure)).toBe("abcdef");
  expect(fitText("abcdefghij", 6, measure)).toBe("ab…hij");
  expect(fitText("abcdefghij", 2, measure)).toBe("");
});

test("of a second line the first parts are left out, the last is cut", () => {
  const measure = (text: string) => text.length;
  expect(fitParts("host · 10:00 UTC · 5 links", 26, measure)).toBe("host · 10:00 UTC · 5 links");
  expect(fitParts("host · 10:00 UTC · 5 links", 22, measure)).toBe("10:00 UTC · 5 links");
  expect(fitParts("host · 10:00 UTC · 5 links", 8, measure)).toBe("5 links");
  expect(fitParts("host · 10:00 UTC · 5 links", 5, measure)).toBe("5 …ks");
});

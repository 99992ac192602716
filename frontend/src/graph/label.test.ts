import { expect, test } from "vitest";
import { fitText } from "./label";

test("a text is cut in its middle until it fits, and not at all where nothing is left", () => {
  const measure = (text: string) => text.length;
  expect(fitText("abcdef", 6, measure)).toBe("abcdef");
  expect(fitText("abcdefghij", 6, measure)).toBe("ab…hij");
  expect(fitText("abcdefghij", 2, measure)).toBe("");
});

import { expect, test } from "vitest";
import { addressOf, paramsOf } from "./address";

test("an address holds a search of any length and sends the server a short one", () => {
  const read = (address: string) => {
    const { pathname, search, hash } = new URL(address, "http://x.example");
    return { pathname, sent: pathname.length + search.length, params: paramsOf(search, hash) };
  };
  for (const q of ["", 'ip = "10.0.0.1" AND a & b # c', `MD5 = ("${"é#&=+ ".repeat(5_000)}")`]) {
    const params = new URLSearchParams({ last: "24h", ...(q && { q }) });
    const found = read(addressOf("/search", params));
    expect(found.pathname).toBe("/search");
    expect(found.sent).toBeLessThan(8_100);
    expect([...found.params].sort()).toEqual([...params].sort());
  }
  expect(addressOf("/search", new URLSearchParams())).toBe("/search");
  expect([...paramsOf("?q=a", "#page")]).toEqual([["q", "a"]]);
});

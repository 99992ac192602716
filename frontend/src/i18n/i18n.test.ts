import { expect, test } from "vitest";
import { en } from "./en";
import { ja } from "./ja";

/** `search.total` → text, for every text of a language. */
function flat(texts: object, path = ""): Map<string, string> {
  const all = new Map<string, string>();
  for (const [name, value] of Object.entries(texts)) {
    const key = path ? `${path}.${name}` : name;
    if (typeof value === "string") all.set(key, value);
    else for (const [k, v] of flat(value as object, key)) all.set(k, v);
  }
  return all;
}

const blanks = (text: string) => [...text.matchAll(/\{\{[\w, ]+\}\}/g)].map(String).sort();

test("both languages have the same keys, and the same blanks in each text", () => {
  const [english, japanese] = [flat(en), flat(ja)];
  expect([...japanese.keys()].sort()).toEqual([...english.keys()].sort());
  for (const [key, text] of english)
    expect([key, blanks(japanese.get(key) ?? "")]).toEqual([key, blanks(text)]);
});

test("no text is empty, and Japanese is not left in English", () => {
  const same = new Set<string>();
  const [english, japanese] = [flat(en), flat(ja)];
  for (const [key, text] of japanese) {
    expect(text.trim(), key).not.toBe("");
    if (/[a-z]{4}/i.test(text) && text === english.get(key)) same.add(key);
  }
  // Examples of values are the same in every language.
  expect([...same].filter((key) => !key.startsWith("example.") && key !== "search.textHint")).toEqual([]);
});

import { parse } from "graphql";
import { expect, test } from "vitest";
import { type Asked, forgotten, MOST_ASKED, noted } from "./ask";

test("queries are kept newest first, and how many were forgotten is known", () => {
  const query = parse("query NodeDetails { me { name } }");
  let all: readonly Asked[] = [];
  expect(forgotten(all)).toBe(0);
  for (let i = 1; i <= MOST_ASKED + 3; i += 1)
    all = noted(all, { query, variables: { i }, milliseconds: 1, failed: false });
  expect(all.length).toBe(MOST_ASKED);
  expect(all[0]).toMatchObject({
    number: MOST_ASKED + 3,
    name: "NodeDetails",
    variables: { i: MOST_ASKED + 3 },
  });
  expect(forgotten(all)).toBe(3);
});

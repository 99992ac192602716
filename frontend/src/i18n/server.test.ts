import i18next from "i18next";
import { afterEach, beforeAll, expect, test } from "vitest";
import { BEFORE, REASONS } from "./reasons.ja";
import { positionText, reasonText, serverText } from "./server";
import { MESSAGES } from "./server.ja";

beforeAll(() => i18next.init({ lng: "en", resources: {} }));
afterEach(() => i18next.changeLanguage("en"));

test("English is left as the server says it", () => {
  expect(serverText("wrong name or password", "UNAUTHENTICATED")).toBe("wrong name or password");
});

test("a place in a file is told in Japanese, one that is not known as it is", async () => {
  expect(positionText("line 4")).toBe("line 4");
  await i18next.changeLanguage("ja");
  expect(["line 4", "byte 12", "record 7", "a/b.csv"].map(positionText)).toEqual([
    "4 行目",
    "12 バイト目",
    "レコード 7",
    "a/b.csv",
  ]);
});

test("a known message is told in Japanese with its values", async () => {
  await i18next.changeLanguage("ja");
  expect(serverText("ip: more than 10000 values", "BAD_INPUT")).toBe("ip: 値が 10000 個を超えています。");
  expect(serverText('ip: "a/99" is not a network such as 10.0.0.0/8', "BAD_INPUT")).toBe(
    "ip: 「a/99」はネットワークではありません（例: 10.0.0.0/8）。",
  );
  const pattern = "Image: bad pattern: regex parse error:\n    (\n    ^\nerror: unclosed group";
  expect(serverText(pattern, "BAD_INPUT")).toMatch(/^Image: パターンの書き方が正しくありません。\nregex/);
});

test("of any other its code is told, and what the server says", async () => {
  await i18next.changeLanguage("ja");
  expect(serverText("the moon is full", "CONFLICT")).toBe(
    "いまの状態では実行できません。 サーバーの説明: the moon is full",
  );
  expect(serverText("the moon is full")).toBe("the moon is full");
});

test("each message is a whole one, and every value of it is told", () => {
  for (const [pattern, japanese] of [...MESSAGES, ...REASONS]) {
    expect(pattern.source).toMatch(/^\^[\s\S]*\$$/);
    const values = new RegExp(`${pattern.source}|`).exec("")?.length ?? 1;
    const told = new Set([...japanese.matchAll(/\$(\d)/g)].map((m) => m[1]));
    expect([japanese, told.size]).toEqual([japanese, values - 1]);
  }
});

test("why a part of a file was left out is told in Japanese, what stands before it too", async () => {
  const reason = "not in the search (indicators: 1): mutex 'Global\\x': not shown by Sysmon";
  expect(reasonText(reason)).toBe(reason);
  await i18next.changeLanguage("ja");
  expect(reasonText(reason)).toBe(
    "検索に入れられません（指標 1 件）: mutex 'Global\\x': Sysmon には現れません",
  );
  expect(reasonText("mutex 'a': b': no value")).toBe("mutex 'a': b': 値がありません");
  expect(reasonText("line 3: the moon is full")).toBe("サーバーの説明: line 3: the moon is full");
  expect(reasonText("not a JSON object (first 10 of 20 bytes of the record kept)")).toBe(
    "JSON のオブジェクトではありません（レコード 20 バイトのうち先頭 10 バイトを保存）",
  );
  expect(serverText("x.json: the file is empty", "BAD_INPUT")).toBe("x.json: ファイルが空です");
  for (const [pattern, japanese] of BEFORE) {
    expect(pattern.source).toMatch(/^\^[\s\S]*\$$/);
    expect(japanese).toContain("$1");
  }
});

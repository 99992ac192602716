import { beforeEach, expect, test } from "vitest";
import { closeAtEnd, expectAccessible, logIn, tabTo } from "./browser";
import { openApi, record, serverWith } from "./data";
import { look, now, server, stage } from "./stage";

/** A file of indicators becomes the search. */
const MD5 = "0123456789abcdef0123456789abcdef";
const event = (n: number, code: number, data: object) =>
  record(`ws0${n}.example`, `2026-01-05 10:00:0${n}.000`, code, {
    ProcessGuid: `{cccccccc-0000-0000-0000-00000000000${n}}`,
    ...data,
  });
const EVENTS = [
  event(1, 1, { Image: "C:\\Users\\Public\\dropper.exe", Hashes: "MD5=0F" }),
  event(2, 1, { Image: "C:\\Windows\\notepad.exe", Hashes: `MD5=${MD5.toUpperCase()}` }),
  event(3, 3, { Image: "C:\\Windows\\a.exe", DestinationIp: "203.0.113.9", DestinationPort: 443 }),
  event(4, 1, { Image: "C:\\Windows\\calm.exe" }),
];
const REPORT = "type,value\nfilename,dropper.exe\nip-dst,203.0.113.9\nmutex,Global\\x\n";
const file = (name: string, text: string) => ({ name, mimeType: "text/csv", buffer: Buffer.from(text) });

stage(() => serverWith(EVENTS));
beforeEach(async ({ onTestFinished }) => {
  closeAtEnd(onTestFinished, () => now);
});

const total = () => now.page.getByTestId("total").innerText();
const text = () => now.page.getByRole("textbox", { name: /^(The search as text|テキスト形式の検索)$/ });

test("by mouse: the form is filled, what is left out is told, nothing is stored", async () => {
  await look();
  const { page } = now;
  await logIn(page, server.url, "/search");
  await expect.poll(total).toBe("4");
  await page.locator("form input[type=file]").setInputFiles(file("report.csv", REPORT));
  await page.getByText("report.csv (CSV): indicators 2, values in the search 2").waitFor();
  expect(await text().inputValue()).toBe('file ends "\\dropper.exe" OR ip = "203.0.113.9"');
  await page.getByText("Not in the search: 1").click();
  await page.getByText(/mutex/).waitFor();
  await expectAccessible(page, "an IOC file in the search");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect.poll(total).toBe("2");

  // What stands in the form must hold as well.
  await text().fill('host = "ws01.example"');
  await page.locator("form input[type=file]").setInputFiles(file("report.csv", REPORT));
  await expect.poll(() => text().inputValue()).toMatch(/^host = "ws01.example" AND \(/);
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect.poll(total).toBe("1");

  await page.locator("form input[type=file]").setInputFiles(file("x.html", "<html/>"));
  await page
    .getByRole("alert")
    .getByText(/^x\.html: .*STIX or OpenIOC/)
    .waitFor();
  const { ask } = await openApi(server.url);
  expect(await ask("{ indicatorImports { name } rules { nodes { title } } }")).toEqual({
    indicatorImports: [],
    rules: { nodes: [] },
  });
});

test("by keyboard, in Japanese: a long list stays in the address", async () => {
  await look({ language: "ja", scheme: "light" });
  const { page } = now;
  await logIn(page, server.url, "/search");
  await expect.poll(total).toBe("4");
  const hashes = Array.from({ length: 3_000 }, (_, n) => `f${n.toString(16).padStart(31, "0")}`);
  const chooser = page.waitForEvent("filechooser");
  await tabTo(page, /^IOC ファイル$/);
  await page.keyboard.press("Enter");
  await (await chooser).setFiles(file("list.txt", [...hashes, MD5, "one two"].join("\n")));
  await page.getByText("list.txt（list）: 指標 3,001 件、検索に入れた値 3,001 件").waitFor();
  await tabTo(page, /^検索に入らなかったもの: 1 件$/);
  await page.keyboard.press("Enter");
  await page.getByText("「one two」はハッシュ、アドレス、ドメイン、パスのいずれでもありません").waitFor();
  await expectAccessible(page, "an IOC file in the search");
  await tabTo(page, /^検索$/, "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect.poll(total).toBe("1");
  expect(new URL(page.url()).hash).toMatch(/^#q=MD5/);
  expect(new URL(page.url()).search.length).toBeLessThan(100);
  await page.reload();
  await expect.poll(total).toBe("1");
  await page.locator("form input[type=file]").setInputFiles(file("report.csv", REPORT));
  await page.getByText("検索に入らなかったもの: 1 件").click();
  await page.getByText(/mutex.*: Sysmon には現れません$/).waitFor();
});

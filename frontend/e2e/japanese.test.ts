import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { expectAccessible, go, logIn } from "./browser";
import { record, serverWith } from "./data";
import { freshWindows, look, now, region, rows, server, stage } from "./stage";

/** The work of each page done in Japanese, as its reader finds it; and what a page says when the server fails. */
const HOST = "ws01.example";
const guid = (n: number) => `{dddddddd-0000-0000-0000-${n.toString(16).padStart(12, "0")}}`;
let records = 0;
const event = (host: string, day: number, code: number, data: object) => {
  records += 1;
  const time = `2026-01-0${day} 10:00:${String(records % 60).padStart(2, "0")}.000`;
  return record(host, time, code, { RecordNumber: records, ...data });
};
const start = (host: string, n: number, parent: number, image: string) =>
  event(host, 5, 1, {
    ProcessGuid: guid(n),
    ProcessId: n,
    Image: image,
    CommandLine: `${image} -k`,
    ParentProcessGuid: guid(parent),
    ParentImage: "C:\\Windows\\explorer.exe",
    Hashes: `MD5=${n.toString(16).padStart(32, "0")}`,
  });
const connect = (host: string, n: number, image: string, ip: string, port: number) =>
  event(host, 6, 3, {
    ProcessGuid: guid(n),
    Image: image,
    Initiated: "true",
    Protocol: "tcp",
    DestinationIp: ip,
    DestinationPort: port,
  });
const DROPPER = "C:\\Users\\Public\\dropper.exe";
const EVENTS = [
  start(HOST, 1, 100, DROPPER),
  start(HOST, 2, 1, "C:\\Windows\\cmd.exe"),
  start("ws02.example", 3, 200, "C:\\Windows\\notepad.exe"),
  ...Array.from({ length: 6 }, () => connect(HOST, 1, DROPPER, "203.0.113.9", 443)),
  connect(HOST, 1, DROPPER, "203.0.113.9", 4444),
  connect("ws02.example", 3, "C:\\Windows\\notepad.exe", "203.0.113.9", 443),
  event(HOST, 6, 11, { ProcessGuid: guid(1), Image: DROPPER, TargetFilename: "C:\\Windows\\Temp\\a.dll" }),
];

stage(() => serverWith(EVENTS));
freshWindows({ language: "ja" });

const total = () => now.page.getByTestId("total").innerText();
/** The outline has each of these parts. */
async function expectOutline(page: Page, parts: string[]) {
  const outline = await page.getByRole("main").ariaSnapshot();
  for (const part of parts) expect(outline).toContain(part);
}

test("検索: by mouse, and what the server refuses is said in Japanese", async () => {
  const { page } = now;
  await logIn(page, server.url, "/search");
  await rows().first().waitFor();
  await page.getByRole("combobox", { name: "フィールド", exact: true }).fill("port");
  await page.getByRole("combobox", { name: "比較" }).selectOption({ label: "等しい" });
  await page.getByLabel("値", { exact: true }).fill("4444");
  await page.getByRole("button", { name: "検索", exact: true }).click();
  await expect.poll(total).toBe("1");
  await rows().first().getByText("dropper.exe が 203.0.113.9:4444 (tcp) に接続").waitFor();
  await rows().first().getByText("2026/01/06").waitFor();
  await rows().first().click();
  await region("イベント").getByRole("link", { name: "プロセスをグラフで開く" }).waitFor();
  await expectOutline(page, [
    'heading "検索" [level=1]',
    'group "条件"',
    'group "期間"',
    'region "イベント"',
    'columnheader "時刻 (UTC)"',
  ]);
  await expectAccessible(page, "検索");
  await page.getByLabel("テキスト形式の検索").fill("port (");
  await page.getByText(/^6 文字目に必要なもの/).waitFor();
  await page.getByLabel("テキスト形式の検索").fill('Nothing contains "a"');
  await page.keyboard.press("Enter");
  const said = page.getByRole("alert").getByText(/^「Nothing」というフィールドはありません。/);
  await said.first().waitFor();
  await expectAccessible(page, "検索の誤り");
  now.faults.length = 0;
});

test("統計: by keyboard, from a rare value to its events", async () => {
  const { page } = now;
  await logIn(page, server.url, "/statistics");
  const ports = region("宛先ポート");
  await ports.locator("tbody tr").first().waitFor();
  await page.getByRole("radio", { name: "多い順" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.waitForURL(/view=rare/);
  await expect.poll(() => ports.locator("tbody").getByRole("link").first().innerText()).toBe("4444");
  await expectOutline(page, [
    'heading "統計" [level=1]',
    'region "宛先ポート"',
    'radio "少ない順" [checked]',
  ]);
  await expectAccessible(page, "統計");
  await ports.locator("tbody").getByRole("link").first().focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/search\?q=DestinationPort/);
  await expect.poll(total).toBe("1");
});

test("ホスト: by keyboard, to a day, its shares and its events", async () => {
  const { page } = now;
  await logIn(page, server.url, "/hosts");
  await page.getByRole("button", { name: HOST }).focus();
  await page.keyboard.press("Enter");
  const panel = region(HOST);
  await panel.getByRole("group", { name: /^分類ごとのイベント数の推移/ }).focus();
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.waitForURL(/from=2026-01-06/);
  await panel.getByRole("button", { name: "この日" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/from=2026-01-06T00%3A00%3A00.000Z&to=2026-01-07T00/);
  const network = panel.getByRole("row", { name: /^ネットワーク 7/ });
  await network.getByText("87.5%").waitFor();
  await expectOutline(page, [
    'heading "ホスト" [level=1]',
    `region "${HOST}"`,
    'table "割合"',
    'link "プロセスツリー"',
    'columnheader "最後の記録 (UTC)"',
  ]);
  await expectAccessible(page, "ホスト");
  await network.getByRole("button").focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/tab=events/);
  await expect.poll(() => rows().count()).toBe(7);
  await expectAccessible(page, "ホストのイベント");
});

test("グラフ: by keyboard and mouse, from an address to who talked to it, and a link of it", async () => {
  const { page } = now;
  await logIn(page, server.url, "/graph");
  await page.getByLabel("正確な名前でノードを開く").focus();
  await page.keyboard.type("203.0.113.9");
  await page.keyboard.press("Enter");
  const canvas = page.getByRole("application");
  await canvas.focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => canvas.getAttribute("aria-label")).toMatch(/^ノード 3 個、リンク 2 本/);
  await page.getByText("時系列", { exact: true }).click();
  await expectOutline(page, [
    'heading "グラフ" [level=1]',
    'toolbar "グラフの道具"',
    'radio "時系列" [checked]',
    'button "元に戻す"',
    'region "ノード"',
    'heading "隣接ノード" [level=2]',
  ]);
  await expectAccessible(page, "グラフ");
  await page.getByRole("button", { name: "リンクをコピー" }).click();
  await page.waitForURL(/#steps=expand/);
  await page.reload();
  await expect.poll(() => canvas.getAttribute("aria-label")).toMatch(/^ノード 3 個、リンク 2 本/);
  expect(await page.getByRole("radio", { name: "時系列" }).isChecked()).toBe(true);
});

test("プロセス: by mouse and keyboard, its events in order, narrowed, and compared", async () => {
  const { page } = now;
  await logIn(page, server.url, "/process");
  await page.getByLabel("ProcessGuid でプロセスを開く").fill(guid(1));
  await page.keyboard.press("Enter");
  const events = region("プロセスのイベント").locator("tbody tr");
  await events.first().getByText("explorer.exe が起動: C:\\Users\\Public\\dropper.exe -k").waitFor();
  expect(await events.count()).toBe(10);
  await page.getByRole("button", { name: /^11 FileCreate/ }).click();
  await expect.poll(() => events.count()).toBe(1);
  await events.first().getByText("dropper.exe が C:\\Windows\\Temp\\a.dll を作成").waitFor();
  await expectOutline(page, [
    'heading "プロセス" [level=1]',
    'region "プロセスの連鎖"',
    'region "基本情報"',
    'columnheader "内容"',
  ]);
  await expectAccessible(page, "プロセス");
  await page.getByLabel("比較する相手").fill(guid(3));
  await page.keyboard.press("Enter");
  await region("比較").locator("tr.differs").first().waitFor();
  await page.getByText("共通", { exact: true }).click();
  await region("比較").getByText("203.0.113.9").waitFor();
  await expectAccessible(page, "プロセスの比較");
});

test("インポート: why a file could not be read", async () => {
  const { page } = now;
  await logIn(page, server.url, "/imports");
  const file = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no log at all\n") };
  await page.locator("input[type=file]").setInputFiles(file);
  await page
    .getByRole("region", { name: "インポートできなかったレコード" })
    .getByText(/^形式が分かりません。EVTX/)
    .waitFor();
  await expectAccessible(page, "インポート");
});

const PAGES = [
  "/search",
  "/statistics",
  "/hosts",
  `/hosts?host=${HOST}`,
  `/graph?host=${HOST}`,
  `/process?guid=${encodeURIComponent(guid(1))}`,
];

test.each([
  ["en", "the event store took too long", /^the event store took too long$/, "Try again"],
  ["ja", "the event store took too long", /^イベントストアの応答に時間がかかりすぎました。$/, "再試行"],
  [
    "ja",
    "the moon is full",
    /^サーバーの準備ができていません。.*サーバーの説明: the moon is full$/,
    "再試行",
  ],
] as const)(
  "when the server fails every page says so and can be asked again: %s, %s",
  async (language, message, shown, retry) => {
    await now.context.close();
    await look({ language });
    const { page } = now;
    await logIn(page, server.url, "/imports");
    let fails = true;
    await page.route("**/graphql", (route) =>
      fails
        ? route.fulfill({ json: { data: null, errors: [{ message, extensions: { code: "UNAVAILABLE" } }] } })
        : route.continue(),
    );
    for (const path of PAGES) {
      fails = true;
      await go(page, path);
      const alert = page.getByRole("alert");
      await alert.getByText(shown).first().waitFor();
      await expectAccessible(page, `${path} without its server`);
      fails = false;
      await alert.getByRole("button", { name: retry }).first().click();
      await expect
        .poll(() => page.locator("tbody tr, [role=application]").count(), { message: path })
        .toBeGreaterThan(0);
    }
  },
);

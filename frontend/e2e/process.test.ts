import type { Browser } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { closeAtEnd, logIn, openBrowser, type Visit, visit } from "./browser";
import { record, serverWith } from "./data";
import type { Server } from "./server";

/** The page of a process, on events made for what is asked of it. */
const HOST = "ws01.example";
const guid = (n: number) => `{eeeeeeee-0000-0000-0000-${n.toString(16).padStart(12, "0")}}`;
const BEGIN = Date.now() - 3_600_000;
let records = 0;
const event = (code: number, data: object) => {
  records += 1;
  const time = new Date(BEGIN + records * 1_000).toISOString().replace("T", " ").replace("Z", "");
  return record(HOST, time, code, { RecordNumber: records, ...data });
};
const start = (n: number, parent: number, image: string) =>
  event(1, {
    ProcessGuid: guid(n),
    ProcessId: n,
    Image: image,
    CommandLine: `${image} -k`,
    ParentProcessGuid: guid(parent),
    ParentProcessId: parent,
    ParentImage: "C:\\Windows\\explorer.exe",
    Hashes: `MD5=${n.toString(16).padStart(32, "0")}`,
  });
const TOOL = "C:\\Windows\\tool.exe";
const EVENTS = [
  start(1, 100, TOOL),
  start(2, 1, "C:\\Windows\\cmd.exe"),
  start(3, 100, TOOL),
  event(11, { ProcessGuid: guid(1), Image: TOOL, TargetFilename: "C:\\Windows\\Temp\\a.dll" }),
];

let server: Server;
let browser: Browser;
let now: Visit;

beforeAll(async () => {
  [server, browser] = await Promise.all([serverWith(EVENTS), openBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});
beforeEach(async ({ onTestFinished }) => {
  now = await visit(browser, server.url);
  closeAtEnd(onTestFinished, () => now);
});

const region = (name: string) => now.page.getByRole("region", { name, exact: true });
const rows = () => region("Events of the process").locator("tbody tr");
const openPage = async (n: number) => {
  await logIn(now.page, server.url, `/process?guid=${encodeURIComponent(guid(n))}`);
  await rows().first().waitFor();
};

test("the last 24 hours are asked for once, and their events stay", async () => {
  const { page } = now;
  await openPage(1);
  const all = await rows().count();
  let asked = 0;
  page.on("request", (request) => {
    if (/query Process(Events|Codes)\b/.test(request.postData() ?? "")) asked += 1;
  });
  await page.getByRole("button", { name: "24 h" }).click();
  await page.waitForURL(/last=24h/);
  await expect.poll(() => rows().count()).toBe(all);
  await page.waitForTimeout(1_500);
  expect(await rows().count()).toBe(all);
  expect(asked).toBe(2);
});

import { expect, onTestFinished, test } from "vitest";
import { closeAtEnd, go, logIn } from "./browser";
import { record, serverWith } from "./data";
import { look, now, server, stage } from "./stage";

/** Search, hosts and statistics as a reader of the screen meets them, whole, in both languages. */
const guid = (n: number) => `{afafafaf-0000-0000-0000-${n.toString(16).padStart(12, "0")}}`;
const event = (host: string, second: number, code: number, data: object) =>
  record(host, `2026-01-05 10:00:0${second}.000`, code, { RecordNumber: second, ...data });
const APP = "C:\\Program Files\\App\\app.exe";
const EVENTS = [
  event("ws01.example", 1, 4, { State: "Started", Version: "15.15", SchemaVersion: "4.90" }),
  event("ws01.example", 2, 1, {
    ProcessGuid: guid(1),
    ProcessId: 10,
    Image: APP,
    CommandLine: "app.exe -k",
    User: "WS01\\ann",
    ParentProcessGuid: guid(9),
    ParentImage: "C:\\Windows\\explorer.exe",
  }),
  event("ws01.example", 3, 3, {
    ProcessGuid: guid(1),
    Image: APP,
    Protocol: "tcp",
    DestinationIp: "203.0.113.9",
    DestinationPort: 443,
  }),
  event("ws02.example", 4, 22, { ProcessGuid: guid(2), Image: APP, QueryName: "app.example" }),
];

stage(() => serverWith(EVENTS));

test.each(["en", "ja"] as const)("%s", async (language) => {
  await look({ language });
  closeAtEnd(onTestFinished, () => now);
  const { page } = now;
  await logIn(page, server.url, "/search");
  for (const [name, path, rows] of [
    ["search", "/search?q=port%20%3D%20%22443%22&facets=Computer", "table.events tbody tr"],
    ["host", "/hosts?host=ws01.example", "tbody tr"],
    ["host-events", "/hosts?host=ws01.example&tab=events&category=network", "table.events tbody tr"],
    ["statistics", "/statistics", "tbody tr"],
    ["heat", "/statistics?view=heat", "tbody tr"],
  ] as const) {
    await go(page, path);
    await page.locator(rows).first().waitFor();
    if (name === "search") {
      await page.locator("table.events tbody tr").first().click();
      await page.locator(".side table tbody tr").first().waitFor();
    }
    await page.waitForLoadState("networkidle");
    await expect.poll(() => page.locator(".mantine-Loader-root").count()).toBe(0);
    const outline = await page.getByRole("main").ariaSnapshot();
    await expect(`${outline}\n`).toMatchFileSnapshot(`outlines/${name}.${language}.yaml`);
  }
});

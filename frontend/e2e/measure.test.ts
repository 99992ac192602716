import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { go, logIn, openBrowser, type Visit, visit } from "./browser";
import { type Api, openApi } from "./data";
import { type Server, startServer } from "./server";

/** How fast it is: printed, not asserted, as machines differ. `MEASURE=1` turns it on. */
const isOn = Boolean(process.env.MEASURE);
const HUB = "198.51.100.7";
const NEIGHBOURS = 50_000;
const PROCESSES = 2_000;

let server: Server;
let browser: Browser;
let api: Api;
let now: Visit;

const guid = (n: number) => `{bbbbbbbb-0000-0000-0000-${n.toString(16).padStart(12, "0")}}`;
const common = (host: string, second: number) => ({
  Channel: "Microsoft-Windows-Sysmon/Operational",
  SourceName: "Microsoft-Windows-Sysmon",
  Hostname: host,
  UtcTime: new Date(Date.UTC(2026, 0, 5) + second * 1_000).toISOString().replace("T", " ").slice(0, 23),
});

/** A machine on which each process starts others, and an address that everybody talks to. */
function* made(): Generator<object> {
  for (let n = 1; n <= PROCESSES; n += 1) {
    const parent = Math.floor(n / 6);
    yield {
      ...common("tree.example", n),
      EventID: 1,
      ProcessGuid: guid(n),
      ProcessId: n,
      Image: `C:\\bin\\p${n}.exe`,
      CommandLine: `p${n}.exe -x`,
      ParentProcessGuid: guid(parent),
      ParentImage: `C:\\bin\\p${parent}.exe`,
    };
  }
  for (let n = 0; n < NEIGHBOURS; n += 1) {
    yield {
      ...common(`h${n % 90}.example`, n % 3_600),
      EventID: 3,
      ProcessGuid: guid(1_000_000 + n),
      ProcessId: n,
      Image: `C:\\bin\\a${n % 37}.exe`,
      Initiated: "true",
      Protocol: "tcp",
      DestinationIp: HUB,
      DestinationPort: 443,
    };
  }
}

beforeAll(async () => {
  if (!isOn) return;
  [server, browser] = await Promise.all([startServer("serve"), openBrowser()]);
  api = await openApi(server.url);
  const lines = [...made()].map((e) => JSON.stringify(e)).join("\n");
  await api.load("made.jsonl", new TextEncoder().encode(lines));
  now = await visit(browser, server.url);
}, 600_000);
afterAll(async () => {
  await now?.context.close();
  await browser?.close();
  await server?.stop();
});

const label = async (page: Page) =>
  (await page.getByRole("application").getAttribute("aria-label", { timeout: 60_000 })) ?? "";

test.skipIf(!isOn)("how fast the graph is", { timeout: 600_000 }, async () => {
  const { page, faults } = now;
  page.setDefaultTimeout(120_000);
  const assets = fileURLToPath(new URL("../dist/assets", import.meta.url));
  await logIn(page, server.url, "/search");
  const loaded = await page.evaluate(() =>
    performance.getEntriesByType("resource").map((r) => r.name.split("/").at(-1) ?? ""),
  );
  const sizes = readdirSync(assets)
    .filter((f) => loaded.includes(f))
    .map((f) => gzipSync(readFileSync(`${assets}/${f}`)).length);
  const total = sizes.reduce((a, b) => a + b, 0);
  console.log(`first load: ${(total / 1_000).toFixed(0)} kB gzip`);

  /** Milliseconds from going somewhere until the canvas says so. */
  const until = async (path: string, is: RegExp) => {
    await go(page, "/imports");
    const start = await page.evaluate((to) => {
      history.pushState(null, "", to);
      dispatchEvent(new PopStateEvent("popstate"));
      return performance.now();
    }, path);
    await expect.poll(() => label(page), { interval: 20, timeout: 120_000 }).toMatch(is);
    return (await page.evaluate(() => performance.now())) - start;
  };
  await until("/graph?host=tree.example", /Graph of/);
  const tree = await until("/graph?host=tree.example", /of 1\d{3} nodes/);
  console.log(`process tree of 1,000 processes: ${tree.toFixed(0)} ms`);

  while (await page.getByRole("button", { name: "Load more" }).count()) {
    const before = await label(page);
    await page.getByRole("button", { name: "Load more" }).click();
    await expect.poll(() => label(page), { timeout: 60_000 }).not.toBe(before);
  }
  const nodes = /of (\d+) nodes/.exec(await label(page))?.[1];
  expect(Number(nodes)).toBeGreaterThanOrEqual(PROCESSES);
  // Until the degrees of all nodes have come.
  await page.waitForLoadState("networkidle");
  for (const whole of [false, true]) {
    if (whole) await page.getByRole("button", { name: "Show all", exact: true }).click();
    const box = (await page.getByRole("application").boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    const frames = page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          let count = 0;
          const start = performance.now();
          const tick = () => {
            count += 1;
            const passed = performance.now() - start;
            if (passed < 4_000) requestAnimationFrame(tick);
            else resolve((count * 1_000) / passed);
          };
          requestAnimationFrame(tick);
        }),
    );
    const at = { x: box.x + box.width / 2 + 40, y: box.y + box.height / 2 + 13 };
    await page.mouse.move(at.x, at.y);
    await page.mouse.down();
    const end = Date.now() + 4_000;
    for (let i = 0; Date.now() < end; i += 1)
      await page.mouse.move(at.x + 150 * Math.sin(i / 8), at.y + 120 * Math.cos(i / 8));
    await page.mouse.up();
    console.log(
      `panning ${nodes} nodes${whole ? ", all in sight" : ""}: ${(await frames).toFixed(1)} frames/s`,
    );
  }

  const opening = await until(`/graph?name=${HUB}`, /of 1 nodes/);
  await page.getByRole("application").focus();
  const start = Date.now();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Undo", disabled: false }).waitFor();
  const grouped = Date.now() - start;
  await page.keyboard.press("ArrowLeft");
  await page.getByRole("region", { name: "Group", exact: true }).waitFor();
  const began = Date.now();
  await page.getByRole("button", { name: "Split", exact: true }).click();
  await page.getByRole("columnheader", { name: "Host" }).waitFor();
  console.log(
    `a node with ${NEIGHBOURS} neighbours: shown after ${opening.toFixed(0)} ms, as a group after ${grouped} ms more, split by host after ${Date.now() - began} ms more`,
  );
  expect(faults).toEqual([]);
});

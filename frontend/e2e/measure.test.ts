import { loadavg } from "node:os";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { go, logIn, openBrowser, visit } from "./browser";
import { openApi, pastOf } from "./data";
import { type Server, startServer } from "./server";

/** How fast the page is: `npm run measure` prints it. Nothing is asserted of the times, as machines differ. */
const isOn = Boolean(process.env.MEASURE);
const HUB = "198.51.100.7";
const NEIGHBOURS = 50_000;
const PROCESSES = 2_000;
const TREE = 1_000;

let server: Server;
let demo: Server;
let browser: Browser;

const guid = (n: number) => `{bbbbbbbb-0000-0000-0000-${n.toString(16).padStart(12, "0")}}`;
const common = (host: string, second: number) => ({
  Channel: "Microsoft-Windows-Sysmon/Operational",
  SourceName: "Microsoft-Windows-Sysmon",
  Hostname: host,
  UtcTime: new Date(Date.UTC(2026, 0, 5) + second * 1_000).toISOString().replace("T", " ").slice(0, 23),
});

/** Machines on which each process starts others, and an address that everybody talks to. */
function* made(): Generator<object> {
  for (const [host, count, first] of [
    ["tree.example", PROCESSES, 0],
    ["thousand.example", TREE, 500_000],
  ] as const)
    for (let n = 1; n <= count; n += 1) {
      const parent = Math.floor(n / 6);
      yield {
        ...common(host, n),
        EventID: 1,
        ProcessGuid: guid(first + n),
        ProcessId: n,
        Image: `C:\\bin\\p${n}.exe`,
        CommandLine: `p${n}.exe -x`,
        ParentProcessGuid: guid(first + parent),
        ParentImage: `C:\\bin\\p${parent}.exe`,
      };
    }
  for (let n = 0; n < NEIGHBOURS; n += 1) {
    yield {
      ...common(`h${n % 90}.example`, n % 3_600),
      EventID: 3,
      ProcessGuid: guid(1_000_000 + n),
      ProcessId: n,
      Image: `C:\\bin\\a${n % 3_700}.exe`,
      Initiated: "true",
      Protocol: "tcp",
      DestinationIp: HUB,
      DestinationPort: 443,
    };
  }
}

beforeAll(async () => {
  if (!isOn) return;
  [server, demo, browser] = await Promise.all([startServer("serve"), startServer("demo"), openBrowser()]);
  const { load } = await openApi(server.url);
  const lines = [...made()].map((e) => JSON.stringify(e)).join("\n");
  await load("made.jsonl", new TextEncoder().encode(lines));
}, 900_000);
afterAll(async () => {
  await browser?.close();
  await Promise.all([server?.stop(), demo?.stop()]);
});

const say = (what: string) => console.log(`${what} (load ${loadavg()[0]?.toFixed(1)})`);
const ms = (all: number[]) => {
  const sorted = [...all].sort((a, b) => a - b);
  const at = (part: number) => `${sorted[Math.floor((sorted.length - 1) * part)]?.toFixed(0)} ms`;
  return `median ${at(0.5)}, worst ${at(1)} of ${sorted.length}`;
};
const label = async (page: Page) =>
  (await page.getByRole("application").getAttribute("aria-label", { timeout: 60_000 })) ?? "";

/** A visitor who has logged in; what goes wrong behind the page fails the test. */
async function visitor(url: string, path: string, act: (page: Page) => Promise<void>) {
  const now = await visit(browser, url);
  now.page.setDefaultTimeout(120_000);
  await logIn(now.page, url, path);
  await act(now.page);
  await now.context.close();
  expect(now.faults).toEqual([]);
}

/** Milliseconds, in the page, from an act until a frame in which an element says so. */
async function timed(page: Page, act: { to: string } | { key: string }, selector: string, is: RegExp) {
  return page.evaluate(
    ([act, selector, source]) =>
      new Promise<number>((resolve) => {
        const is = new RegExp(source);
        const start = performance.now();
        if ("to" in act) {
          history.pushState(null, "", act.to);
          dispatchEvent(new PopStateEvent("popstate"));
        } else {
          const event = new KeyboardEvent("keydown", { key: act.key, bubbles: true });
          document.activeElement?.dispatchEvent(event);
        }
        const look = () => {
          const at = document.querySelector(selector);
          if (is.test(at?.getAttribute("aria-label") ?? at?.textContent ?? ""))
            resolve(performance.now() - start);
          else requestAnimationFrame(look);
        };
        look();
      }),
    [act, selector, is.source] as const,
  );
}

test.skipIf(!isOn)("how much is loaded at first", async () => {
  await visitor(demo.url, "/search", async (page) => {
    await page.locator("table.events tbody tr").first().waitFor();
    const parts = await page.evaluate(() =>
      [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
        .map((r) => r as PerformanceResourceTiming)
        .filter((r) => !r.name.includes("/graphql"))
        .map((r) => [new URL(r.name).pathname, r.encodedBodySize] as const),
    );
    const total = parts.reduce((sum, [, size]) => sum + size, 0);
    expect(parts.length).toBeGreaterThan(2);
    say(
      `first load, until a search is shown: ${(total / 1_000).toFixed(0)} kB as sent, ${parts.length} files`,
    );
  });
});

const SEARCHES = [
  'EventID = "1"',
  'EventID = "3"',
  'process contains "powershell"',
  'CommandLine contains "-enc"',
  'ip in "10.0.0.0/8"',
  'port = "443"',
  'file ends ".exe"',
  'registryKey contains "\\\\run"',
  'NOT process contains "svchost" AND NOT EventID = "7"',
  'CommandLine matches "[a-z]+\\\\.ps1"',
];

test.skipIf(!isOn)("how fast a search is shown", { timeout: 600_000 }, async () => {
  const events = await pastOf(await openApi(demo.url));
  await visitor(demo.url, "/search", async (page) => {
    const last = await page.evaluate(() => new Date().toISOString());
    const times: number[] = [];
    for (const q of SEARCHES) {
      // The first time that this is asked; what is shown before it is something else.
      await timed(page, { to: "/search?q=Image%20%3D%20%22nothing%22" }, ".results .state", /./);
      const to = `/search?q=${encodeURIComponent(q)}&to=${last}`;
      times.push(await timed(page, { to }, "table.events tbody tr .c-time, .results .state", /\d|^No event/));
    }
    say(`search results visible, ${events} events of the demo: ${ms(times)}`);
  });
});

test.skipIf(!isOn)("how fast a process tree is shown", { timeout: 600_000 }, async () => {
  const canvas = "[role=application]";
  await visitor(server.url, "/imports", async (page) => {
    // The code of the page comes with its first visit.
    await timed(page, { to: "/graph?host=thousand.example" }, canvas, /of 1,00\d nodes/);
    const times: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      await go(page, "/imports");
      times.push(await timed(page, { to: "/graph?host=thousand.example" }, canvas, /of 1,00\d nodes/));
    }
    say(`process tree of ${TREE} processes: ${ms(times)}`);
  });
  const { ask } = await openApi(demo.url);
  const { hosts } = await ask<{ hosts: { nodes: { name: string }[] } }>(
    "{ hosts(first: 1, order: EVENTS, descending: true) { nodes { name } } }",
  );
  const host = hosts.nodes[0]?.name ?? "";
  await visitor(demo.url, "/imports", async (page) => {
    const times: number[] = [];
    let shown = "";
    for (let n = 0; n < 5; n += 1) {
      await go(page, "/imports");
      times.push(await timed(page, { to: `/graph?host=${host}` }, canvas, /of [\d,]+ nodes/));
      shown = /of ([\d,]+) nodes/.exec(await label(page))?.[1] ?? "";
    }
    say(`process tree of the busiest host of the demo, ${shown} processes: ${ms(times)}`);
  });
});

test.skipIf(!isOn)("how smoothly a large graph moves", { timeout: 600_000 }, async () => {
  await visitor(server.url, "/graph?host=tree.example", async (page) => {
    await expect.poll(() => label(page), { timeout: 60_000 }).toMatch(/of 1,\d{3} nodes/);
    while (await page.getByRole("button", { name: "Load more" }).count()) {
      const before = await label(page);
      await page.getByRole("button", { name: "Load more" }).click();
      await expect.poll(() => label(page), { timeout: 60_000 }).not.toBe(before);
    }
    const nodes = Number(/of ([\d,]+) nodes/.exec(await label(page))?.[1]?.replaceAll(",", ""));
    expect(nodes).toBeGreaterThanOrEqual(PROCESSES);
    // Until the degrees of all nodes have come.
    await page.waitForLoadState("networkidle");
    for (const layout of ["Tree", "Force"])
      for (const whole of [false, true]) {
        await page.getByText(layout, { exact: true }).click();
        if (whole) await page.getByRole("button", { name: "Show all", exact: true }).click();
        else if (layout === "Force")
          await page.getByRole("button", { name: "Zoom in" }).click({ clickCount: 6 });
        const { frames, longest } = await pan(page);
        const sight = whole ? "all in sight" : "some in sight";
        say(
          `panning ${nodes} nodes, ${layout.toLowerCase()}, ${sight}: ${frames.toFixed(1)} frames/s, longest frame ${longest.toFixed(0)} ms`,
        );
      }
  });
});

/** Drags the drawing about for some seconds. */
async function pan(page: Page) {
  const box = (await page.getByRole("application").boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  const frames = page.evaluate(
    () =>
      new Promise<{ frames: number; longest: number }>((resolve) => {
        let [count, longest] = [0, 0];
        const start = performance.now();
        let last = start;
        const tick = (now: number) => {
          count += 1;
          longest = Math.max(longest, now - last);
          last = now;
          if (now - start < 4_000) requestAnimationFrame(tick);
          else resolve({ frames: (count * 1_000) / (now - start), longest });
        };
        requestAnimationFrame(tick);
      }),
  );
  const at = { x: box.x + box.width / 2 + 40, y: box.y + 20 };
  await page.mouse.move(at.x, at.y);
  await page.mouse.down();
  const end = Date.now() + 4_000;
  for (let i = 0; Date.now() < end; i += 1)
    await page.mouse.move(at.x + 250 * Math.sin(i / 8), at.y + 220 - 220 * Math.cos(i / 8));
  await page.mouse.up();
  return frames;
}

test.skipIf(!isOn)("how fast a node with very many neighbours opens", { timeout: 600_000 }, async () => {
  await visitor(server.url, "/imports", async (page) => {
    const canvas = "[role=application]";
    const opening = await timed(page, { to: `/graph?name=${HUB}` }, canvas, /of 1 nodes/);
    await page.getByRole("application").focus();
    const grouped = await timed(page, { key: "Enter" }, ".legend [role=status]", /1 group/);
    say(
      `a node with ${NEIGHBOURS} neighbours: shown after ${opening.toFixed(0)} ms, as a group after ${grouped.toFixed(0)} ms more`,
    );
    await page.keyboard.press("ArrowLeft");
    const panel = page.getByRole("region", { name: "Group", exact: true });
    const begun = Date.now();
    await page.keyboard.press("Enter");
    await expect.poll(() => label(page), { interval: 20 }).toMatch(/of 51 nodes/);
    say(`the first 50 of the group: ${Date.now() - begun} ms`);
    for (const by of ["Host", "Name"]) {
      await panel.getByRole("combobox", { name: "Split by" }).click();
      await page.getByRole("option", { name: by }).click();
      const from = Date.now();
      await panel.getByRole("button", { name: "Split", exact: true }).click();
      await expect.poll(() => panel.locator("tbody tr").count(), { interval: 20 }).toBeGreaterThan(0);
      say(`split by ${by.toLowerCase()}: ${Date.now() - from} ms`);
      if (by === "Name") {
        // More names than are split off at once.
        await panel.getByRole("button", { name: /^Groups beyond the largest/ }).click();
        const next = Date.now();
        await panel.getByRole("button", { name: "Next groups" }).click();
        await expect.poll(() => panel.locator("tbody tr").count(), { interval: 20 }).toBeGreaterThan(150);
        say(`the next groups: ${Date.now() - next} ms`);
        return;
      }
      // The whole group is back, and still chosen.
      await page.getByRole("button", { name: "Undo" }).click();
    }
  });
});

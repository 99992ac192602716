import { readFileSync } from "node:fs";
import type { Route } from "playwright-core";
import { expect, test } from "vitest";
import { expectAccessible, go, logIn } from "./browser";
import { record, serverWith } from "./data";
import { button, canvas, freshWindows, look, now, region, server, stage, title } from "./stage";

/** The graph where it gets difficult: answers that fail or come late, very many of one name, groups used in every way. */
const HOST = "ws01.example";
const guid = (n: number) => `{ffffffff-0000-0000-0000-${n.toString(16).padStart(12, "0")}}`;
let records = 0;
const event = (host: string, code: number, data: object) => {
  records += 1;
  const time = new Date(Date.UTC(2026, 0, 5, 10, 0, records))
    .toISOString()
    .replace("T", " ")
    .replace("Z", "");
  return record(host, time, code, { RecordNumber: records, ...data });
};
const TOOL = "C:\\Windows\\tool.exe";
const MODULES = 120;
const HOSTS = 102;
const start = (n: number, parent: number, image: string, parentImage: string) =>
  event(HOST, 1, {
    ProcessGuid: guid(n),
    ProcessId: n,
    Image: image,
    CommandLine: `${image} -k`,
    ParentProcessGuid: guid(parent),
    ParentProcessId: parent,
    ParentImage: parentImage,
  });
const EVENTS = [
  start(1, 100, TOOL, "C:\\Windows\\explorer.exe"),
  start(2, 1, "C:\\Windows\\cmd.exe", TOOL),
  event(HOST, 3, {
    ProcessGuid: guid(1),
    Image: TOOL,
    Initiated: "true",
    DestinationIp: "203.0.113.9",
    DestinationPort: 443,
  }),
  event(HOST, 8, {
    SourceProcessGuid: guid(1),
    SourceProcessId: 1,
    SourceImage: TOOL,
    TargetProcessGuid: guid(2),
    TargetProcessId: 2,
    TargetImage: "C:\\Windows\\cmd.exe",
  }),
  ...Array.from({ length: MODULES }, (_, i) =>
    event(HOST, 7, {
      ProcessGuid: guid(1),
      Image: TOOL,
      ImageLoaded: `C:\\Windows\\part${i % 3}\\m${i}.dll`,
    }),
  ),
  ...Array.from({ length: HOSTS }, (_, i) =>
    event(`h${i}.example`, 17, {
      ProcessGuid: guid(1000 + i),
      ProcessId: 7,
      Image: TOOL,
      PipeName: "\\shared",
    }),
  ),
];

stage(() => serverWith(EVENTS));
freshWindows();

const nodes = async () => Number(/\d+/.exec((await canvas().getAttribute("aria-label")) ?? "")?.[0]);
const legend = () => now.page.locator(".legend").getByRole("status").innerText();
/** What a reader of the screen hears about the choice. */
const spoken = () => now.page.locator(".main > .unseen[role=status]").innerText();
const PERIOD = "from=2026-01-01T00:00:00.000Z&to=2026-02-01T00:00:00.000Z";
const openTool = async (more = "") => {
  await logIn(now.page, server.url, `/graph?name=${encodeURIComponent(guid(1))}${more}`);
  await canvas().waitFor();
  await region("Node").getByRole("heading", { name: "Neighbours" }).waitFor();
};
/** Answers the first request of a query by itself. */
async function first(query: string, answer: (route: Route) => Promise<void>) {
  let left = true;
  await now.page.route("**/graphql", async (route) => {
    const isIt = left && new RegExp(`query ${query}\\b`).test(route.request().postData() ?? "");
    if (isIt) left = false;
    await (isIt ? answer(route) : route.continue());
  });
}
interface Exported {
  nodes: { id: string; label: string; place: { column: number; row: number } }[];
}
async function exported() {
  await button("Export").click();
  const [file] = await Promise.all([
    now.page.waitForEvent("download"),
    now.page.getByRole("menuitem", { name: "Data (JSON)" }).click(),
  ]);
  return JSON.parse(readFileSync(await file.path(), "utf8")) as Exported;
}
const placeOf = async (label: RegExp) => (await exported()).nodes.find((n) => label.test(n.label))?.place;

test("links that could not be counted are unknown, not none: it is said, and asked again", async () => {
  const errors = [{ message: "the graph store took too long", extensions: { code: "UNAVAILABLE" } }];
  await first("Around", (route) => route.fulfill({ json: { data: null, errors } }));
  await openTool();
  const alert = now.page.getByRole("alert");
  await alert.getByText("The links of some nodes could not be counted.").waitFor();
  await expectAccessible(now.page, "links that are not counted");
  expect(await spoken()).not.toContain("links");
  await alert.getByRole("button", { name: "Try again" }).click();
  await expect.poll(spoken).toMatch(/^tool\.exe \(1\), Process, 12\d links$/);
  expect(await alert.count()).toBe(0);
});

test("a node is expanded although its links could not be counted before", async () => {
  await first("Around", (route) =>
    route.fulfill({ json: { data: null, errors: [{ message: "no", extensions: { code: "UNAVAILABLE" } }] } }),
  );
  await openTool();
  await now.page.getByRole("alert").waitFor();
  const before = await nodes();
  await canvas().focus();
  await now.page.keyboard.press("Enter");
  await expect.poll(nodes).toBeGreaterThan(before);
});

test("a path that comes late is not drawn into what is looked at meanwhile", async () => {
  const { page } = now;
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await first("Paths", async (route) => {
    await held;
    await route.continue();
  });
  await openTool();
  await canvas().focus();
  await page.keyboard.press("p");
  await page.keyboard.press("ArrowRight");
  await expect.poll(title).toMatch(/^cmd\.exe/);
  await page.keyboard.press("p");
  const found = region("Paths in order of time");
  await found.waitFor();
  await found.getByRole("button", { name: "Close the details" }).click();
  const answered = page.waitForResponse((r) => /query Paths\b/.test(r.request().postData() ?? ""));
  release();
  await answered;
  await page.waitForTimeout(300);
  expect(await found.count()).toBe(0);
  expect(await legend()).not.toContain("highlighted");
  expect(await button("Undo").isDisabled()).toBe(true);
});

test("of very many of one name the first are listed, and that there are more", async () => {
  const { page } = now;
  await logIn(page, server.url, `/graph?name=${encodeURIComponent("\\shared")}`);
  const choices = region("Several nodes have this name");
  await choices.getByText(/^More than 100 nodes have this name/).waitFor();
  expect(await choices.locator("tbody tr").count()).toBe(100);
  await expectAccessible(page, "more names than are listed");
  await choices.locator("tbody").getByRole("link").first().click();
  const others = region("Same name on other hosts");
  await others.getByRole("heading", { name: "Same name on other hosts more than 100" }).waitFor();
  expect(await others.locator("li").count()).toBe(100);
  await others.getByRole("link", { name: "Search for it on all hosts" }).click();
  await page.waitForURL(/\/search\?q=PipeName/);
  await expect.poll(() => page.getByTestId("total").innerText()).toBe(String(HOSTS));
});

test("every query behind a click is listed: of a node, of a link, of the hosts of an address", async () => {
  const { page } = now;
  await openTool();
  await canvas().focus();
  await page.keyboard.press("e");
  await page.getByText("Table", { exact: true }).click();
  const table = region("The graph as a table");
  await table.getByRole("button", { name: "203.0.113.9", exact: true }).click();
  await region("Hosts with events of it").locator("tbody tr").first().waitFor();
  await table.locator("table").last().getByRole("button", { name: "connected to" }).click();
  await region("Link").locator("li").first().waitFor();
  await table.focus();
  await page.keyboard.press("q");
  const queries = region("Queries behind the clicks");
  const names = await queries.locator("summary b").allInnerTexts();
  for (const name of ["NodeDetails", "EdgeEvents", "HostsOf", "Neighbours", "Around", "GraphNode"])
    expect(names).toContain(name);
  expect(names.indexOf("EdgeEvents")).toBeLessThan(names.indexOf("HostsOf"));
});

test("links to events and hosts keep the period of the counts", async () => {
  const { page } = now;
  await openTool(`&${PERIOD}`);
  const href = (name: string) => region("Node").getByRole("link", { name, exact: true }).getAttribute("href");
  for (const name of ["Events", "Host", "Process", "Start here"])
    expect(await href(name), name).toMatch(/from=2026-01-01T.*to=2026-02-01T/);
  await go(page, `/graph?name=203.0.113.9&${PERIOD}`);
  const host = region("Hosts with events of it").locator("tbody").getByRole("link").first();
  await expect.poll(() => host.getAttribute("href")).toMatch(/from=2026-01-01T/);
  await canvas().focus();
  await page.keyboard.press("e");
  await expect.poll(nodes).toBe(2);
  await page.keyboard.press("t");
  await region("The graph as a table").locator("table").last().locator("tbody button").first().click();
  const link = region("Link").getByRole("link", { name: "Search" });
  expect(await link.getAttribute("href")).toMatch(/from=2026-01-01T/);
  expect(await region("Link").locator("li").getByRole("link").first().getAttribute("href")).toMatch(
    /from=2026/,
  );
});

test("a group goes on where the node has read to, and what is split is not grouped again", async () => {
  const { page } = now;
  await openTool();
  await canvas().focus();
  await page.keyboard.press("e");
  await expect.poll(legend).toContain("1 group");
  const without = await nodes();
  const loaded = region("Node").getByRole("button", { name: /: loaded/ });
  // The group is opened there, then read on at the node.
  await loaded.click();
  await region("Group").getByRole("button", { name: "Draw the next 50" }).click();
  await expect.poll(nodes).toBe(without + 50);
  await region("Group")
    .getByRole("button", { name: /^tool\.exe/ })
    .click();
  await expect.poll(() => loaded.innerText()).toBe("Load more");
  await loaded.click();
  await expect.poll(nodes).toBe(without + 100);
  await canvas().focus();
  // What is left of the group is the rest, not the page that was read.
  await page.getByText("Table", { exact: true }).click();
  await region("The graph as a table")
    .getByRole("button", { name: /^Expand the group/ })
    .click();
  await page.getByText("Graph", { exact: true }).last().click();
  await expect.poll(nodes).toBe(without + MODULES);
  expect(await legend()).not.toContain("group");
  for (let i = 0; i < 3; i += 1) await button("Undo").click();
  await expect.poll(nodes).toBe(without);
  // Split into parts, of which none is the whole again.
  await page.getByText("Table", { exact: true }).click();
  const groups = region("The graph as a table").locator("table", { hasText: "In common" });
  await groups.locator("tbody button").first().click();
  await region("Group").getByRole("combobox", { name: "Split by" }).click();
  await page.getByRole("option", { name: "Folder, key or network" }).click();
  await button("Split").click();
  await expect.poll(() => groups.locator("tbody tr").count()).toBe(3);
  await region("Group")
    .getByRole("button", { name: /^tool\.exe/ })
    .click();
  await button("Expand all").click();
  await region("Node")
    .getByRole("button", { name: /: loaded/ })
    .click();
  await region("Group").waitFor();
  expect(await groups.locator("tbody tr").count()).toBe(3);
});

test("expanding what has nothing more is no step to be undone", async () => {
  const { page } = now;
  await openTool();
  await canvas().focus();
  await page.keyboard.press("e");
  await expect.poll(legend).toContain("1 group");
  await page.keyboard.press("e");
  await page.waitForTimeout(500);
  await page.keyboard.press("z");
  await expect.poll(legend).not.toContain("group");
  expect(await button("Undo").isDisabled()).toBe(true);
  await go(page, "/graph?name=203.0.113.9");
  await canvas().focus();
  await page.keyboard.press("e");
  await expect.poll(nodes).toBe(2);
  await page.keyboard.press("Enter");
  await page.waitForTimeout(300);
  await page.keyboard.press("z");
  await expect.poll(nodes).toBe(1);
});

test("moving and looking around by keys, by single clicks, and told in the help", async () => {
  const { page } = now;
  await openTool();
  const before = await placeOf(/^tool/);
  await canvas().focus();
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Shift+ArrowUp");
  const moved = await placeOf(/^tool/);
  expect(moved?.column).toBeGreaterThan(before?.column ?? 0);
  expect(moved?.row).toBeLessThan(before?.row ?? 0);
  await button("Look around, move").click();
  await page.getByRole("menuitem", { name: "Left", exact: true }).last().click();
  await expectAccessible(page, "the menu of moving");
  await page.keyboard.press("Escape");
  expect((await placeOf(/^tool/))?.column).toBeCloseTo(before?.column ?? 0);
  const shift = () =>
    page
      .locator(".canvas .place canvas")
      .first()
      .evaluate((c) => c.style.transform);
  const still = await shift();
  await canvas().focus();
  await page.keyboard.press("d");
  await expect.poll(shift).not.toBe(still);
  await page.keyboard.press("a");
  await expect.poll(shift).toBe(still);
  await page.keyboard.press("?");
  const help = page.getByRole("dialog");
  await help.getByText("Shift + ↑ ↓ ← →").waitFor();
  await help.getByText("W A S D").waitFor();
});

test("the focus goes along into the table and back, and what is chosen by arrows is said", async () => {
  const { page } = now;
  await openTool();
  await canvas().focus();
  await expect.poll(spoken).toMatch(/^tool\.exe \(1\), Process, 12\d links$/);
  await page.keyboard.press("ArrowRight");
  await expect.poll(spoken).toMatch(/^cmd\.exe \(2\), Process, \d links$/);
  const name = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
  await page.keyboard.press("t");
  await expect.poll(name).toBe("The graph as a table");
  await page.keyboard.press("t");
  await expect.poll(name).toMatch(/^Graph of/);
});

test("the table says what the drawing says by signs, and is narrowed by the same times", async () => {
  const { page } = now;
  await openTool();
  await canvas().focus();
  await page.keyboard.press("e");
  await expect.poll(legend).toContain("1 group");
  for (const sign of ["known by reference only", "Network", "Process"])
    await page.locator(".legend").getByText(sign, { exact: true }).first().waitFor();
  await page.keyboard.press("t");
  const table = region("The graph as a table").locator("table").first();
  expect(await table.getByRole("columnheader").allInnerTexts()).toEqual([
    "Kind",
    "Name",
    "Host",
    "Links",
    "Links drawn",
    "Rule hits",
    "First seen (UTC)",
    "Last seen (UTC)",
    "Actions",
  ]);
  const explorer = table.getByRole("row", { name: /explorer\.exe/ });
  await explorer.getByText("known by reference only").waitFor();
  expect(await explorer.locator("td").nth(4).innerText()).toBe("1");
  const rows = () => table.locator("tbody tr").count();
  const all = await rows();
  const bars = await page.locator(".brush .bars > svg").boundingBox();
  if (!bars) throw new Error("the times have no size");
  await page.mouse.move(bars.x + bars.width * 0.6, bars.y + 10);
  await page.mouse.down();
  await page.mouse.move(bars.x + bars.width * 0.95, bars.y + 10, { steps: 4 });
  await page.mouse.up();
  await expect.poll(rows).toBeLessThan(all);
  await expectAccessible(page, "a table that is narrowed");
});

test("the address follows the times when they are settled, not with every move", async () => {
  const { page } = now;
  await openTool();
  await canvas().focus();
  await page.keyboard.press("e");
  await expect.poll(legend).toContain("1 group");
  await page.evaluate(() => {
    const counted = window as unknown as { replaced: number };
    counted.replaced = 0;
    const replace = history.replaceState.bind(history);
    history.replaceState = (...args) => {
      counted.replaced += 1;
      replace(...args);
    };
  });
  await page.getByRole("slider", { name: "Show up to" }).focus();
  for (let i = 0; i < 20; i += 1) await page.keyboard.press("ArrowLeft");
  await page.waitForURL(/brush=/);
  expect(await page.evaluate(() => (window as unknown as { replaced: number }).replaced)).toBeLessThan(10);
});

test("a value of a node has the menu of every value", async () => {
  const { page } = now;
  await openTool();
  await region("Node")
    .getByRole("button", { name: `What to do with Image ${TOOL}` })
    .click();
  const menu = page.getByRole("menu");
  await menu.getByRole("menuitem", { name: "Copy" }).waitFor();
  await expectAccessible(page, "the menu of a property");
  await menu.getByRole("menuitem", { name: "Search for this value" }).click();
  await page.waitForURL(/\/search\?q=Image/);
});

/** As a reader of the screen meets it, when nothing more comes in. */
async function outline() {
  const read = () => now.page.getByRole("main").ariaSnapshot();
  let last = await read();
  await expect
    .poll(
      async () => {
        const before = last;
        last = await read();
        return before === last && (await now.page.locator(".mantine-Loader-root").count()) === 0;
      },
      { interval: 700 },
    )
    .toBe(true);
  return last;
}

test.each(["en", "ja"] as const)(
  "graph and process as a reader of the screen meets them, in %s",
  async (language) => {
    await now.context.close();
    await look({ language });
    const { page } = now;
    await logIn(page, server.url, `/graph?name=${encodeURIComponent(guid(1))}`);
    await canvas().focus();
    await page.keyboard.press("e");
    await expect.poll(nodes, { timeout: 20_000 }).toBeGreaterThan(3);
    await expect.poll(spoken).toMatch(/12\d/);
    await page.locator(".side dl.facts").waitFor();
    await expect(await outline()).toMatchFileSnapshot(`outlines/graph.${language}.yaml`);
    await page.keyboard.press("t");
    await page.locator("table").nth(2).waitFor();
    await expect(await outline()).toMatchFileSnapshot(`outlines/graph-table.${language}.yaml`);
    await go(page, `/process?guid=${encodeURIComponent(guid(2))}`);
    await page.locator(".activity tbody tr").first().waitFor();
    await page.locator(".codes b").first().waitFor();
    await expect(await outline()).toMatchFileSnapshot(`outlines/process.${language}.yaml`);
    await go(page, `/process?guid=${encodeURIComponent(guid(1))}&with=${encodeURIComponent(guid(2))}`);
    await page.locator("table").nth(2).waitFor();
    await expect(await outline()).toMatchFileSnapshot(`outlines/comparison.${language}.yaml`);
  },
);

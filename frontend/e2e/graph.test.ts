import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { expectAccessible, go, logIn } from "./browser";
import { type Api, openApi, until } from "./data";
import { startServer } from "./server";
import { button, canvas, freshWindows, look, now, region, server, stage, title } from "./stage";

/** The graph and the page of a process, on the generated intrusion. */
let api: Api;
/** A process with hits, and another of the same rule. */
let [guid, other, host] = ["", "", ""];
/** An address that many processes have talked to, and a text in it. */
let hub = "";

interface Hits {
  hits: {
    nodes: {
      host: string;
      event: {
        process: {
          label: string;
          properties: { name: string; value: string }[];
          lineage: { ancestors: { node: { label: string } }[] };
        } | null;
      };
    }[];
  };
}

stage(() => startServer("demo"));
beforeAll(async () => {
  api = await openApi(server.url);
  const found = async () => {
    const { hits } = await api.ask<Hits>(
      "{ hits(first: 100) { nodes { host event { process { label properties { name value } lineage(maxDescendants: 1) { ancestors { node { label } } } } } } } }",
    );
    const processes = new Map<string, string>();
    for (const hit of hits.nodes) {
      const own = hit.event.process?.properties.find((p) => p.name === "processGuid")?.value;
      const chain = hit.event.process?.lineage.ancestors ?? [];
      if (own && chain.length > 2 && chain.some((a) => /^services\.exe/.test(a.node.label)))
        processes.set(own, hit.host);
    }
    return [...processes];
  };
  await until("two processes with hits", async () => (await found()).length > 1);
  const [[first, of] = ["", ""], [second] = [""]] = await found();
  [guid, other, host] = [first, second, of];
  const { terms } = await api.ask<{ terms: { values: { value: string }[] } }>(
    '{ terms(field: "SHA256", first: 1) { values { value } } }',
  );
  hub = terms.values[0]?.value ?? "";
});
freshWindows();

const label = async () => (await canvas().getAttribute("aria-label")) ?? "";
const nodes = async () => Number(/([\d,]+) nodes/.exec(await label())?.[1]?.replaceAll(",", ""));
const openProcess = async () => {
  await logIn(now.page, server.url, `/graph?name=${encodeURIComponent(guid)}`);
  await canvas().waitFor();
  await region("Node").getByRole("heading", { name: "Neighbours" }).waitFor();
};
interface Exported {
  layout: string;
  nodes: { id: string; kind: string; place: { column: number; row: number } }[];
}
async function saved(kind: string): Promise<string> {
  await now.page.getByRole("button", { name: "Export" }).click();
  const [file] = await Promise.all([
    now.page.waitForEvent("download"),
    now.page.getByRole("menuitem", { name: kind }).click(),
  ]);
  return file.path();
}
const exported = async () => JSON.parse(readFileSync(await saved("Data (JSON)"), "utf8")) as Exported;
const places = (of: Exported) => Object.fromEntries(of.nodes.map((n) => [n.id, n.place]));

test("expand, undo, redo, collapse and unfold by mouse: what stays does not move", async () => {
  const { page } = now;
  await openProcess();
  const before = places(await exported());
  await button("Expand all").click();
  await expect.poll(nodes).toBeGreaterThan(Object.keys(before).length);
  const many = await nodes();
  expect(places(await exported())).toMatchObject(before);
  await button("Undo").click();
  await expect.poll(nodes).toBe(Object.keys(before).length);
  await button("Redo").click();
  await expect.poll(nodes).toBe(many);
  const after = places(await exported());
  await button("Collapse").click();
  await expect.poll(nodes).toBeLessThan(many);
  await button("Unfold").click();
  await expect.poll(nodes).toBe(many);
  expect(places(await exported())).toEqual(after);
  for (const layout of ["Force", "Time line", "Tree"]) {
    await page.getByText(layout, { exact: true }).click();
    await expect.poll(nodes).toBe(many);
  }
  expect(places(await exported())).toEqual(after);
  await expectAccessible(page, "an expanded graph");
});

test("the same by keyboard, with layouts, finding, hits, queries and help", async () => {
  const { page } = now;
  await openProcess();
  await canvas().focus();
  const before = await nodes();
  await page.keyboard.press("Enter");
  await expect.poll(nodes).toBeGreaterThan(before);
  const many = await nodes();
  await page.keyboard.press("Control+z");
  await expect.poll(nodes).toBe(before);
  await page.keyboard.press("y");
  await expect.poll(nodes).toBe(many);
  await page.keyboard.press("c");
  await expect.poll(nodes).toBeLessThan(many);
  await page.keyboard.press("c");
  await expect.poll(nodes).toBe(many);
  const layout = () => page.getByRole("radio", { checked: true });
  for (const name of ["Force", "Time line", "Tree"]) {
    await page.keyboard.press("l");
    await expect
      .poll(() => layout().evaluateAll((all) => all.map((r) => (r as HTMLInputElement).value)))
      .toContain({ Force: "force", "Time line": "time", Tree: "tree" }[name]);
  }
  await page.keyboard.press("/");
  await page.keyboard.type("services.exe (");
  await page.keyboard.press("Enter");
  await expect.poll(title).toMatch(/^services\.exe/);
  await page.getByText(/· 1 highlighted/).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("h");
  await page.getByText(/\d highlighted/).waitFor();
  await page.keyboard.press("h");
  await page.keyboard.press("q");
  const queries = region("Queries behind the clicks");
  await queries.locator("summary", { hasText: "Neighbours" }).first().focus();
  await page.keyboard.press("Enter");
  await queries.getByText("query Neighbours(").first().waitFor();
  await expectAccessible(page, "the queries behind the clicks");
  await canvas().focus();
  await page.keyboard.press("q");
  await page.keyboard.press("?");
  await page.getByRole("dialog").getByText("Next layout").waitFor();
  await expectAccessible(page, "the keys of the graph");
  await page.keyboard.press("Escape");
  await canvas().focus();
  await page.keyboard.press("Delete");
  await expect.poll(nodes).toBeLessThan(many);
});

test("the drawing itself by mouse: click, pan, drag, open, and the link between two nodes", async () => {
  const { page } = now;
  await openProcess();
  const name = await title();
  const middle = async () => {
    const box = await canvas().boundingBox();
    if (!box) throw new Error("the drawing has no size");
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  };
  await page.getByLabel("Find in the graph").fill(name);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Close the details" }).click();
  await expect.poll(() => region("Node").count()).toBe(0);
  await page.getByLabel("Find in the graph").fill(name);
  await page.keyboard.press("Enter");
  await expect.poll(title).toBe(name);
  await page.keyboard.press("Escape");
  let at = await middle();
  // The link to its parent, then the node again.
  await page.mouse.click(at.x - 70, at.y);
  await region("Link").waitFor();
  await expectAccessible(page, "a link");
  await page.mouse.click(at.x, at.y);
  await expect.poll(title).toBe(name);
  // The place below is drawn along.
  await page.mouse.move(at.x, at.y + 150);
  await page.mouse.down();
  await page.mouse.move(at.x - 60, at.y + 170, { steps: 4 });
  await page.mouse.move(at.x - 120, at.y + 190, { steps: 4 });
  await page.mouse.up();
  at = { x: at.x - 120, y: at.y + 40 };
  await page.mouse.click(at.x - 70, at.y);
  await region("Link").waitFor();
  await page.mouse.click(at.x, at.y);
  await expect.poll(title).toBe(name);
  const before = await exported();
  await page.mouse.move(at.x, at.y);
  await page.mouse.down();
  await page.mouse.move(at.x + 40, at.y - 60, { steps: 5 });
  await page.mouse.up();
  const moved = places(await exported());
  const changed = before.nodes.filter((n) => JSON.stringify(moved[n.id]) !== JSON.stringify(n.place));
  expect(changed.length).toBe(1);
  await button("Undo").click();
  await expect.poll(async () => places(await exported())).toEqual(places(before));
  await page.mouse.move(at.x, at.y);
  await page.mouse.wheel(0, -300);
  await page.mouse.dblclick(at.x, at.y);
  await expect.poll(nodes).toBeGreaterThan(before.nodes.length);
});

test("rule hits are highlighted, of any rule and of one, and listed at the node", async () => {
  const { page } = now;
  await openProcess();
  const hits = region("Node").getByRole("list", { name: "Rule hits" });
  const titles = await hits.locator("li").allInnerTexts();
  expect(titles.length).toBeGreaterThan(0);
  await button("Highlight rule hits").click();
  const lit = async () => Number(/(\d+) highlighted/.exec(await page.locator(".legend").innerText())?.[1]);
  await expect.poll(lit).toBeGreaterThan(0);
  const choice = page.getByLabel("Rule whose hits are highlighted");
  const rules = (await choice.locator("option").allInnerTexts()).slice(1);
  expect(rules.length).toBeGreaterThan(0);
  const [first = ""] = rules;
  await choice.selectOption({ label: first });
  await expect.poll(lit).toBe(Number(/\((\d+)\)$/.exec(first)?.[1]));
  await expectAccessible(page, "the hits of one rule");
  expect(titles.some((t) => rules.some((r) => t.includes(r.replace(/ \(\d+\)$/, ""))))).toBe(true);
});

test("a hub opens as a group, which opens page by page, splits, and is in the table too", async () => {
  const { page } = now;
  await logIn(page, server.url, `/graph?name=${hub}`);
  await canvas().waitFor();
  await canvas().focus();
  await page.keyboard.press("Enter");
  await button("Undo").waitFor();
  await page.keyboard.press("ArrowLeft");
  const group = region("Group");
  const left = async () => Number(/^[\d,]+/.exec(await title())?.[0].replaceAll(",", ""));
  await group.waitFor();
  const all = await left();
  expect(all).toBeGreaterThan(50);
  await page.keyboard.press("Enter");
  await expect.poll(left).toBe(all - 50);
  await expect.poll(nodes).toBe(51);
  await expectAccessible(page, "a group");
  await page.getByRole("combobox", { name: "Split by" }).or(page.getByLabel("Split by")).first().waitFor();
  await button("Split").click();
  await expect.poll(() => page.getByText("Table", { exact: true }).count()).toBe(1);
  await page.getByText("Table", { exact: true }).click();
  const groups = page.locator("table", { hasText: "In common" });
  await expect.poll(() => groups.locator("tbody tr").count()).toBeGreaterThan(5);
  const key = await groups.locator("tbody tr td:nth-child(3)").first().innerText();
  await groups
    .locator("tbody tr")
    .first()
    .getByRole("button", { name: /^Expand the group/ })
    .click();
  await expect
    .poll(async () => page.locator("table").first().locator(`td[title="${key}"]`).count())
    .toBeGreaterThan(0);
  await expectAccessible(page, "groups as a table");
});

test("the drawing is saved as picture and data", async () => {
  await openProcess();
  const svg = readFileSync(await saved("Picture (SVG)"), "utf8");
  expect(svg).toMatch(/^<svg .*<\/svg>$/s);
  expect(svg.match(/<circle r=/g)?.length).toBe(await nodes());
  expect(svg).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
  const png = readFileSync(await saved("Picture (PNG)"));
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  expect((await exported()).nodes.length).toBe(await nodes());
});

test("the path between two nodes is found and drawn, by keyboard", async () => {
  const { page } = now;
  await openProcess();
  await canvas().focus();
  await page.keyboard.press("p");
  await button("Path from here").waitFor();
  const chain = await nodes();
  for (let i = 0; i < chain; i += 1) await page.keyboard.press("ArrowLeft");
  await button("Path to here").waitFor();
  await page.keyboard.press("p");
  const found = region("Paths in order of time");
  await found.locator("ol").first().waitFor();
  expect(await found.locator("ol").first().locator("li").count()).toBeGreaterThan(2);
  await page.getByText(/\d highlighted/).waitFor();
  await expectAccessible(page, "a path");
});

test("the path between two nodes by mouse", async () => {
  const { page } = now;
  await openProcess();
  await page.getByLabel("Find in the graph").fill("services.exe (");
  await page.keyboard.press("Enter");
  await expect.poll(title).toMatch(/^services\.exe/);
  await button("Path from here").click();
  await page.getByLabel("Find in the graph").fill("");
  await page.getByText("Table", { exact: true }).click();
  await page.locator("table").first().locator("tbody tr").last().getByRole("button").first().click();
  await button("Path to here").click();
  const found = region("Paths in order of time");
  await found.locator("ol li").first().waitFor();
});

test("across hosts by a pipe of the same name, and by a domain", async () => {
  const { page } = now;
  await logIn(page, server.url, `/graph?name=${encodeURIComponent("\\svcctl")}`);
  const choices = page.getByRole("region", { name: "Several nodes have this name" });
  await choices.or(region("Node")).first().waitFor();
  if (await choices.count()) await choices.getByRole("link").first().click();
  const others = region("Same name on other hosts");
  await others.waitFor();
  const hosts = await others.locator("li").count();
  expect(hosts).toBeGreaterThan(0);
  await others
    .getByRole("button", { name: /^Draw that of/ })
    .first()
    .click();
  await expect.poll(nodes).toBe(2);
  const drawn = (await exported()).nodes;
  expect(drawn.every((n) => n.kind === "PIPE")).toBe(true);

  const { terms } = await api.ask<{ terms: { values: { value: string }[] } }>(
    '{ terms(field: "QueryName", first: 1) { values { value } } }',
  );
  await go(page, `/graph?name=${terms.values[0]?.value}`);
  await canvas().waitFor();
  const list = region("Hosts with events of it");
  await list.locator("tbody tr").first().waitFor();
  expect(await list.locator("tbody tr").count()).toBeGreaterThan(1);
  await canvas().focus();
  await page.keyboard.press("Enter");
  await expect.poll(label).not.toMatch(/of 1 nodes and 0 links/);
});

test("an empty graph says why", async () => {
  const { page } = now;
  await logIn(
    page,
    server.url,
    `/graph?host=${host}&from=2001-01-01T00:00:00.000Z&to=2001-01-02T00:00:00.000Z`,
  );
  await page.getByText("There is data, but none in this period.").waitFor();
  await go(page, "/graph?host=nowhere.example");
  await page.getByText("There is no data about this.").waitFor();
  await go(page, "/graph?name=nobody%20knows%20this");
  await page.getByText(/Nothing is called exactly/).waitFor();
  await go(page, `/graph?name=${host}`);
  await region("Several nodes have this name").or(canvas()).first().waitFor();
});

const activity = async () =>
  Number(
    /of ([\d,]+) shown/.exec(await now.page.getByTestId("activity").innerText())?.[1]?.replaceAll(",", ""),
  );

test("the activity of a process is read in order of time, narrowed and shared by its address", async () => {
  const { page } = now;
  await logIn(page, server.url, `/process?guid=${encodeURIComponent(guid)}`);
  const rows = region("Events of the process").locator("tbody tr");
  await rows.first().waitFor();
  const all = await activity();
  const times = await rows.locator("td:first-child").allInnerTexts();
  expect(times).toEqual([...times].sort());
  await page.getByRole("button", { name: /^1 ProcessCreate/ }).click();
  await expect.poll(activity).toBeLessThan(all);
  await page.getByRole("button", { name: "All", exact: true }).click();
  await expect.poll(activity).toBe(all);
  await page.getByLabel("Keyword").fill("pipe");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=pipe/);
  await page.getByLabel("Keyword").fill("wuauxsync");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=wuauxsync/);
  await expect.poll(activity).toBeGreaterThan(0);
  const narrowed = await activity();
  await page.reload();
  await expect.poll(activity).toBe(narrowed);
  await region("Events of the process").focus();
  await page.keyboard.press("ArrowDown");
  await region("Event").locator("tbody tr").first().waitFor();
  await expectAccessible(page, "a process");
});

test("the activity of a process by keyboard alone", async () => {
  const { page } = now;
  await logIn(page, server.url, "/process");
  await page.getByLabel("Open a process by its ProcessGuid").focus();
  await page.keyboard.type(guid);
  await page.keyboard.press("Enter");
  await region("Events of the process").locator("tbody tr").first().waitFor();
  const all = await activity();
  await page.getByRole("button", { name: /^1 ProcessCreate/ }).focus();
  await page.keyboard.press("Enter");
  await expect.poll(activity).toBeLessThan(all);
  await page.keyboard.press("Enter");
  await expect.poll(activity).toBe(all);
  await region("Events of the process").focus();
  await page.keyboard.press("ArrowDown");
  await region("Event").locator("tbody tr").first().waitFor();
  await region("Chain of processes").getByRole("link").first().focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => region("Chain of processes").getByRole("link").count()).toBe(0);
});

test("two processes are compared, by mouse", async () => {
  const { page } = now;
  const address = `/process?guid=${encodeURIComponent(guid)}&with=${encodeURIComponent(other)}`;
  await logIn(page, server.url, address);
  const both = region("Comparison");
  await both.locator("tr.differs").first().waitFor();
  const shown = async () => (await both.getByRole("status").innerText()).match(/[\d,]+/g) ?? [];
  await both.locator("table").nth(2).waitFor();
  const [different, all] = await shown();
  await both.getByText("All", { exact: true }).click();
  await expect.poll(shown).toEqual([all, all]);
  await both.getByText("Differences", { exact: true }).click();
  await expect.poll(shown).toEqual([different, all]);
  const outline = await both.ariaSnapshot();
  for (const part of ['region "Comparison"', 'columnheader "Fact"', 'columnheader "This process"'])
    expect(outline).toContain(part);
  await button("Stop comparing").click();
  await region("Events of the process").waitFor();
});

test("two processes are compared", async () => {
  const { page } = now;
  await logIn(page, server.url, `/process?guid=${encodeURIComponent(guid)}`);
  await page.getByLabel("Compare with", { exact: true }).fill(other);
  await page.keyboard.press("Enter");
  const both = region("Comparison");
  await both.locator("tr.differs", { hasText: "processGuid" }).waitFor();
  await both.getByText("In common", { exact: true }).click();
  await both.locator("table").last().locator("tbody tr").first().waitFor();
  await expectAccessible(page, "two processes");
  await button("Stop comparing").click();
  await region("Events of the process").waitFor();
});

test.each([
  ["en", "dark"],
  ["en", "light"],
  ["ja", "dark"],
  ["ja", "light"],
] as const)(
  "a graph and a process are accessible in %s, %s, down to half a screen",
  async (language, scheme) => {
    await now.context.close();
    await look({ language, scheme });
    const { page } = now;
    await page.setViewportSize({ width: 960, height: 1000 });
    await logIn(page, server.url, `/graph?name=${encodeURIComponent(guid)}`);
    await canvas().focus();
    await page.keyboard.press("Enter");
    await page.locator(".side dl.facts").waitFor();
    await expectAccessible(page, "graph");
    await page.keyboard.press("t");
    await page.locator("table").first().waitFor();
    await expectAccessible(page, "graph as a table");
    await go(page, `/graph?name=${hub}`);
    await canvas().focus();
    await page.keyboard.press("Enter");
    await page.locator(".side .stack").waitFor();
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => page.locator(".side").getByRole("status").count()).toBeGreaterThan(0);
    await expectAccessible(page, "a group");
    await go(page, `/process?guid=${encodeURIComponent(guid)}`);
    await page.locator(".activity tbody tr").first().waitFor();
    await expectAccessible(page, "process");
    await go(page, `/process?guid=${encodeURIComponent(guid)}&with=${encodeURIComponent(other)}`);
    await page.locator("tr.differs").first().waitFor();
    await expectAccessible(page, "two processes");
    const wide = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(wide).toBe(0);
  },
);

test("the structure of the graph and of a process as a reader of the screen meets it", async () => {
  const { page } = now;
  await openProcess();
  const tools = await page.getByRole("toolbar").ariaSnapshot();
  for (const part of [
    'toolbar "Tools of the graph"',
    'radiogroup "Layout"',
    'radio "Tree" [checked]',
    'button "Undo" [disabled]',
    'button "Export"',
  ])
    expect(tools).toContain(part);
  const node = await region("Node").ariaSnapshot();
  for (const part of [
    'region "Node"',
    'heading "Neighbours" [level=2]',
    'heading "Properties" [level=2]',
    'link "Process"',
  ])
    expect(node).toContain(part);
  await go(page, `/process?guid=${encodeURIComponent(guid)}`);
  await page.locator(".activity tbody tr").first().waitFor();
  const main = await page.getByRole("main").ariaSnapshot();
  for (const part of [
    'heading "Process" [level=1]',
    'region "Chain of processes"',
    'region "Events of the process"',
    'columnheader "Time (UTC)"',
    'region "Facts"',
  ])
    expect(main).toContain(part);
});

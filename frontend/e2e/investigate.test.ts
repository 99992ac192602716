import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { en } from "../src/i18n/en";
import { ja } from "../src/i18n/ja";
import { closeAtEnd, expectAccessible, go, logIn } from "./browser";
import { type Api, data, isThere, openApi } from "./data";
import { tabTo } from "./keys";
import { startServer } from "./server";
import { button, canvas, look, now, region, server, stage } from "./stage";

/** The work of the graph and of the page of a process on real logs: by mouse, and by keyboard alone, in both languages. */
const LOGS = "evtx/sbousseaden";
const FILES = [
  "Credential_Access/babyshark_mimikatz_powershell.evtx",
  "Lateral_Movement/LM_impacket_docmexec_mmc_sysmon_01.evtx",
].map((f) => `${LOGS}/${f}`);
const LANGUAGES = [
  ["en", en],
  ["ja", ja],
] as const;

let api: Api;

interface Known {
  label: string;
  guid: string;
  host: string;
  parent: { label: string; guid: string };
}
/** A process with a parent, more than one kind of event and another start of the same image; and that start. */
let known: Known;
let other = "";

interface Found {
  events: {
    nodes: {
      host: string;
      image: string;
      process: {
        label: string;
        properties: { name: string; value: string }[];
        lineage: { ancestors: { node: { label: string; properties: { name: string; value: string }[] } }[] };
      } | null;
    }[];
  };
}
const guidOf = (of: { properties: { name: string; value: string }[] } | null | undefined) =>
  of?.properties.find((p) => p.name === "processGuid")?.value ?? "";
const plain = (guid: string) => guid.replace(/[{}]/g, "").toLowerCase();

/** Events that name a process, of one code or all, by the event store. */
async function activity(guid: string, code?: string): Promise<number> {
  const fields = ["ProcessGuid", "SourceProcessGuid", "TargetProcessGuid", "ParentProcessGuid"];
  const parts = { or: fields.map((field) => ({ match: { field, values: [guid] } })) };
  const condition = code ? { and: [parts, { match: { field: "EventID", values: [code] } }] } : parts;
  const { events } = await api.ask<{ events: { total: { value: number } } }>(
    "query ($c: ConditionInput) { events(condition: $c, first: 1) { total { value } } }",
    { c: condition },
  );
  return events.total.value;
}

stage(() => startServer("serve"), isThere);
beforeAll(async () => {
  if (!isThere) return;
  api = await openApi(server.url);
  for (const file of FILES) await api.load(file.split("/").at(-1) ?? file, readFileSync(`${data}/${file}`));
  const { events } = await api.ask<Found>(
    `{ events(first: 100, condition: { match: { field: "EventID", values: ["1"] } }) { nodes {
      host image: field(name: "Image")
      process { label properties { name value } lineage(maxDescendants: 1) { ancestors { node { label properties { name value } } } } }
    } } }`,
  );
  for (const { host, image, process } of events.nodes) {
    const parent = process?.lineage.ancestors[1]?.node ?? process?.lineage.ancestors[0]?.node;
    const guid = guidOf(process);
    const same = events.nodes.find((e) => e.image === image && guidOf(e.process) !== guid);
    if (!process || !parent || !same || plain(guidOf(parent)) === plain(guid) || !guidOf(parent)) continue;
    if ((await activity(guid)) === (await activity(guid, "1"))) continue;
    known = { label: process.label, guid, host, parent: { label: parent.label, guid: guidOf(parent) } };
    other = guidOf(same.process);
    break;
  }
  expect(known, "a process to look at").toBeTruthy();
});

const nodes = async () => Number(/\d+/.exec((await canvas().getAttribute("aria-label")) ?? "")?.[0]);
const side = () => now.page.locator(".side h2").first().innerText();
const exactly = (text: string) => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`);
/** In the dark and in the light. */
async function accessible(what: string) {
  for (const colorScheme of ["light", "dark"] as const) {
    await now.page.emulateMedia({ colorScheme });
    await now.page.locator(`:root[data-mantine-color-scheme=${colorScheme}]`).waitFor();
    await expectAccessible(now.page, `${what}, ${colorScheme}`);
  }
}

describe.skipIf(!isThere).each(LANGUAGES)("in %s", (language, t) => {
  const begin = async (path: string, onTestFinished: (end: () => Promise<void>) => void) => {
    await look({ language });
    closeAtEnd(onTestFinished, () => now);
    await logIn(now.page, server.url, path);
    return now.page;
  };
  const rows = () => region(t.process.rows).locator("tbody tr");
  const shown = async () =>
    (await now.page.getByTestId("activity").innerText()).match(/[\d,]+/g)?.map((n) => n.replaceAll(",", ""));
  const expectAll = async (code?: string) => {
    const all = String(await activity(known.guid, code));
    await expect.poll(async () => (await shown())?.includes(all)).toBe(true);
    await expect.poll(() => rows().count()).toBe(Math.min(Number(all), await rows().count()));
  };

  test("the graph by mouse: from a host to what one of its processes touched", async ({ onTestFinished }) => {
    const page = await begin("/graph", onTestFinished);
    await region(t.starts.hosts).getByRole("link", { name: known.host, exact: true }).click();
    await canvas().waitFor();
    await accessible("the tree of a host");
    await page.getByText(t.graph.asTable, { exact: true }).click();
    const table = region(t.graph.table);
    await table.getByRole("button", { name: known.label, exact: true }).first().click();
    await expect.poll(side).toBe(known.label);
    await page.getByText(t.graph.asGraph, { exact: true }).last().click();
    const before = await nodes();
    await button(t.graph.expandAll).click();
    await expect.poll(nodes).toBeGreaterThan(before);
    await page.getByText(t.graph.layouts.time, { exact: true }).click();
    await accessible("an expanded graph");
    await button(t.graph.undo).click();
    await button(t.graph.undo).click();
    await expect.poll(nodes).toBe(before);
    await button(t.graph.redo).click();
    await expect.poll(nodes).toBeGreaterThan(before);
    const box = await canvas().boundingBox();
    if (!box) throw new Error("the drawing has no size");
    // The node chosen is brought into the middle, where it is clicked and put away.
    await page.getByLabel(t.graph.find).fill(known.label);
    await page.keyboard.press("Enter");
    await page.mouse.click(box.x + box.width / 2, box.y + (box.height + 0) / 2);
    await button(t.graph.collapse).click();
    await expect.poll(nodes).toBeLessThanOrEqual(before);
    await region(t.graph.details).getByRole("link", { name: t.graph.process, exact: true }).click();
    await rows().first().waitFor();
  });

  test("the graph by keyboard alone: from a name to its parent and all that it touched", async ({
    onTestFinished,
  }) => {
    const page = await begin("/graph", onTestFinished);
    await tabTo(page, exactly(t.graph.openName));
    await page.keyboard.type(known.guid);
    await page.keyboard.press("Enter");
    await canvas().waitFor();
    const drawing = exactly(t.graph.canvas.split("{{")[0] || "ノード");
    await tabTo(page, drawing);
    await expect.poll(side).toBe(known.label);
    await page.keyboard.press("ArrowLeft");
    await expect.poll(side).toBe(known.parent.label);
    await page.keyboard.press("ArrowRight");
    await expect.poll(side).not.toBe(known.parent.label);
    const before = await nodes();
    await page.keyboard.press("e");
    await expect.poll(nodes).toBeGreaterThan(before);
    const many = await nodes();
    await page.keyboard.press("z");
    await expect.poll(nodes).toBe(before);
    await page.keyboard.press("y");
    await expect.poll(nodes).toBe(many);
    await page.keyboard.press("t");
    const table = region(t.graph.table);
    await table.waitFor();
    await accessible("a graph as a table");
    await tabTo(page, exactly(known.parent.label));
    await page.keyboard.press("Enter");
    await expect.poll(side).toBe(known.parent.label);
    await tabTo(page, exactly(t.graph.closeDetails));
    await tabTo(page, exactly(t.graph.process));
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/process\?guid=/);
    await page.getByRole("heading", { level: 1, name: t.pages.process }).waitFor();
  });

  test("a process by mouse: narrowed, an event, its chain, another one of its image", async ({
    onTestFinished,
  }) => {
    const page = await begin("/process", onTestFinished);
    await page.getByLabel(t.process.open).fill(known.guid);
    await page.keyboard.press("Enter");
    await rows().first().waitFor();
    await expectAll();
    await button(/^1 ProcessCreate/).click();
    await expectAll("1");
    await rows().first().click();
    await region(t.event.name).locator("tbody tr").first().waitFor();
    await accessible("an event of a process");
    await button(t.event.close).click();
    await button(t.process.allCodes).click();
    await expectAll();
    await region(t.process.others).getByRole("link", { name: t.process.compare }).first().click();
    const both = region(t.process.comparison);
    await both.locator("tr.differs", { hasText: "processGuid" }).waitFor();
    await both.getByText(t.process.shared, { exact: true }).click();
    await accessible("two processes");
    await button(t.process.stopCompare).click();
    await region(t.process.chain).getByRole("link").last().click();
    await page.waitForURL((url) => plain(url.searchParams.get("guid") ?? "") !== plain(known.guid));
  });

  test("a process by keyboard alone: narrowed, walked through, compared", async ({ onTestFinished }) => {
    const page = await begin("/process", onTestFinished);
    await tabTo(page, exactly(t.process.open));
    await page.keyboard.type(known.guid);
    await page.keyboard.press("Enter");
    await rows().first().waitFor();
    await expectAll();
    await tabTo(page, /^1 ProcessCreate/);
    await page.keyboard.press("Space");
    await expectAll("1");
    await tabTo(page, exactly(t.process.allCodes), "Shift+Tab");
    await page.keyboard.press("Enter");
    await expectAll();
    await tabTo(page, exactly(t.process.rows));
    const event = () => new URL(page.url()).searchParams.get("event");
    const walked = new Set<string | null>();
    for (const key of ["ArrowDown", "ArrowDown", "PageDown", "ArrowUp"]) {
      const last = event();
      await page.keyboard.press(key);
      await expect.poll(event, { message: key }).not.toBe(last);
      walked.add(event());
    }
    expect(walked.size).toBeGreaterThan(2);
    await region(t.event.name).locator("tbody tr").first().waitFor();
    await tabTo(page, exactly(t.event.close));
    await page.keyboard.press("Enter");
    await region(t.process.others).getByRole("link").first().waitFor();
    await tabTo(page, exactly(t.process.compareWith));
    await page.keyboard.type(other);
    await page.keyboard.press("Enter");
    const both = region(t.process.comparison);
    await both.locator("tr.differs", { hasText: "processGuid" }).waitFor();
    await tabTo(page, exactly(t.process.differences));
    await page.keyboard.press("ArrowRight");
    await expect
      .poll(() => both.getByRole("radio", { checked: true }).evaluate((r) => (r as HTMLInputElement).value))
      .toBe("shared");
    await tabTo(page, exactly(t.process.stopCompare), "Shift+Tab");
    await page.keyboard.press("Enter");
    await rows().first().waitFor();
    await go(page, "/process");
  });
});

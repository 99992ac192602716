import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { expectAccessible, go, logIn } from "./browser";
import { type Api, data, isThere, openApi } from "./data";
import { tabTo } from "./keys";
import { startServer } from "./server";
import { canvas, freshWindows, now, server, stage } from "./stage";

/** From a clue to the whole story, on real logs of two intrusions. */
const LOGS = [
  "lateral_movement__empire_psexec_dcerpc_tcp_svcctl.json.zst",
  "lateral_movement__covenant_psremoting_grunt.json.zst",
];
const RULE = `title: PowerShell with an encoded command
id: 5d0b54a4-5c3a-4c39-9e5e-0f0f7a3c2b11
status: test
level: high
logsource: { category: process_creation, product: windows }
detection:
  selection:
    Image|endswith: \\powershell.exe
    CommandLine|contains: ' -enc '
  condition: selection
`;

let api: Api;

stage(() => startServer("serve"), isThere);
beforeAll(async () => {
  if (!isThere) return;
  api = await openApi(server.url);
  await api.ask("mutation ($y: String!) { importRules(input: { yaml: $y }) { read } }", { y: RULE });
  for (const log of LOGS) await api.load(log, new Uint8Array(readFileSync(`${data}/json-nxlog-flat/${log}`)));
}, 300_000);
freshWindows();

interface Terms {
  terms: { values: { value: string; count: number }[]; distinct: number };
}
interface Exported {
  nodes: {
    kind: string;
    label: string;
    host: string | null;
    properties: { name: string; value: string }[];
  }[];
  edges: { type: string }[];
}

/** Values of a field in the events that match: what the event store says, which knows nothing of the graph. */
async function values(field: string, condition: object): Promise<string[]> {
  const query =
    "query ($f: String!, $c: ConditionInput) { terms(field: $f, condition: $c, first: 500) { values { value count } distinct } }";
  const { terms } = await api.ask<Terms>(query, { f: field, c: condition });
  expect(terms.values.length).toBe(terms.distinct);
  return terms.values.map((v) => v.value).sort();
}
const is = (field: string, value: string) => ({ match: { field, values: [value] } });

/** What is drawn, as another program gets it. */
async function exported(page: Page): Promise<Exported> {
  await page.getByRole("button", { name: "Export" }).click();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("menuitem", { name: "Data (JSON)" }).click(),
  ]);
  return JSON.parse(readFileSync(await file.path(), "utf8")) as Exported;
}
const details = () => now.page.getByRole("region", { name: "Node" });
const property = (node: Exported["nodes"][number], name: string) =>
  node.properties.find((p) => p.name === name)?.value ?? "";

/** A value of a field that is on the most hosts, but has few events. */
async function onManyHosts(field: string, most: number): Promise<[string, string[]]> {
  const query = "query ($f: String!) { terms(field: $f, first: 100) { values { value count } distinct } }";
  const { terms } = await api.ask<Terms>(query, { f: field });
  let best: [string, string[]] = ["", []];
  for (const { value, count } of terms.values) {
    if (count > most) continue;
    const hosts = await values("Computer", is(field, value));
    if (hosts.length > best[1].length) best = [value, hosts];
  }
  expect(best[1].length).toBeGreaterThan(1);
  return best;
}

test.skipIf(!isThere)("from a hash to all hosts that have it", async () => {
  const { page } = now;
  const [hash, hosts] = await onManyHosts("SHA256", 40);
  await logIn(page, server.url, "/graph");
  await page.getByLabel("Open a node by its exact name").fill(hash.toUpperCase());
  await page.keyboard.press("Enter");
  await canvas().waitFor();
  const list = page.getByRole("region", { name: "Hosts with events of it" });
  await expect
    .poll(async () => (await list.locator("tbody td:first-child").allInnerTexts()).sort())
    .toEqual(hosts);
  await details()
    .getByRole("button", { name: /^Expand: / })
    .first()
    .click();
  // The files that hold it, each on its host.
  await expect
    .poll(
      async () => new Set((await exported(page)).nodes.filter((n) => n.kind === "FILE").map((n) => n.host)),
    )
    .toEqual(new Set(hosts));
  await expectAccessible(page, "a hash on several hosts");
});

test.skipIf(!isThere)("from a hash to all hosts that have it, by keyboard alone", async () => {
  const { page } = now;
  const [hash, hosts] = await onManyHosts("SHA256", 40);
  await logIn(page, server.url, "/graph");
  await page.getByLabel("Open a node by its exact name").focus();
  await page.keyboard.type(hash);
  await page.keyboard.press("Enter");
  await canvas().focus();
  await page.keyboard.press("e");
  await expect.poll(() => canvas().getAttribute("aria-label")).not.toMatch(/of 1 nodes/);
  await page.keyboard.press("t");
  const table = page.getByRole("region", { name: "The graph as a table" });
  await table.waitFor();
  const rows = table.locator("table").first().locator("tbody tr", { hasText: "File" });
  const drawn = await rows.locator("td:nth-child(3)").allInnerTexts();
  expect([...new Set(drawn)].sort()).toEqual(hosts);
});

const services = /^services\.exe/;

test.skipIf(!isThere)(
  "from an alert to the first process of the chain and everything it touched",
  async () => {
    const { page } = now;
    await logIn(page, server.url, "/alerts");
    await page
      .getByRole("link", { name: /Open the process as a graph: PowerShell with/ })
      .first()
      .click();
    await canvas().waitFor();
    const title = () => details().getByRole("heading", { level: 2 }).first().innerText();
    await expect.poll(title).toMatch(/^powershell\.exe/);
    // The chain is drawn up to its first process.
    await expect
      .poll(async () => (await exported(page)).nodes.some((n) => services.test(n.label)))
      .toBe(true);
    await page.getByText("Table", { exact: true }).click();
    await page.getByRole("button", { name: services }).first().click();
    await expect.poll(title).toMatch(services);
    await details().getByRole("button", { name: "Expand all" }).click();
    const first = () => exported(page).then((e) => e.nodes.find((n) => services.test(n.label)));
    const guid = property((await first()) as Exported["nodes"][number], "processGuid");
    const started = await values("ProcessGuid", is("ParentProcessGuid", guid));
    await page.getByText("Graph", { exact: true }).last().click();
    await expect
      .poll(async () => {
        const drawn = (await exported(page)).nodes.filter((n) => n.kind === "PROCESS");
        const guids = drawn.map((n) => property(n, "processGuid").replace(/[{}]/g, "").toLowerCase());
        return started.filter((g) => !guids.includes(g.replace(/[{}]/g, "").toLowerCase()));
      })
      .toEqual([]);
    // And all of it, one after the other.
    await details().getByRole("link", { name: "Process" }).click();
    await page.getByRole("heading", { name: "Process", exact: true }).waitFor();
    const parts = ["ProcessGuid", "SourceProcessGuid", "TargetProcessGuid", "ParentProcessGuid"];
    const { events } = await api.ask<{ events: { total: { value: number } } }>(
      "query ($c: ConditionInput) { events(condition: $c, first: 1) { total { value } } }",
      { c: { or: parts.map((field) => is(field, guid)) } },
    );
    await expect
      .poll(async () => page.getByTestId("activity").innerText())
      .toContain(`of ${events.total.value.toLocaleString("en")} shown`);
  },
);

test.skipIf(!isThere)(
  "from an alert to the first process of the chain and everything it touched, by keyboard alone",
  async () => {
    const { page } = now;
    await logIn(page, server.url, "/alerts");
    await page
      .getByRole("link", { name: /Open the process as a graph: PowerShell with/ })
      .first()
      .waitFor();
    await tabTo(page, /^Open the process as a graph: PowerShell with/);
    await page.keyboard.press("Enter");
    await canvas().waitFor();
    await tabTo(page, /^Graph of/);
    const title = () => details().getByRole("heading", { level: 2 }).first().innerText();
    await expect.poll(title).toMatch(/^powershell\.exe/);
    for (const expected of [/^cmd\.exe/, services]) {
      await page.keyboard.press("ArrowLeft");
      await expect.poll(title).toMatch(expected);
    }
    const before = await canvas().getAttribute("aria-label");
    await page.keyboard.press("Enter");
    await expect.poll(() => canvas().getAttribute("aria-label")).not.toBe(before);
    await page.keyboard.press("z");
    await expect.poll(() => canvas().getAttribute("aria-label")).toBe(before);
    // Everything that it touched: what it started is drawn, and all of it is listed in order of time.
    await page.keyboard.press("e");
    await expect.poll(() => canvas().getAttribute("aria-label")).not.toBe(before);
    await page.keyboard.press("t");
    const table = page.getByRole("region", { name: "The graph as a table" });
    await table.waitFor();
    const relations = table.locator("table").last().locator("tbody tr", { hasText: "started" });
    const drawn = await relations.locator("td:nth-child(1)").allInnerTexts();
    await tabTo(page, /^Close the details$/);
    await tabTo(page, /^Process$/);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/process\?guid=/);
    const guid = new URL(page.url()).searchParams.get("guid") ?? "";
    const started = await values("ProcessGuid", is("ParentProcessGuid", guid));
    expect(drawn.filter((from) => services.test(from)).length).toBe(started.length);
    const parts = ["ProcessGuid", "SourceProcessGuid", "TargetProcessGuid", "ParentProcessGuid"];
    const { events } = await api.ask<{ events: { total: { value: number } } }>(
      "query ($c: ConditionInput) { events(condition: $c, first: 1) { total { value } } }",
      { c: { or: parts.map((field) => is(field, guid)) } },
    );
    await expect
      .poll(async () => page.getByTestId("activity").innerText())
      .toContain(`of ${events.total.value.toLocaleString("en")} shown`);
    await tabTo(page, /^Events of the process$/);
    const row = page
      .getByRole("region", { name: "Events of the process" })
      .locator('tr[aria-selected="true"]');
    await page.keyboard.press("ArrowDown");
    await row.waitFor();
    const first = await row.getAttribute("aria-rowindex");
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => row.getAttribute("aria-rowindex")).not.toBe(first);
    await page.getByRole("region", { name: "Event", exact: true }).locator("tbody tr").first().waitFor();
  },
);

/** Processes that talked to an address, by the events: whichever side began. */
async function talkedTo(address: string): Promise<string[]> {
  const side = (initiated: string, field: string) => ({
    and: [is("EventID", "3"), is("Initiated", initiated), is(field, address)],
  });
  const all = await values("ProcessGuid", {
    or: [side("true", "DestinationIp"), side("false", "SourceIp")],
  });
  return all.map((g) => g.replace(/[{}]/g, "").toLowerCase()).sort();
}

test.skipIf(!isThere)("from an address to every process that talked to it on any host", async () => {
  const { page } = now;
  const [address] = await onManyHosts("DestinationIp", 60);
  const expected = await talkedTo(address);
  await logIn(page, server.url, "/graph");
  await page.getByLabel("Open a node by its exact name").fill(address);
  await page.keyboard.press("Enter");
  await canvas().waitFor();
  for (const name of ["connected to", "accepted from"]) {
    const expand = details().getByRole("button", { name: new RegExp(`^Expand: ${name}`) });
    await details().getByRole("heading", { name: "Neighbours" }).waitFor();
    if (await expand.count()) await expand.click();
  }
  const drawn = async () => {
    const { nodes } = await exported(page);
    const processes = nodes.filter((n) => n.kind === "PROCESS");
    return processes.map((n) => property(n, "processGuid").replace(/[{}]/g, "").toLowerCase()).sort();
  };
  await expect.poll(drawn).toEqual(expected);
  // The events behind one of the links are told by the event store.
  await page.getByText("Table", { exact: true }).click();
  const table = page.getByRole("region", { name: "The graph as a table" });
  await table.locator("table").last().locator("tbody button").first().click();
  const link = page.getByRole("region", { name: "Link", exact: true });
  await link.locator("li").first().waitFor();
  await link.getByRole("link", { name: "Search" }).click();
  await page.waitForURL(/\/search\?q=/);
  await go(page, "/graph?name=no-such-thing.example");
  await page.getByText(/Nothing is called exactly/).waitFor();
});

test.skipIf(!isThere)("from an address to every process that talked to it, by keyboard alone", async () => {
  const { page } = now;
  const [address] = await onManyHosts("DestinationIp", 60);
  const expected = await talkedTo(address);
  await logIn(page, server.url, "/graph");
  await page.getByLabel("Open a node by its exact name").focus();
  await page.keyboard.type(address);
  await page.keyboard.press("Enter");
  await canvas().focus();
  const drawn = async () =>
    Number(
      /of ([\d,]+) nodes/.exec((await canvas().getAttribute("aria-label")) ?? "")?.[1]?.replaceAll(",", ""),
    );
  await page.keyboard.press("e");
  await expect.poll(drawn).toBeGreaterThan(expected.length);
  await page.keyboard.press("t");
  const table = page.getByRole("region", { name: "The graph as a table" });
  await table.waitFor();
  const kinds = await table.locator("table").first().locator("tbody tr td:nth-child(1)").allInnerTexts();
  expect(kinds.filter((kind) => /^Process\b/.test(kind.trim())).length).toBe(expected.length);
  // From the first of them to all that it did.
  const first = table.locator("table").first().locator("tbody tr", { hasText: "Process" }).first();
  await first.getByRole("button").first().focus();
  await page.keyboard.press("Enter");
  await details().getByRole("link", { name: "Process" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Events of the process" }).locator("tbody tr").first().waitFor();
});

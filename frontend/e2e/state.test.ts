import type { Page, Route } from "playwright-core";
import { expect, test } from "vitest";
import { expectAccessible, go, logIn, tabTo } from "./browser";
import { record, serverWith } from "./data";
import { button, freshWindows, look, now, param, region, rows, server, stage } from "./stage";

/** What the pages of the hunt say while they wait, when they cannot, and after one has come back to them. */
const HOST = "ws01.example";
const QUIET = "ws09.example";
const guid = (n: number) => `{abababab-0000-0000-0000-${n.toString(16).padStart(12, "0")}}`;
let records = 0;
const event = (host: string, day: string, code: number, data: object) => {
  records += 1;
  const time = `${day} 10:00:${String(records % 60).padStart(2, "0")}.000`;
  return record(host, time, code, { RecordNumber: records, ...data });
};
const APP = "C:\\Windows\\app.exe";
const connect = (host: string, day: string, port: number) =>
  event(host, day, 3, {
    ProcessGuid: guid(1),
    Image: APP,
    Protocol: "tcp",
    DestinationIp: "203.0.113.9",
    DestinationPort: port,
  });
const EVENTS = [
  event(HOST, "2026-01-05", 1, { ProcessGuid: guid(1), ProcessId: 1, Image: APP, CommandLine: APP }),
  ...Array.from({ length: 4 }, () => connect(HOST, "2026-01-05", 443)),
  connect(HOST, "2026-01-05", 80),
  event(HOST, "2026-01-05", 16, { Configuration: "a.xml", ConfigurationFileHash: "SHA256=AA" }),
  event(HOST, "2026-01-05", 16, { Configuration: "b.xml", ConfigurationFileHash: "SHA256=BB" }),
  connect(QUIET, "2026-01-04", 443),
  // Just now, so that the last days are those of one host.
  record(HOST, new Date(Date.now() - 60_000).toISOString().replace("T", " ").replace("Z", ""), 3, {
    RecordNumber: 999,
    ProcessGuid: guid(1),
    Image: APP,
    DestinationIp: "203.0.113.9",
    DestinationPort: 8443,
  }),
];

stage(() => serverWith(EVENTS));
freshWindows();

const total = () => now.page.getByTestId("total").innerText();
const operation = (route: Route) => /(?:query|mutation) (\w+)/.exec(route.request().postData() ?? "")?.[1];
/** Intercepts what is asked under one name; all else goes its way. */
const on = (page: Page, name: string, act: (route: Route) => Promise<void> | void) =>
  page.route("**/graphql", (route) => (operation(route) === name ? act(route) : route.fallback()));
const refuse = (route: Route) =>
  route.fulfill({
    json: { data: null, errors: [{ message: "no", extensions: { code: "UNAVAILABLE" } }] },
  });

test.each([
  ["en", /^The search cannot be read\. Expected at character 9/],
  ["ja", /^検索を読み取れません。9 文字目/],
] as const)("a search that cannot be read is not taken for all events, %s", async (language, said) => {
  await now.context.close();
  await look({ language });
  const { page } = now;
  const asked: string[] = [];
  await page.route("**/graphql", (route) => {
    asked.push(operation(route) ?? "");
    return route.fallback();
  });
  await logIn(page, server.url, "/search?facets=Image&q=port%20%3D%20(");
  await page.getByText(said).first().waitFor();
  const tools = page.locator(".bar-tools");
  const name = (english: string, japanese: string) => (language === "ja" ? japanese : english);
  for (const tool of [name("Export", "エクスポート"), name("Make a rule", "ルールを作成")])
    expect(await tools.getByRole("button", { name: tool }).isDisabled()).toBe(true);
  await tools.getByRole("button", { name: name("Saved", "保存済み") }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(said).waitFor();
  await dialog.getByRole("textbox").fill("All of it");
  expect(await dialog.getByRole("button", { name: name("Save", "保存"), exact: true }).isDisabled()).toBe(
    true,
  );
  await expectAccessible(page, "a search that cannot be read");
  await page.keyboard.press("Escape");
  expect(await page.getByText(name("No event matches", "一致するイベントはありません")).count()).toBe(0);
  await go(page, "/statistics?q=port%20%3D%20(");
  await page.getByRole("alert").filter({ hasText: said }).waitFor();
  expect(asked.filter((a) => ["Events", "Summary", "Terms", "Values"].includes(a))).toEqual([]);
});

test("what was found before does not stand under a search that cannot be read", async () => {
  const { page } = now;
  await logIn(page, server.url, "/search?q=port%20%3D%20(");
  await page
    .getByText(/^The search cannot be read/)
    .first()
    .waitFor();
  await page.getByLabel("The search as text").fill('port = "80"');
  await page.keyboard.press("Enter");
  await expect.poll(() => rows().count()).toBe(1);
  await page.goBack();
  await page
    .getByText(/^The search cannot be read/)
    .first()
    .waitFor();
  await expect.poll(() => rows().count()).toBe(0);
  expect(await page.getByTestId("total").count()).toBe(0);
});

test("the form is cleared, also where the address is empty already", async () => {
  const { page } = now;
  await logIn(page, server.url, "/search");
  await rows().first().waitFor();
  await page.getByLabel("Value", { exact: true }).fill("never");
  await expect
    .poll(() => page.getByLabel("The search as text").inputValue())
    .toBe('process contains "never"');
  await button("Clear").click();
  expect(await page.getByLabel("The search as text").inputValue()).toBe("");
  expect(await page.getByLabel("Value", { exact: true }).inputValue()).toBe("");
  await page.getByLabel("The search as text").fill("port (");
  await button("Clear").click();
  expect(await page.getByLabel("The search as text").inputValue()).toBe("");
  expect(await button("Search").isEnabled()).toBe(true);
});

test("events of a category: neither none while its codes are awaited, nor when they do not come", async () => {
  const { page } = now;
  let release: (() => void) | undefined;
  await on(page, "EventCodes", async (route) => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return refuse(route);
  });
  await logIn(page, server.url, `/hosts?host=${HOST}&tab=events&category=network`);
  const list = region("Event list");
  await list.getByText("Loading").waitFor();
  expect(await list.getByText(/No event matches/).count()).toBe(0);
  await expect.poll(() => release).toBeDefined();
  release?.();
  await list.getByRole("alert").waitFor();
  await page.unroute("**/graphql");
  await list.getByRole("button", { name: "Try again" }).click();
  await expect.poll(() => rows().count()).toBe(6);
});

test("saved searches that do not come can be asked for again; a filter is not an empty list", async () => {
  const { page } = now;
  await on(page, "SavedSearches", refuse);
  await logIn(page, server.url, "/search?last=12h");
  await button("Saved").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("alert").waitFor();
  await page.unroute("**/graphql");
  await dialog.getByRole("button", { name: "Try again" }).click();
  await dialog.getByText("No search has been saved yet.").waitFor();
  for (let i = 0; i < 7; i += 1) {
    await page.getByLabel("Save this search as").fill(`Search ${i}`);
    await page.keyboard.press("Enter");
    await dialog.getByRole("link", { name: `Search ${i}` }).waitFor();
  }
  await dialog.getByText("· 12 h").first().waitFor();
  await page.getByLabel("Find a saved search").fill("nothing like it");
  await dialog.getByText("No saved search fits.").waitFor();
});

test("numbers of the search before are marked as old until the new ones come", async () => {
  const { page } = now;
  await logIn(page, server.url, "/search?facets=Image");
  await expect.poll(total).toBe("10");
  await expect.poll(() => region("Image").locator("li").count()).toBe(1);
  const waiting: (() => void)[] = [];
  await page.route("**/graphql", async (route) => {
    if (/^(Summary|Terms|RuleHits)$/.test(operation(route) ?? ""))
      await new Promise<void>((resolve) => waiting.push(resolve));
    await route.fallback();
  });
  await page.getByLabel("The search as text").fill('port = "80"');
  await page.keyboard.press("Enter");
  await expect.poll(() => rows().count()).toBe(1);
  for (const name of ["Summary", "Image"])
    expect([name, await region(name).getAttribute("aria-busy")]).toEqual([name, "true"]);
  for (const go of waiting.splice(0)) go();
  await expect.poll(total).toBe("1");
  await expect
    .poll(async () => {
      for (const go of waiting.splice(0)) go();
      return page.locator("[aria-busy=true]").count();
    })
    .toBe(0);
  await page.unroute("**/graphql");
  await go(page, `/hosts?host=${HOST}`);
  await region(HOST).getByRole("table").first().waitFor();
  const held: (() => void)[] = [];
  await on(page, "HostTimeline", async (route) => {
    await new Promise<void>((resolve) => held.push(resolve));
    await route.fallback();
  });
  await page.getByRole("button", { name: "24 h", exact: true }).click();
  await expect.poll(() => region(HOST).getAttribute("aria-busy")).toBe("true");
  await expect.poll(() => held.length).toBeGreaterThan(0);
  for (const go of held) go();
  await expect.poll(() => region(HOST).getAttribute("aria-busy")).toBe("false");
});

test("what is new in the last 24 hours is compared with all before them, however long the page was open", async () => {
  const { page } = now;
  const asked: { period?: { from: string }; baseline?: { period: { to: string } } }[] = [];
  await on(page, "Values", (route) => {
    asked.push(JSON.parse(route.request().postData() ?? "{}").variables);
    return route.fallback();
  });
  await logIn(page, server.url, "/statistics?view=new&only=ports");
  await page.getByText(/^Choose a period with a beginning/).waitFor();
  await page.waitForTimeout(1_500);
  await page.getByRole("button", { name: "24 h", exact: true }).click();
  await region("Destination ports").getByRole("link", { name: "8443" }).waitFor();
  for (const { period, baseline } of asked) expect(baseline?.period.to).toBe(period?.from);
  expect(asked.length).toBeGreaterThan(0);
});

test("silent hosts are found whatever the period, and changes of the configuration counted", async () => {
  const { page } = now;
  await logIn(page, server.url, "/hosts?last=24h");
  const names = page.locator("table.hosts tbody button.plain");
  await expect.poll(() => names.allInnerTexts()).toEqual([HOST]);
  await page.getByLabel("Silent hosts").selectOption({ label: "Silent for 7 d" });
  await expect.poll(() => names.allInnerTexts()).toEqual([QUIET]);
  await page.getByText(/^Silent hosts are looked for among all events/).waitFor();
  await expectAccessible(page, "silent hosts");
  await go(page, "/hosts");
  await page.getByRole("row", { name: /ws01/ }).waitFor();
  const changes = async (name: RegExp) =>
    (await page.getByRole("row", { name }).locator("td").nth(5).innerText()).trim();
  expect(await changes(/ws01/)).toBe("2");
  expect(await changes(/ws09/)).toBe("0");
});

test("the period goes along with what is done with a value, and a process can be opened from any of its events", async () => {
  const { page } = now;
  await logIn(page, server.url, "/search?facets=Image,Computer&last=24h");
  await expect.poll(total).toBe("1");
  await region("Image")
    .getByRole("button", { name: /^What to do with/ })
    .click();
  const items = () => page.getByRole("menu").getByRole("menuitem").allInnerTexts();
  await page.getByRole("menuitem", { name: "Hosts that have it" }).waitFor();
  expect(await items()).not.toContain("Open the process");
  await page.getByRole("menuitem", { name: "Search for this value" }).click();
  await page.waitForURL(/q=Image.*last=24h/);
  await rows().first().click();
  await region("Event")
    .getByRole("button", { name: /^What to do with DestinationIp/ })
    .click();
  await page.getByRole("menuitem", { name: "Open the process" }).waitFor();
  await page.getByRole("menuitem", { name: "Search for this value" }).click();
  await page.waitForURL(/q=DestinationIp.*last=24h/);
  await rows().first().locator(".c-image").click({ button: "right" });
  await page.getByRole("menuitem", { name: "Open the process" }).click();
  await page.waitForURL(/\/process\?guid=/);
  // From a statistic: which processes have it, and each of them.
  await go(page, "/statistics?only=ports");
  await region("Destination ports").getByRole("link", { name: "443", exact: true }).waitFor();
  await page.getByRole("button", { name: /^What to do with DestinationPort 443/ }).click();
  await page.getByRole("menuitem", { name: "Processes that have it" }).click();
  const processes = region("Image → ProcessGuid");
  await processes.locator("tbody tr").first().waitFor();
  await processes
    .getByRole("button", { name: /^What to do with ProcessGuid/ })
    .first()
    .click();
  await page.getByRole("menuitem", { name: "Open the process" }).click();
  await page.waitForURL(/\/process\?guid=/);
});

test("a value is copied where the browser gives scripts no clipboard, and it is said when it cannot be", async () => {
  const { page } = now;
  await page.addInitScript(() => {
    Object.defineProperty(navigator, "clipboard", { value: undefined });
  });
  await logIn(page, server.url, "/search?last=24h");
  await rows().first().locator(".c-image").click({ button: "right" });
  await page.getByRole("menuitem", { name: "Copy" }).click();
  await page.getByRole("status").getByText("Copied", { exact: true }).waitFor();
  await expectAccessible(page, "what was copied");
  await page.getByLabel("The search as text").focus();
  await page.keyboard.press("Control+V");
  expect(await page.getByLabel("The search as text").inputValue()).toBe(APP);
  await page.getByLabel("The search as text").fill("");
  await button("Copy link").click();
  await button("Link copied").waitFor();
  await page.evaluate(() => {
    document.execCommand = () => false;
  });
  await rows().first().locator(".c-image").click({ button: "right" });
  await page.getByRole("menuitem", { name: "Copy" }).click();
  await page.getByRole("status").getByText("Could not copy: the browser does not allow it").waitFor();
});

test("walking through the rows leaves one entry of history, not one per row", async () => {
  const { page } = now;
  await logIn(page, server.url, "/search");
  await rows().first().waitFor();
  const before = await page.evaluate(() => history.length);
  await region("Events found").focus();
  for (let i = 0; i < 5; i += 1) await page.keyboard.press("ArrowDown");
  await expect.poll(() => param("event")).toBeTruthy();
  expect(await page.evaluate(() => history.length)).toBe(before);
});

test("hosts and statistics are found again as they were left", async () => {
  const { page } = now;
  await logIn(page, server.url, "/hosts");
  await page.getByLabel("Find a host").fill("ws01");
  await page.waitForURL(/name=ws01/);
  await page.getByRole("button", { name: HOST }).click();
  const panel = region(HOST);
  await panel.getByText("Rare here", { exact: true }).click();
  await panel.getByLabel("Rare values of").selectOption({ label: "Destination addresses" });
  await panel.getByLabel("On no other host").uncheck();
  await panel.getByRole("button", { name: /^DestinationIp/ }).click();
  await page.waitForURL(/sort=VALUE/);
  await panel.locator("table.values tbody").getByRole("link").first().click();
  await page.waitForURL(/\/search/);
  await page.goBack();
  await page.waitForURL(/rare=addresses/);
  await expect.poll(() => panel.getByLabel("Rare values of").inputValue()).toBe("addresses");
  expect(await panel.getByLabel("On no other host").isChecked()).toBe(false);
  expect(await page.getByLabel("Find a host").inputValue()).toBe("ws01");
  expect(await panel.locator("th[aria-sort]").innerText()).toMatch(/^DestinationIp/);
  await panel.getByText("Event list", { exact: true }).click();
  await page.getByRole("button", { name: "Event", exact: true }).click();
  await page.waitForURL(/sort=EventID/);
  await rows().first().click();
  await page.waitForURL(/event=/);
  const address = page.url();
  await panel.getByRole("link", { name: "Process tree" }).click();
  await page.waitForURL(/\/graph/);
  await page.goBack();
  await region("Event").waitFor();
  expect(page.url()).toBe(address);
  await go(page, "/statistics");
  const ports = region("Destination ports");
  await ports.getByRole("button", { name: "Hosts" }).click();
  await page.waitForURL(/order=ports%3A-HOSTS/);
  await ports.locator("tbody").getByRole("link").first().click();
  await page.waitForURL(/\/search/);
  await page.goBack();
  await ports.locator("th[aria-sort]").getByText("Hosts").waitFor();
});

test("an event whose process never comes is not asked for without end", async () => {
  const { page } = now;
  let asked = 0;
  await on(page, "Event", async (route) => {
    asked += 1;
    const answer = await route.fetch();
    const json = await answer.json();
    json.data.event.process = null;
    await route.fulfill({ json });
  });
  await page.clock.install();
  await logIn(page, server.url, "/search?last=24h");
  await rows().first().click();
  await region("Event")
    .getByText(/asking again$/)
    .waitFor();
  await expect
    .poll(async () => {
      await page.clock.runFor(5_000);
      return region("Event").getByText("The graph does not hold its process.").count();
    })
    .toBe(1);
  const before = asked;
  await page.clock.runFor(120_000);
  await page.waitForTimeout(500);
  expect(asked).toBe(before);
});

test("what failed on a later page is asked for again from there", async () => {
  const { page } = now;
  let fails = true;
  const asked: (string | null)[] = [];
  await on(page, "Events", async (route) => {
    const { variables } = JSON.parse(route.request().postData() ?? "{}");
    asked.push(variables.after);
    if (variables.after && fails) return refuse(route);
    const answer = await route.fetch({
      postData: JSON.stringify({
        ...JSON.parse(route.request().postData() ?? "{}"),
        variables: { ...variables, first: 4 },
      }),
    });
    await route.fulfill({ response: answer });
  });
  await logIn(page, server.url, "/search");
  await region("Events found").getByRole("alert").waitFor();
  expect(await rows().count()).toBe(4);
  const failed = asked.at(-1);
  fails = false;
  asked.length = 0;
  await region("Events found").getByRole("button", { name: "Try again" }).click();
  await expect.poll(() => rows().count()).toBe(10);
  expect(asked[0]).toBe(failed);
  expect(asked).not.toContain(null);
});

test("a refused export is told, and the note can be closed by name", async () => {
  const { page } = now;
  await logIn(page, server.url, "/search");
  await rows().first().waitFor();
  await page.route("**/api/export", (route) => route.fulfill({ status: 429, body: "no" }));
  await button("Export").click();
  await page.getByRole("menuitem", { name: "All events as NDJSON" }).click();
  const note = page.getByRole("alert").filter({ hasText: "The export was refused" });
  await note.waitFor();
  await expectAccessible(page, "a refused export");
  await tabTo(page, /^Close$/);
  await page.keyboard.press("Enter");
  await expect.poll(() => note.count()).toBe(0);
  now.faults.length = 0;
});

import { expect, test } from "vitest";
import { expectAccessible, go, logIn } from "./browser";
import { openApi, pastOf } from "./data";
import { startServer } from "./server";
import { freshWindows, look, now, server, stage } from "./stage";

/** The generated intrusion: its alerts, its processes, its hosts. */

stage(() => startServer("demo"));
freshWindows();

const region = (name: string) => now.page.getByRole("region", { name });
const firstRow = () => now.page.locator("table.events tbody tr").first();
const nodes = async () =>
  Number(
    /([\d,]+) nodes/
      .exec((await now.page.getByRole("application").getAttribute("aria-label")) ?? "")?.[1]
      ?.replaceAll(",", ""),
  );
const total = async () => Number((await now.page.getByTestId("total").innerText()).replaceAll(",", ""));

test("a wrong password is refused, the right one opens the page that was asked for, log-out ends it", async () => {
  const { page } = now;
  await page.goto(`${server.url}/rules`);
  await page.getByLabel("User name").fill("admin");
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").waitFor();
  await logIn(page, server.url, "/rules");
  await page.getByRole("heading", { name: "Rules" }).waitFor();
  await page.getByRole("button", { name: /Log out/ }).click();
  await page.getByLabel("User name").waitFor();
  await page.goto(`${server.url}/search`);
  await page.getByLabel("User name").waitFor();
});

/** The demo's past may still be coming in, and a search that found nothing finds nothing by itself. */
const pastIsIn = () =>
  expect
    .poll(async () => {
      await now.page.reload();
      await firstRow()
        .or(now.page.locator(".results .state:not(:has(.mantine-Loader-root))"))
        .first()
        .waitFor();
      return (await firstRow().count()) && total();
    })
    .toBeGreaterThan(1_500);

test("a search by the form is in the address, and the address brings it back", async () => {
  const { page } = now;
  await logIn(page, server.url, "/search");
  await pastIsIn();
  const all = await total();
  await page.getByLabel("Value").fill("powershell");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=process/);
  await expect.poll(total).toBeLessThan(all);
  const found = await total();
  expect(found).toBeGreaterThan(0);
  const address = page.url();
  await page.getByRole("button", { name: "NOT", exact: true }).first().click();
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.waitForURL(/q=NOT/);
  await expect.poll(total).not.toBe(found);
  await page.goto(address);
  await expect.poll(total).toBeGreaterThanOrEqual(found);
  await expect
    .poll(() => page.getByLabel("The search as text").inputValue())
    .toBe('process contains "powershell"');
});

test("results go on past the first page without end in sight, by keyboard too", async () => {
  const { page } = now;
  await logIn(page, server.url, "/search");
  await pastIsIn();
  await region("Events found").focus();
  const times: string[] = [];
  const shown = async () =>
    Number(/[\d,]+/.exec(await page.locator(".foot [role=status]").innerText())?.[0]?.replaceAll(",", ""));
  await expect
    .poll(
      async () => {
        for (let k = 0; k < 8; k += 1) await page.keyboard.press("PageDown");
        times.push(await page.locator("table.events tr[aria-selected=true] .c-time").innerText());
        return shown();
      },
      { timeout: 60_000 },
    )
    .toBeGreaterThan(1_000);
  expect(times).toEqual([...times].sort().reverse());
  await page.getByRole("region", { name: "Event", exact: true }).waitFor();
});

test("from an event to its process as a graph, and to its neighbours, without anything moving", async () => {
  const { page } = now;
  await logIn(page, server.url, "/search?q=EventID%20%3D%201%20AND%20Image%20contains%20%22powershell%22");
  await firstRow().click();
  await page.getByRole("link", { name: "Open the process as a graph" }).click();
  await page.getByRole("application").waitFor();
  await expect.poll(nodes).toBeGreaterThan(1);
  const before = await nodes();
  const expand = page.getByRole("button", { name: /^Expand: / }).first();
  await expand.click();
  await expect.poll(nodes).toBeGreaterThan(before);
  await expectAccessible(page, "graph");
  const drawn = await nodes();
  await page.getByText("Table", { exact: true }).click();
  await region("The graph as a table").waitFor();
  await expect.poll(() => page.locator("table").first().locator("tbody tr").count()).toBe(drawn);
  await expectAccessible(page, "graph as a table");
});

test("the keyboard walks through the graph and expands it", async () => {
  const { page } = now;
  await logIn(page, server.url, "/search?q=EventID%20%3D%201%20AND%20Image%20contains%20%22powershell%22");
  await firstRow().click();
  await page.getByRole("link", { name: "Open the process as a graph" }).click();
  const canvas = page.getByRole("application");
  await canvas.waitFor();
  const details = region("Node");
  await details.getByRole("heading", { level: 2 }).first().waitFor();
  const name = () => details.getByRole("heading", { level: 2 }).first().innerText();
  await expect.poll(name).toMatch(/powershell/i);
  await canvas.focus();
  await page.keyboard.press("ArrowLeft");
  await expect.poll(name).not.toMatch(/^powershell/i);
  const label = await canvas.getAttribute("aria-label");
  await page.keyboard.press("Enter");
  await expect.poll(() => canvas.getAttribute("aria-label")).not.toBe(label);
});

test("live alerts come in by themselves and lead to the event", async () => {
  const { page } = now;
  await logIn(page, server.url, "/alerts");
  await page.getByText("Live", { exact: true }).waitFor();
  const rows = page.locator("table.dense tbody tr");
  await rows.first().waitFor();
  const shown = async () =>
    Number(
      /[\d,]+/.exec(await page.locator("header [role=status]").last().innerText())?.[0]?.replaceAll(",", ""),
    );
  const before = await shown();
  await expect.poll(shown, { timeout: 60_000 }).toBeGreaterThan(before);
  await rows.first().locator("button.plain").click();
  await page.getByRole("region", { name: "Event", exact: true }).locator("table tbody tr").first().waitFor();
  await expectAccessible(page, "alerts");
});

test("a statistic leads to its events", async () => {
  const { page } = now;
  await logIn(page, server.url, "/statistics");
  const ports = region("Destination ports");
  await ports.locator("tbody a").first().waitFor();
  const count = Number((await ports.locator("tbody td.num").first().innerText()).replaceAll(",", ""));
  await ports.locator("tbody a").first().click();
  await page.waitForURL(/\/search\?q=DestinationPort/);
  await expect.poll(total).toBeGreaterThanOrEqual(count);
});

test("a host leads to its process tree and its events", async () => {
  const { page } = now;
  await logIn(page, server.url, "/hosts");
  const host = page.locator("table.dense tbody button.plain").first();
  const name = await host.innerText();
  await host.click();
  await page.getByRole("img", { name: /Events per category/ }).waitFor();
  await expectAccessible(page, "host");
  await page.getByRole("link", { name: "Process tree" }).click();
  await page.getByRole("application").waitFor();
  await page.getByText(`Process tree of ${name}`).waitFor();
});

test("rules are told behind a search and on a host, and a click narrows the search to one", async () => {
  const { page } = now;
  // Hits of events that cannot be searched yet would be told as well.
  await pastOf(await openApi(server.url));
  await logIn(page, server.url, "/search?facets=Computer");
  const rules = page.getByRole("region", { name: "Rule hits" });
  // The rules follow the events.
  const told = rules.getByText("No rule has hit").or(rules.locator("li").first());
  await expect
    .poll(async () => {
      await page.reload();
      await told.waitFor();
      return rules.locator("li button").count();
    })
    .toBeGreaterThan(0);
  const all = await total();
  const one = rules.locator("li", { has: page.locator("button") }).first();
  await one.waitFor();
  const title = await one.locator("button").innerText();
  const count = Number((await one.locator(".num").innerText()).replaceAll(",", ""));
  await expectAccessible(page, "rules behind a search");
  await one.locator("button").focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=/);
  await expect.poll(total).toBeLessThan(all);
  await expect.poll(total).toBeGreaterThanOrEqual(count);
  await rules.getByText(title, { exact: true }).waitFor();
  // The event says so too.
  await page.locator("table.events .hitmark").first().waitFor();
  await page.locator("table.events .hitmark").first().click();
  await region("Event").getByRole("link", { name: title }).waitFor();

  await go(page, "/alerts");
  await page.locator("table.dense tbody tr").first().waitFor();
  const host = await page.locator("table.dense tbody tr").first().locator("td").allInnerTexts();
  await go(page, "/hosts");
  let hit = "";
  await expect
    .poll(async () => {
      const names = await page.locator("table.hosts tbody button.plain").allInnerTexts();
      hit = names.find((n) => host.some((cell) => cell.includes(n))) ?? "";
      return hit;
    })
    .not.toBe("");
  await go(page, `/hosts?host=${hit}`);
  const link = region("Rule hits").getByRole("link").first();
  const rule = await link.innerText();
  await expectAccessible(page, "rules of a host");
  await link.click();
  await page.waitForURL(/\/alerts\?rule=.*host=/);
  await page.getByText(rule).first().waitFor();
});

test("a rule is switched off and on", async () => {
  const { page } = now;
  await logIn(page, server.url, "/rules");
  const row = page.locator("table.dense tbody tr").first();
  const knob = row.getByRole("switch");
  const flip = async () => {
    await knob.focus();
    await Promise.all([page.waitForResponse(/\/graphql$/), page.keyboard.press("Space")]);
  };
  await knob.waitFor();
  await flip();
  await page.reload();
  await expect.poll(() => knob.isChecked()).toBe(false);
  await flip();
  await page.reload();
  await expect.poll(() => knob.isChecked()).toBe(true);
});

test("a session that the server no longer takes leads back to the log-in", async () => {
  const { page } = now;
  await logIn(page, server.url, "/hosts");
  await page.evaluate(() => {
    const key = "sysmonsearch.session";
    const session = JSON.parse(sessionStorage.getItem(key) ?? "{}");
    sessionStorage.setItem(key, JSON.stringify({ ...session, token: "gone" }));
  });
  await page.reload();
  await page.getByText("Your session has ended").waitFor();
  now.faults.length = 0;
});

const PAGES = ["search", "alerts", "statistics", "hosts", "graph", "process", "rules", "imports"];

test.each([
  ["en", "dark"],
  ["en", "light"],
  ["ja", "dark"],
  ["ja", "light"],
] as const)("every page is accessible in %s, %s", async (language, scheme) => {
  await now.context.close();
  await look({ language, scheme });
  const { page } = now;
  await page.goto(server.url);
  await page.locator("input[autocomplete=username]").waitFor();
  await expectAccessible(page, "login");
  await logIn(page, server.url);
  expect(await page.locator("html").getAttribute("lang")).toBe(language);
  for (const name of PAGES) {
    await go(page, `/${name}`);
    await page.locator("h1").waitFor({ state: "attached" });
    await expect.poll(() => page.locator(".mantine-Loader-root").count()).toBe(0);
    await expectAccessible(page, name);
  }
});

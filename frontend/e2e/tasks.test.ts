import { describe, expect, test } from "vitest";
import { en } from "../src/i18n/en";
import { ja } from "../src/i18n/ja";
import { drag, expectAccessible, logIn, tabTo as tabToOf } from "./browser";
import { isThere, serverOfHosts } from "./data";
import { freshWindows, now, number, region, rows, server, stage } from "./stage";

/** What is done on each page, by mouse and by keyboard alone, in both languages, on real logs. */

stage(() => serverOfHosts(), isThere);

const total = async () => number(await now.page.getByTestId("total").innerText());
/** Exactly this. */
const is = (text: string) => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);
const beginning = (text: string) => new RegExp(is(text.split("{{")[0] ?? text).source.slice(0, -1));
const tabTo = (name: RegExp | string) => tabToOf(now.page, typeof name === "string" ? is(name) : name);
const press = (key: string) => now.page.keyboard.press(key);
const isDay = /from=2019-07-19T00%3A00%3A00.000Z&to=2019-07-20T00/;

describe.skipIf(!isThere).each([
  ["en", en],
  ["ja", ja],
] as const)("on real logs, %s", (language, t) => {
  freshWindows({ language });

  test("search by mouse: from a registry value to who set it", async () => {
    const { page } = now;
    await logIn(page, server.url, "/search");
    await rows().first().waitFor();
    await page.getByRole("combobox", { name: t.search.field, exact: true }).fill("registryValue");
    await page.getByLabel(t.search.value, { exact: true }).fill("EnableLUA");
    await page.getByRole("button", { name: t.search.submit, exact: true }).click();
    await expect.poll(total).toBe(1);
    await rows().first().click();
    await expectAccessible(page, "search with an event");
    await region(t.event.name).getByRole("link", { name: t.event.openGraph }).click();
    await region(t.graph.details)
      .getByRole("heading", { name: /^reg\.exe/ })
      .waitFor();
  });

  test("search by keyboard: from a registry value to all that its process did", async () => {
    const { page } = now;
    await logIn(page, server.url, "/search");
    await rows().first().waitFor();
    await tabTo(t.search.text);
    await page.keyboard.type('registryValue contains "EnableLUA"');
    await press("Enter");
    await expect.poll(total).toBe(1);
    await tabTo(t.search.results);
    await press("ArrowDown");
    await region(t.event.name).waitFor();
    for (let i = 0; i < 3; i += 1) await press("ArrowRight");
    await press("Enter");
    const menu = page.getByRole("menu");
    await menu.waitFor();
    await expectAccessible(page, "menu of a value");
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    await expect
      .poll(async () => {
        await press("ArrowDown");
        return focused();
      })
      .toBe(t.value.process);
    await press("Enter");
    await page.waitForURL(/\/process\?guid=/);
    await page
      .getByRole("heading", { name: /reg\.exe/ })
      .first()
      .waitFor();
  });

  test("hosts by mouse: to a day, its shares and its events", async () => {
    const { page } = now;
    await logIn(page, server.url, "/hosts");
    await page.getByRole("button", { name: "msedgewin10" }).click();
    const panel = region("msedgewin10");
    await drag(page, panel.getByRole("img", { name: beginning(t.hosts.timeline) }), 0, 0.02);
    await page.waitForURL(/from=.*to=/);
    await panel.getByRole("button", { name: t.hosts.oneDay }).click();
    await page.waitForURL(isDay);
    const network = panel.getByRole("row", { name: beginning(t.category.network) });
    await expect.poll(async () => number(await network.locator("td").nth(1).innerText())).toBe(4);
    await expectAccessible(page, "host");
    await network.getByRole("button").click();
    await expect.poll(() => rows().count()).toBe(4);
    await rows().first().click();
    await region(t.event.name).getByRole("cell", { name: "DestinationIp", exact: true }).waitFor();
    await panel.getByText(t.hosts.tabs.rare, { exact: true }).click();
    await page.waitForURL(/tab=rare/);
    await panel.getByRole("button", { name: t.period.all }).click();
    await panel.getByLabel(t.hosts.rareOf).selectOption({ label: t.kinds.pairs });
    await page.waitForURL(/rare=pairs/);
    const links = panel.locator("table.values tbody").getByRole("link");
    await panel.getByRole("button", { name: /^ParentImage → Image/ }).waitFor();
    await links.first().click();
    await page.waitForURL(/\/search\?q=Computer/);
    await expect.poll(total).toBeGreaterThan(0);
  });

  test("hosts by keyboard: to a day, its shares and its events, and to what is rare", async () => {
    const { page } = now;
    await logIn(page, server.url, "/hosts");
    await page.getByRole("button", { name: "msedgewin10" }).waitFor();
    await tabTo(t.hosts.find);
    await page.keyboard.type("msedge");
    await page.waitForURL(/name=msedge/);
    await expect.poll(() => page.locator("table.hosts tbody tr").count()).toBe(1);
    await tabTo("msedgewin10");
    await press("Enter");
    const panel = region("msedgewin10");
    await panel.getByRole("group", { name: beginning(t.hosts.timeline) }).waitFor();
    await tabTo(beginning(t.hosts.timeline));
    await press("Home");
    await press("Enter");
    await page.waitForURL(/from=.*to=/);
    await tabTo(t.hosts.oneDay);
    await press("Enter");
    await page.waitForURL(isDay);
    await panel.getByRole("row", { name: beginning(t.category.network) }).waitFor();
    await tabTo(t.category.network);
    await press("Enter");
    await expect.poll(() => rows().count()).toBe(4);
    await tabToOf(page, is(t.hosts.tabs.events), "Shift+Tab");
    await press("ArrowRight");
    await page.waitForURL(/tab=rare/);
    await panel.getByLabel(t.hosts.rareOf).waitFor();
    await tabTo(t.hosts.rareOf);
    await press("ArrowDown");
    await page.waitForURL(/rare=pairs/);
    await panel.getByRole("button", { name: /^ParentImage → Image/ }).waitFor();
    await tabTo(t.hosts.onlyHere);
    await press("Space");
    await page.waitForURL(/everywhere=1/);
    await expectAccessible(page, "rare things of a host");
    const links = panel.locator("table.values tbody").getByRole("link");
    await links.first().waitFor();
    const value = await links.first().innerText();
    const count = number(await panel.locator("table.values tbody td").nth(1).innerText());
    await tabTo(value);
    await press("Enter");
    await page.waitForURL(/\/search\?q=Computer/);
    await expect.poll(total).toBe(count);
  });

  test("statistics by mouse: rare, new, compared, and the heat map", async () => {
    const { page } = now;
    await logIn(page, server.url, "/statistics");
    await page.getByText(t.statistics.views.rare, { exact: true }).click();
    await page.waitForURL(/view=rare/);
    const ports = region(t.kinds.ports);
    await ports.locator("tbody tr").first().waitFor();
    const count = number(await ports.locator("tbody td:nth-child(2)").first().innerText());
    await expectAccessible(page, "statistics");
    await ports.locator("tbody").getByRole("link").first().click();
    await page.waitForURL(/\/search\?q=DestinationPort/);
    await expect.poll(total).toBe(count);
    await page.goBack();
    await ports.locator("tbody tr").first().waitFor();
    await page.getByLabel(`${t.period.from} (UTC)`, { exact: true }).fill("2019-07-20");
    await page.getByText(t.statistics.views.new, { exact: true }).click();
    await page.waitForURL(/view=new/);
    const seen = region(t.kinds.processes).locator("tbody td:nth-child(3)");
    await seen.first().waitFor();
    for (const time of await seen.allInnerTexts())
      expect(time.replaceAll("/", "-") >= "2019-07-20").toBe(true);
    await page.getByText(t.statistics.views.compare, { exact: true }).click();
    await region(t.kinds.processes)
      .getByRole("button", { name: beginning(t.values.change) })
      .waitFor();
    await page.getByText(t.statistics.views.heat, { exact: true }).click();
    const heat = region(t.statistics.views.heat);
    const cell = heat
      .getByRole("row", { name: /^msedgewin10/ })
      .getByRole("link")
      .nth(1);
    await cell.waitFor();
    await expectAccessible(page, "heat map");
    const events = number(await cell.innerText());
    await cell.click();
    await page.waitForURL(/\/search\?q=Computer/);
    await expect.poll(total).toBe(events);
  });

  test("statistics by keyboard: rare, new, compared, and the heat map", async () => {
    const { page } = now;
    await logIn(page, server.url, "/statistics");
    const ports = region(t.kinds.ports);
    await ports.locator("tbody tr").first().waitFor();
    await tabTo(t.statistics.views.top);
    await press("ArrowRight");
    await page.waitForURL(/view=rare/);
    await expect.poll(() => ports.locator("th[aria-sort]").getAttribute("aria-sort")).toBe("ascending");
    const link = ports.locator("tbody").getByRole("link").first();
    await link.waitFor();
    await tabTo(new RegExp(`${t.statistics.whole}.*${t.kinds.ports}$`));
    await press("Enter");
    await page.waitForURL(/only=ports/);
    await ports.getByRole("columnheader", { name: beginning(t.values.lastSeen) }).waitFor();
    const value = await link.innerText();
    const count = number(await ports.locator("tbody td:nth-child(2)").first().innerText());
    await tabTo(value);
    await press("Enter");
    await page.waitForURL(/\/search\?q=DestinationPort/);
    await expect.poll(total).toBe(count);
    await page.goBack();
    await ports.locator("tbody tr").first().waitFor();
    await tabTo(`${t.period.from} (UTC)`);
    await page.keyboard.type("2019-07-20");
    await press("Enter");
    await page.waitForURL(/from=2019-07-20/);
    await tabTo(t.statistics.all);
    await press("Enter");
    await tabTo(t.statistics.views.rare);
    await press("ArrowRight");
    await page.waitForURL(/view=new/);
    const seen = region(t.kinds.processes).locator("tbody td:nth-child(3)");
    await seen.first().waitFor();
    for (const time of await seen.allInnerTexts())
      expect(time.replaceAll("/", "-") >= "2019-07-20").toBe(true);
    await press("ArrowRight");
    await page.waitForURL(/view=compare/);
    const change = region(t.kinds.processes).getByRole("button", { name: beginning(t.values.change) });
    await change.waitFor();
    await tabTo(new RegExp(`^${t.values.change}`));
    await press("Enter");
    await page.waitForURL(/order=.*CHANGE/);
    await expectAccessible(page, "two periods compared");
    await tabTo(t.statistics.views.compare);
    await press("ArrowRight");
    await page.waitForURL(/view=heat/);
    const heat = region(t.statistics.views.heat);
    const cell = heat
      .getByRole("row", { name: /^msedgewin10/ })
      .getByRole("link")
      .nth(1);
    await cell.waitFor();
    const events = await cell.innerText();
    await tabTo("msedgewin10");
    await press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(events);
    await press("Enter");
    await page.waitForURL(/\/search\?q=Computer/);
    await expect.poll(total).toBe(number(events));
  });
});

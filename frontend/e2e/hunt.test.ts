import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { expectAccessible, expectFits, go, logIn, tabTo as tabToOf } from "./browser";
import { isThere, serverOfHosts } from "./data";
import { freshWindows, look, now, number, param, region, rows, server, stage } from "./stage";

/** Search, statistics and hosts on real logs of several hosts, which do not change while they are looked at. */

stage(() => serverOfHosts(), isThere);

const total = async () => number(await now.page.getByTestId("total").innerText());
const cells = (nth: number) => rows().locator(`td:nth-child(${nth})`).allInnerTexts();
const tabTo = (name: RegExp) => tabToOf(now.page, name);

describe.skipIf(!isThere)("on real logs", () => {
  freshWindows();

  test("from a registry value to who set it, by mouse", async () => {
    const { page } = now;
    await logIn(page, server.url, "/search");
    await rows().first().waitFor();
    await page.getByRole("combobox", { name: "Field", exact: true }).fill("registryValue");
    await page.getByLabel("Value", { exact: true }).fill("EnableLUA");
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await expect.poll(total).toBe(1);
    await rows().first().click();
    const event = region("Event");
    await event.getByText("reg.exe set HKLM").waitFor();
    await expectAccessible(page, "search with an event");
    await event.getByRole("link", { name: "Open the process as a graph" }).click();
    await region("Node")
      .getByRole("heading", { name: /^reg\.exe/ })
      .waitFor();
  });

  test("from a registry value to who set it, by keyboard", async () => {
    const { page } = now;
    await logIn(page, server.url, "/search");
    await rows().first().waitFor();
    await tabTo(/^The search as text$/);
    await page.keyboard.type('registryValue contains "EnableLUA"');
    await page.keyboard.press("Enter");
    await expect.poll(total).toBe(1);
    await tabTo(/^Events found$/);
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => param("event")).toBeTruthy();
    for (let i = 0; i < 3; i += 1) await page.keyboard.press("ArrowRight");
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toMatch(/^reg\.exe/);
    await page.keyboard.press("Enter");
    const menu = page.getByRole("menu");
    await menu.waitFor();
    await expectAccessible(page, "menu of a value");
    expect(await menu.getByRole("menuitem").allInnerTexts()).toEqual([
      "Add to the search",
      "Exclude from the search",
      "Search for this value",
      "Make a rule of this value",
      "Open the process",
      "Open in the graph",
      "Open the host dc1.insecurebank.local",
      "Events of dc1.insecurebank.local",
      "Copy",
    ]);
    await menu.getByRole("menuitem", { name: "Make a rule of this value" }).focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("Title of the rule").waitFor();
    await expectAccessible(page, "a rule of a value");
    await page.keyboard.type("Registry tool");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "Made: Registry tool" }).waitFor();
    await page.goBack();
    await tabTo(/^Open the process as a graph$/);
    await page.keyboard.press("Enter");
    await region("Node")
      .getByRole("heading", { name: /^reg\.exe/ })
      .waitFor();
  });

  test("from a statistic's rare value to its events, by mouse", async () => {
    const { page } = now;
    await logIn(page, server.url, "/statistics");
    await page.getByText("Rarest", { exact: true }).click();
    await page.waitForURL(/view=rare/);
    const ports = region("Destination ports");
    const first = ports.locator("tbody tr").first();
    await first.waitFor();
    const counts = (await ports.locator("tbody td:nth-child(2)").allInnerTexts()).map(number);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    const value = await first.getByRole("link").innerText();
    await expectAccessible(page, "statistics");
    await first.getByRole("link").click();
    await page.waitForURL(/\/search\?q=DestinationPort/);
    await expect.poll(total).toBe(counts[0]);
    expect(param("q")).toContain(`"${value}"`);
  });

  test("from a statistic's rare value to its events, by keyboard, without what is excluded", async () => {
    const { page } = now;
    await logIn(page, server.url, "/statistics");
    const pairs = region("Parent and child");
    await pairs.locator("tbody tr").first().waitFor();
    await tabTo(/^Only events that fulfil$/);
    await page.keyboard.type('NOT Image ends "\\cmd.exe"');
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=NOT/);
    await page.getByRole("radio", { name: "Most frequent" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForURL(/view=rare/);
    await pairs.getByRole("button", { name: /^More/ }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/only=pairs/);
    await pairs.getByRole("columnheader", { name: "Last seen (UTC)" }).waitFor();
    const links = pairs.locator("tbody").getByRole("link");
    await links.first().waitFor();
    expect((await links.allInnerTexts()).filter((t) => t.endsWith("\\cmd.exe"))).toEqual([]);
    await pairs.getByRole("button", { name: /^ParentImage/ }).press("Enter");
    const names = async () => (await links.allInnerTexts()).map((t) => t.split(" → ")[0] ?? "");
    const isSorted = async () => {
      const shown = await names();
      return shown.every((name, i) => i === 0 || name >= (shown[i - 1] ?? ""));
    };
    await expect.poll(isSorted).toBe(true);
    const count = number(await pairs.locator("tbody tr").first().locator("td").nth(1).innerText());
    await links.first().focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/search/);
    await expect.poll(total).toBe(count);
  });

  test("groups and the text are two forms of one search", async () => {
    const { page } = now;
    const text = 'port = ("445", "3389") OR (process contains "powershell" AND NOT user = "x y")';
    await logIn(page, server.url, "/search");
    await page.getByLabel("The search as text").fill(text.replace("user", "User"));
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=port/);
    await expect.poll(() => page.getByRole("group", { name: "Conditions" }).count()).toBe(2);
    expect(await page.getByLabel("Values, one per line").inputValue()).toBe("445\n3389");
    await page.getByRole("group", { name: "Conditions" }).last().getByText("OR", { exact: true }).click();
    await expect
      .poll(() => page.getByLabel("The search as text").inputValue())
      .toContain('(process contains "powershell" OR NOT User = "x y")');
    await page.getByLabel("The search as text").fill("port = (");
    await page.getByText(/^Expected at character 9/).waitFor();
    expect(await page.getByRole("button", { name: "Search", exact: true }).isDisabled()).toBe(true);
  });

  test("columns are chosen and sorted, the address keeps both", async () => {
    const { page } = now;
    await logIn(page, server.url, "/search?q=EventID%20%3D%20%221%22");
    await rows().first().waitFor();
    await page.getByRole("button", { name: "Columns" }).click();
    await page.getByRole("combobox", { name: "Add a column" }).fill("CommandLine");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Remove the column User" }).click();
    await page.keyboard.press("Escape");
    await page.waitForURL(/cols=.*CommandLine/);
    await page.getByRole("columnheader", { name: "CommandLine" }).waitFor();
    expect(await page.getByRole("columnheader", { name: "User" }).count()).toBe(0);
    await page.getByRole("button", { name: "Image", exact: true }).click();
    await page.waitForURL(/sort=Image/);
    const images = async () => (await cells(4)).map((t) => t.trim().toLowerCase());
    await expect.poll(async () => (await images())[0]).not.toBe("");
    await expect
      .poll(() => page.getByRole("columnheader", { name: /^Image/ }).getAttribute("aria-sort"))
      .toBe("ascending");
    const address = page.url();
    await page.reload();
    await rows().first().waitFor();
    expect(page.url()).toBe(address);
    expect(await page.getByRole("columnheader").allInnerTexts()).toEqual([
      "Time (UTC)",
      "Event",
      "Host",
      "Image ▲",
      "Description",
      "CommandLine",
    ]);
    await page.getByRole("button", { name: /^Image/ }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/sort=-Image/);
    await expectAccessible(page, "search with other columns");
  });

  test("facets narrow the search and exclude from it", async () => {
    const { page } = now;
    await logIn(page, server.url, "/search");
    await expect.poll(total).toBeGreaterThan(700);
    const all = await total();
    await page.getByRole("button", { name: "Facets" }).click();
    const hosts = region("Computer");
    const first = hosts.getByRole("listitem").first();
    await first.waitFor();
    const count = number(await first.locator(".num").innerText());
    const name = await first.locator("button.plain").innerText();
    await expectAccessible(page, "facets");
    await first.locator("button.plain").click();
    await expect.poll(total).toBe(count);
    expect(param("q")).toBe(`Computer = "${name}"`);
    await page.goBack();
    await expect.poll(total).toBe(all);
    await first.getByRole("button", { name: /^What to do with Computer/ }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("menuitem", { name: "Exclude from the search" }).waitFor();
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    await expect.poll(focused).toBe("Add to the search");
    await expectAccessible(page, "menu of a facet");
    await page.keyboard.press("ArrowDown");
    await expect.poll(focused).toBe("Exclude from the search");
    await page.keyboard.press("Enter");
    await expect.poll(total).toBe(all - count);
  });

  test("a part of the histogram is chosen by mouse and by keyboard", async () => {
    const { page } = now;
    await logIn(page, server.url, "/search");
    await expect.poll(total).toBeGreaterThan(700);
    const all = await total();
    const chart = page.getByRole("img", { name: /^Events over time/ });
    const box = await chart.boundingBox();
    if (!box) throw new Error("the histogram has no size");
    await page.mouse.move(box.x + 1, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + 20, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/from=.*to=/);
    await expect.poll(total).toBeLessThan(all);
    await page.getByRole("button", { name: "All time" }).click();
    await expect.poll(total).toBe(all);
    await page.getByRole("group", { name: /^Events over time/ }).focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Shift+End");
    await page.keyboard.press("Shift+ArrowLeft");
    await page.keyboard.press("Enter");
    await page.waitForURL(/from=.*to=/);
    await expect.poll(total).toBeLessThan(all);
  });

  test("a search is saved, found again, and deleted", async () => {
    const { page } = now;
    await logIn(page, server.url, "/search?q=port%20%3D%20%223389%22&last=30d");
    await page.getByRole("button", { name: "Saved" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("No search has been saved yet.").waitFor();
    await page.getByLabel("Save this search as").fill("Remote desktop");
    await page.keyboard.press("Enter");
    const link = dialog.getByRole("link", { name: "Remote desktop" });
    await link.waitFor();
    await expectAccessible(page, "saved searches");
    await page.keyboard.press("Escape");
    await go(page, "/search");
    await page.getByRole("button", { name: "Saved" }).click();
    await link.click();
    await page.waitForURL(/q=port.*last=30d/);
    await page.getByRole("button", { name: "Saved" }).click();
    await dialog.getByRole("button", { name: "Delete Remote desktop" }).click();
    await dialog.getByText("No search has been saved yet.").waitFor();
  });

  test("all events are exported, not only those shown", async () => {
    const { page } = now;
    await logIn(page, server.url, "/search?q=EventID%20%3D%20%221%22");
    await expect.poll(total).toBeGreaterThan(500);
    const all = await total();
    for (const [name, ending, head] of [
      ["All events as NDJSON", ".ndjson", 0],
      ["Columns of all events as CSV", ".csv", 1],
    ] as const) {
      await page.getByRole("button", { name: "Export" }).click();
      const [file] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("menuitem", { name }).click(),
      ]);
      expect(file.suggestedFilename()).toMatch(new RegExp(`\\${ending}$`));
      const text = readFileSync(await file.path(), "utf8");
      expect(text.trimEnd().split(/\r?\n(?=[{2])/).length - head).toBe(all);
    }
  });

  test("hosts say their Sysmon; a day, its shares and events", async () => {
    const { page } = now;
    await logIn(page, server.url, "/hosts");
    const host = page.getByRole("row", { name: /iewin7/ });
    await host.waitFor();
    await host.getByText("9.01").waitFor();
    await page.getByRole("button", { name: "Events", exact: true }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/order=-events/);
    const names = page.locator("table.hosts tbody button.plain");
    await expect.poll(() => names.first().innerText()).toBe("msedgewin10");
    await names.first().focus();
    await page.keyboard.press("Enter");
    const panel = region("msedgewin10");
    await panel.getByRole("group", { name: /^Events per category/ }).focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("Enter");
    await page.waitForURL(/from=/);
    await tabTo(/^This day$/);
    await page.keyboard.press("Enter");
    await page.waitForURL(/from=2019-07-19T00%3A00%3A00.000Z&to=2019-07-20T00/);
    await expectAccessible(page, "host");
    const network = panel.getByRole("row", { name: /^Network/ });
    const count = number(await network.locator("td").nth(1).innerText());
    expect(count).toBe(4);
    await tabTo(/^Network$/);
    await page.keyboard.press("Enter");
    await expect.poll(() => rows().count()).toBe(count);
    await page.getByRole("columnheader", { name: "DestinationIp" }).waitFor();
    await expectAccessible(page, "events of a host");
  });

  test("a host's day and its events, by mouse", async () => {
    const { page } = now;
    await logIn(page, server.url, "/hosts");
    await page
      .getByRole("row", { name: /msedgewin10/ })
      .getByRole("button")
      .first()
      .click();
    const panel = region("msedgewin10");
    const chart = await panel.getByRole("img", { name: /^Events per category/ }).boundingBox();
    if (!chart) throw new Error("the time line has no size");
    await page.mouse.move(chart.x + 2, chart.y + 20);
    await page.mouse.down();
    await page.mouse.move(chart.x + chart.width / 3, chart.y + 20, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/from=.*to=/);
    await panel.getByRole("button", { name: "All time" }).click();
    await expect.poll(() => param("from")).toBe(null);
    await panel.getByText("Event list", { exact: true }).click();
    await page.waitForURL(/tab=events/);
    await rows().first().click();
    await page.waitForURL(/tab=events/);
    expect(await rows().count()).toBeGreaterThan(0);
  });

  test("hosts and statistics as a reader of the screen meets them", async () => {
    const { page } = now;
    await logIn(page, server.url, "/hosts?host=msedgewin10");
    await region("msedgewin10")
      .getByRole("group", { name: /^Events per category/ })
      .waitFor();
    const hosts = await page.getByRole("main").ariaSnapshot();
    for (const part of [
      'heading "Hosts" [level=1]',
      'textbox "Find a host"',
      'region "msedgewin10"',
      'heading "msedgewin10" [level=2]',
      'link "Process tree"',
      'region "Rule hits"',
      'columnheader "Host"',
      'columnheader "Sysmon version"',
    ])
      expect(hosts).toContain(part);
    await go(page, "/statistics");
    await region("Destination ports").locator("tbody tr").first().waitFor();
    const statistics = await page.getByRole("main").ariaSnapshot();
    for (const part of [
      'heading "Statistics" [level=1]',
      'textbox "Only events that fulfil"',
      'radio "Most frequent" [checked]',
      'region "Destination ports"',
      'heading "Destination ports" [level=2]',
      "columnheader /DestinationPort/",
    ])
      expect(
        statistics.replace(/columnheader "DestinationPort[^"]*"/, "columnheader /DestinationPort/"),
      ).toContain(part);
  });

  test("what a host alone has", async () => {
    const { page } = now;
    await logIn(page, server.url, "/hosts?host=iewin7&tab=rare");
    const panel = region("iewin7");
    const links = panel.locator("table.values tbody").getByRole("link");
    await links.first().waitFor();
    await panel.getByLabel("Rare values of").selectOption({ label: "Parent and child" });
    await panel.getByRole("button", { name: /^ParentImage → Image/ }).waitFor();
    await expect
      .poll(() => panel.locator("table.values tbody td:nth-child(4)").allInnerTexts())
      .toEqual(expect.not.arrayContaining(["1"]));
    await expectAccessible(page, "rare things of a host");
    await links.first().click();
    await page.waitForURL(/\/search\?q=Computer/);
    await expect.poll(total).toBeGreaterThan(0);
  });

  test("new in a period, two periods compared, and the heat map", async () => {
    const { page } = now;
    await logIn(page, server.url, "/statistics?view=new");
    await page.getByText(/^Choose a period with a beginning/).waitFor();
    await go(page, "/statistics?view=new&from=2019-07-20T00:00:00.000Z&only=processes");
    const processes = region("Processes");
    await processes.locator("tbody tr").first().waitFor();
    const first = await processes.locator("tbody td:nth-child(4)").allInnerTexts();
    expect(first.every((t) => t >= "2019-07-20")).toBe(true);
    await page.getByText("Compare", { exact: true }).click();
    await page.getByLabel("Compared with: To (UTC)").waitFor();
    await processes.getByRole("button", { name: /^Change/ }).waitFor();
    await expectAccessible(page, "two periods compared");
    await page.getByText("Heat map", { exact: true }).click();
    const heat = region("Heat map");
    await heat.getByRole("rowheader", { name: "msedgewin10" }).waitFor();
    await page.getByRole("button", { name: "All time" }).click();
    await heat.getByRole("rowheader", { name: "iewin7" }).waitFor();
    const cell = heat
      .getByRole("row", { name: /^msedgewin10/ })
      .getByRole("link")
      .nth(1);
    await cell.waitFor();
    const count = number(await cell.innerText());
    await expectAccessible(page, "heat map");
    await cell.click();
    await page.waitForURL(/\/search\?q=Computer/);
    await expect.poll(total).toBe(count);
  });

  test("times are those of the clock chosen, and say so", async () => {
    const { page } = now;
    await logIn(page, server.url, "/search?event=none");
    await rows().first().waitFor();
    await page.getByRole("button", { name: "UTC", exact: true }).click();
    const zone = await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
    await page.getByRole("columnheader", { name: `Time (${zone})` }).waitFor();
    await page.getByLabel(`From (${zone})`).waitFor();
    await page.getByRole("button", { name: "Local" }).click();
    await page.getByRole("columnheader", { name: "Time (UTC)" }).waitFor();
  });

  test("the search says what it is to those who cannot see it", async () => {
    const { page } = now;
    await logIn(page, server.url, "/search?q=Image%20ends%20%22cmd.exe%22");
    await rows().first().waitFor();
    expect(await page.getByRole("form", { name: "Search" }).ariaSnapshot()).toMatchInlineSnapshot(`
      "- form "Search":
        - heading "Search" [level=1]
        - group "Conditions":
          - radiogroup "How the conditions are joined":
            - radio "AND" [checked]
            - text: AND
            - radio "OR"
            - text: OR
          - button "Condition"
          - button "Group"
          - button "NOT"
          - combobox "Field": Image
          - combobox "Comparison":
            - option "contains"
            - option "is"
            - option "starts with"
            - option "ends with" [selected]
            - option "like (* ?)"
            - option "matches regex"
            - option "in network"
            - option ">"
            - option "≥"
            - option "<"
            - option "≤"
            - option "exists"
          - img
          - textbox "Value": cmd.exe
          - 'button "More than one: any of them"'
          - button "Remove the condition"
        - group "Period":
          - group:
            - button "15 min"
            - button "1 h"
            - button "24 h"
            - button "7 d"
            - button "30 d"
            - button "All time" [pressed]
          - text: From
          - textbox "From (UTC)":
            - /placeholder: 2026-01-31 14:05:00
          - text: UTC To
          - textbox "To (UTC)":
            - /placeholder: 2026-01-31 14:05:00
          - text: UTC
        - textbox "The search as text":
          - /placeholder: process contains "powershell" AND NOT ip in "10.0.0.0/8"
          - text: Image ends "cmd.exe"
        - button "IOC file"
        - button "Clear"
        - button "Search""
    `);
    expect(await page.locator("table.events thead").ariaSnapshot()).toMatchInlineSnapshot(`
      "- rowgroup:
        - row "Time (UTC) Event Host Image User Description":
          - columnheader "Time (UTC)":
            - button "Time (UTC)"
          - columnheader "Event":
            - button "Event"
          - columnheader "Host":
            - button "Host"
          - columnheader "Image":
            - button "Image"
          - columnheader "User":
            - button "User"
          - columnheader "Description""
    `);
  });

  test.each([
    ["en", "dark"],
    ["en", "light"],
    ["ja", "dark"],
    ["ja", "light"],
  ] as const)("search, hosts and statistics are accessible in %s, %s", async (language, scheme) => {
    await now.context.close();
    await look({ language, scheme });
    const { page } = now;
    await logIn(page, server.url, "/search?facets=Computer,Image");
    for (const path of [
      "/search?facets=Computer,Image",
      "/hosts?host=iewin7",
      "/hosts?host=iewin7&tab=rare",
      "/hosts?host=iewin7&tab=events",
      "/statistics",
      "/statistics?view=heat",
      "/statistics?only=pairs&view=rare",
    ]) {
      await go(page, path);
      await page.locator("tbody tr").first().waitFor();
      await expect.poll(() => page.locator(".mantine-Loader-root").count()).toBe(0);
      await expectAccessible(page, path);
      await expectFits(page, path);
    }
  });
});

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { expectAccessible, go, logIn, visit } from "./browser";
import { data, isThere } from "./data";
import { startServer } from "./server";
import { browser, server, stage } from "./stage";

const FILE = "evtx/sbousseaden/AutomatedTestingTools/PanacheSysmon_vs_AtomicRedTeam01.evtx";

/** Sysmon events of a file as the manifest counts them. */
function counted(file: string): number {
  const [head = "", ...rows] = readFileSync(`${data}/manifest.csv`, "utf8").split("\n");
  const row = rows.find((r) => r.startsWith(`${file},`));
  return Number(row?.split(",")[head.split(",").indexOf("sysmon_events")]);
}

stage(() => startServer("serve"), isThere);

test("a new server says that nothing has been imported", async () => {
  const { page, faults, context } = await visit(browser, server.url);
  await logIn(page, server.url, "/imports");
  await page.getByText("Nothing has been imported yet.").waitFor();
  await context.close();
  expect(faults).toEqual([]);
});

test.skipIf(!isThere)("a real log is uploaded, found, and drawn; a broken one says why", async () => {
  const { page, faults, context } = await visit(browser, server.url);
  await logIn(page, server.url, "/imports");
  await page.locator("input[type=file]").setInputFiles(`${data}/${FILE}`);
  await page.getByText("Done", { exact: true }).waitFor();
  const broken = {
    name: "broken.jsonl",
    mimeType: "application/json",
    buffer: Buffer.from('{"EventID": 1,\n'),
  };
  await page.locator("input[type=file]").setInputFiles(broken);
  const letters = page.getByRole("region", { name: "Records that could not be imported" });
  await letters.getByText("broken.jsonl").waitFor();
  await expectAccessible(page, "imports");
  await go(page, "/search");
  await expect.poll(() => page.getByTestId("total").innerText()).toBe(String(counted(FILE)));
  await page.locator("table.events tbody tr").first().click();
  await page.getByRole("region", { name: "Event", exact: true }).locator("tbody tr").first().waitFor();
  await expectAccessible(page, "search with an event");
  await context.close();
  expect(faults).toEqual([]);
});

import { expect, test } from "vitest";
import { expectAccessible, go, logIn } from "./browser";
import { record, serverWith } from "./data";
import { freshWindows, now, region, server, stage } from "./stage";

/** The page of a process, on events made for what is asked of it. */
const HOST = "ws01.example";
const guid = (n: number) => `{eeeeeeee-0000-0000-0000-${n.toString(16).padStart(12, "0")}}`;
const BEGIN = Date.now() - 3_600_000;
let records = 0;
const event = (code: number, data: object) => {
  records += 1;
  const time = new Date(BEGIN + records * 1_000).toISOString().replace("T", " ").replace("Z", "");
  return record(HOST, time, code, { RecordNumber: records, ...data });
};
const start = (n: number, parent: number, image: string) =>
  event(1, {
    ProcessGuid: guid(n),
    ProcessId: n,
    Image: image,
    CommandLine: `${image} -k`,
    ParentProcessGuid: guid(parent),
    ParentProcessId: parent,
    ParentImage: "C:\\Windows\\explorer.exe",
    Hashes: `MD5=${n.toString(16).padStart(32, "0")}`,
  });
const TOOL = "C:\\Windows\\tool.exe";
const EVENTS = [
  start(1, 100, TOOL),
  start(2, 1, "C:\\Windows\\cmd.exe"),
  start(3, 100, TOOL),
  event(11, { ProcessGuid: guid(1), Image: TOOL, TargetFilename: "C:\\Windows\\Temp\\a.dll" }),
];

stage(() => serverWith(EVENTS));
freshWindows();

const rows = () => region("Events of the process").locator("tbody tr");
const openPage = async (n: number) => {
  await logIn(now.page, server.url, `/process?guid=${encodeURIComponent(guid(n))}`);
  await rows().first().waitFor();
};

test("the last 24 hours are asked for once, and their events stay", async () => {
  const { page } = now;
  await openPage(1);
  const all = await rows().count();
  let asked = 0;
  page.on("request", (request) => {
    if (/query Process(Events|Codes)\b/.test(request.postData() ?? "")) asked += 1;
  });
  await page.getByRole("button", { name: "24 h" }).click();
  await page.waitForURL(/last=24h/);
  await expect.poll(() => rows().count()).toBe(all);
  await page.waitForTimeout(1_500);
  expect(await rows().count()).toBe(all);
  expect(asked).toBe(2);
});

test("arrow keys walk through the events as one step back, and each is said", async () => {
  const { page } = now;
  await openPage(1);
  const before = await page.evaluate(() => history.length);
  await region("Events of the process").focus();
  await page.keyboard.press("ArrowDown");
  await region("Event").waitFor();
  const said = () => page.locator(".main > .unseen[role=status]").innerText();
  const one = await said();
  expect(one).toMatch(/^\d{4}-\d\d-\d\d \S+ UTC, 1 ProcessCreate, /);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect.poll(said).toMatch(/UTC, 11 FileCreate, /);
  expect(await page.evaluate(() => history.length)).toBe(before + 1);
  await page.goBack();
  await region("Facts").waitFor();
});

test("another process of the same image is compared by a link", async () => {
  const { page } = now;
  await openPage(1);
  const others = region("Other processes of this image");
  expect(await others.locator("tbody tr").count()).toBe(1);
  await others.getByRole("link", { name: /^Compare with that of ws01\.example, started .* UTC$/ }).click();
  await page.waitForURL(/with=/);
  await region("Comparison").locator("tr.differs", { hasText: "processGuid" }).waitFor();
  await region("Comparison")
    .getByRole("button", { name: `What to do with Image ${TOOL}` })
    .first()
    .click();
  await page.getByRole("menuitem", { name: "Copy" }).waitFor();
  await page.keyboard.press("Escape");
  await go(page, `/process?guid=${encodeURIComponent(guid(2))}`);
  await others.getByText("No other start of this image is known.").waitFor();
});

test("two processes are compared within the period of the address", async () => {
  const { page } = now;
  await openPage(1);
  // The other has started, this one has not yet written its file.
  await go(
    page,
    `/process?${new URLSearchParams({ guid: guid(1), to: new Date(BEGIN + 3_500).toISOString() })}`,
  );
  await region("Other processes of this image").getByRole("link").click();
  await page.waitForURL((url) => url.searchParams.has("with") && url.searchParams.has("to"));
  const both = region("Comparison");
  const written = both.getByRole("row", { name: /^11 FileCreate/ });
  const file = both.getByRole("row", { name: /a\.dll/ });
  await both.getByRole("row", { name: /^1 ProcessCreate/ }).waitFor();
  await both.getByRole("row", { name: /cmd\.exe/ }).waitFor();
  expect([await written.count(), await file.count()]).toEqual([0, 0]);
  await page.getByRole("group", { name: "Period" }).getByRole("button", { name: "All time" }).click();
  await written.waitFor();
  await file.waitFor();
});

test("counts that could not be read are said and asked again, alone and when comparing", async () => {
  const { page } = now;
  await openPage(1);
  let fails = true;
  await page.route("**/graphql", (route) =>
    fails && /query Process(Codes|Touched)\b/.test(route.request().postData() ?? "")
      ? route.fulfill({
          json: { data: null, errors: [{ message: "no counts today", extensions: { code: "UNAVAILABLE" } }] },
        })
      : route.continue(),
  );
  const retry = async () => {
    const alerts = page.getByRole("alert");
    await alerts.getByText("no counts today").first().waitFor();
    await expectAccessible(page, "counts that failed");
    fails = false;
    while (await alerts.count()) {
      const many = await alerts.count();
      await alerts.getByRole("button", { name: "Try again" }).first().click();
      await expect.poll(() => alerts.count()).toBeLessThan(many);
    }
    fails = true;
  };
  await page.getByRole("button", { name: "7 d" }).click();
  await retry();
  await page.getByRole("button", { name: /^11 FileCreate/ }).waitFor();
  await go(page, `/process?guid=${encodeURIComponent(guid(1))}&with=${encodeURIComponent(guid(3))}`);
  await retry();
  await region("Comparison")
    .getByRole("row", { name: /^11 FileCreate/ })
    .waitFor();
  await region("Comparison").locator("table").nth(2).waitFor();
});

test.each([
  ["ParentProcessGuid", /^explorer\.exe/],
  ["ProcessGuid", /^tool\.exe/],
  ["Image", /tool\.exe$/],
])("%s of an event opens its own node", async (field, title) => {
  const { page } = now;
  await openPage(1);
  await rows().first().click();
  const value = region("Event").getByRole("button", { name: new RegExp(`^What to do with ${field} `) });
  await value.click();
  await page.getByRole("menuitem", { name: "Open in the graph" }).click();
  await page.waitForURL(/\/graph\?node=/);
  await region("Node").getByRole("heading", { level: 2, name: title }).first().waitFor();
});

test("the image of a parent that never started itself is no other node", async () => {
  const { page } = now;
  await openPage(1);
  await rows().first().click();
  await region("Event")
    .getByRole("button", { name: /^What to do with ParentImage / })
    .click();
  await page.getByRole("menuitem", { name: "Open in the graph" }).click();
  await page.getByRole("menuitem", { name: "The graph does not hold it yet" }).waitFor();
  expect(page.url()).toContain("/process");
});

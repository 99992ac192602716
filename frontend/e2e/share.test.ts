import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { expectAccessible, go, logIn } from "./browser";
import { record, serverWith } from "./data";
import { button, canvas, freshWindows, look, now, server, stage, title } from "./stage";

/** The times of a graph, and a link that holds what was done with it. */
const guid = (n: number) => `{eeeeeeee-0000-0000-0000-${n.toString(16).padStart(12, "0")}}`;
const CHILDREN = 6;
const FILES = 5;
let records = 0;
const event = (code: number, data: object) => {
  records += 1;
  const time = `2026-01-05 10:${String(records).padStart(2, "0")}:00.000`;
  return record("ws01.example", time, code, { RecordNumber: records, ...data });
};
const image = (n: number) => `C:\\bin\\p${n}.exe`;
const EVENTS = Array.from({ length: CHILDREN }, (_, i) => [
  event(1, {
    ProcessGuid: guid(i + 1),
    ProcessId: i + 1,
    Image: image(i + 1),
    ParentProcessGuid: guid(i === 0 ? 900 : 1),
    ParentImage: i === 0 ? "C:\\Windows\\explorer.exe" : image(1),
  }),
  ...Array.from({ length: FILES }, (_, f) =>
    event(11, {
      ProcessGuid: guid(i + 1),
      Image: image(i + 1),
      TargetFilename: `C:\\temp\\${i}-${f}.exe`,
    }),
  ),
]).flat();

stage(() => serverWith(EVENTS));
freshWindows();

const nodes = async () =>
  Number(
    /of ([\d,]+) nodes/.exec((await canvas().getAttribute("aria-label")) ?? "")?.[1]?.replaceAll(",", ""),
  );
const openProcess = async () => {
  await logIn(now.page, server.url, `/graph?name=${encodeURIComponent(guid(1))}`);
  await canvas().waitFor();
  await now.page.getByRole("heading", { name: "Neighbours" }).waitFor();
};
interface Exported {
  layout: string;
  nodes: { id: string; place: { column: number; row: number } }[];
}
async function exported(): Promise<Exported> {
  await button("Export").click();
  const [file] = await Promise.all([
    now.page.waitForEvent("download"),
    now.page.getByRole("menuitem", { name: "Data (JSON)" }).click(),
  ]);
  return JSON.parse(readFileSync(await file.path(), "utf8")) as Exported;
}
const places = (of: Exported) => Object.fromEntries(of.nodes.map((n) => [n.id, n.place]));

test("a part of the time is looked at, by keyboard", async () => {
  const { page } = now;
  await openProcess();
  await button("Expand all").click();
  await button("Undo").waitFor();
  const from = page.getByRole("slider", { name: "Show from" });
  await from.focus();
  for (let i = 0; i < 40; i += 1) await page.keyboard.press("ArrowRight");
  await page.getByText(/\d highlighted/).waitFor();
  await button("Show all times").click();
  await expect.poll(() => page.getByText(/\d highlighted/).count()).toBe(0);
});

test("a part of the time is looked at, by mouse", async () => {
  const { page } = now;
  await openProcess();
  await button("Expand all").click();
  await button("Undo").waitFor();
  const bars = page.locator(".brush svg").first();
  const box = await bars.boundingBox();
  if (!box) throw new Error("the times have no size");
  await page.mouse.move(box.x + box.width * 0.4, box.y + 8);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.9, box.y + 8, { steps: 5 });
  await page.mouse.up();
  await page.getByText(/\d highlighted/).waitFor();
  const from = await page.getByRole("slider", { name: "Show from" }).getAttribute("aria-valuenow");
  expect(Number(from)).toBeGreaterThan(350);
  expect(Number(from)).toBeLessThan(450);
  await expectAccessible(page, "a part of the time");
  // A click is one bar: the ends stand close together then, and the bars take their place.
  const again = await bars.boundingBox();
  if (!again) throw new Error("the times have no size");
  await page.mouse.click(again.x + 1, again.y + 8);
  await expect
    .poll(() => page.getByRole("slider", { name: "Show up to" }).getAttribute("aria-valuenow"))
    .toBe("13");
  await button("Show all times").click();
  await expect.poll(() => page.getByText(/\d highlighted/).count()).toBe(0);
});

test("a link restores the whole exploration, and undo goes on from there", async () => {
  const { page } = now;
  await openProcess();
  const first = await nodes();
  await canvas().focus();
  await page.keyboard.press("Enter");
  await expect.poll(nodes).toBeGreaterThan(first);
  const second = await nodes();
  await page.keyboard.press("ArrowRight");
  const name = await title();
  await page.keyboard.press("e");
  await expect.poll(nodes).toBeGreaterThan(second);
  await page.keyboard.press("l");
  await page.getByLabel("Find in the graph").fill("exe");
  await page.getByText(/\d highlighted/).waitFor();
  const whole = await exported();
  expect(whole.layout).toBe("force");
  const shared = await page.evaluate(() => location.href);
  expect(shared).toMatch(/#steps=expand\./);
  await now.context.close();

  await look();
  const other = now.page;
  await logIn(other, server.url, shared.slice(server.url.length));
  await canvas().waitFor();
  await expect.poll(nodes).toBe(whole.nodes.length);
  await expect.poll(title).toBe(name);
  await other.getByText(/\d highlighted/).waitFor();
  expect(places(await exported())).toEqual(places(whole));
  expect((await exported()).layout).toBe("force");
  expect(other.url()).toBe(shared);
  await button("Undo").click();
  await button("Undo").click();
  await expect.poll(nodes).toBe(second);
  await other.reload();
  await expect.poll(nodes).toBe(second);
  await go(other, `/graph?name=${encodeURIComponent(guid(1))}#steps=expand.gone*layout.force`);
  await other.getByText("2 steps of the link could not be done again").waitFor();
  await expectAccessible(other, "a link of which a part is gone");
});

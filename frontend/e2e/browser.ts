import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from "playwright-core";
import { expect } from "vitest";
import { PASSWORD } from "./server";

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu"],
  });
}

export interface Visit {
  context: BrowserContext;
  page: Page;
  /** What went wrong behind the page: errors of scripts, requests to other sites. */
  faults: string[];
}

export interface Choice {
  language?: "en" | "ja";
  scheme?: "dark" | "light";
}

/** A fresh window. */
export async function visit(browser: Browser, url: string, choice: Choice = {}): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: choice.language === "ja" ? "ja-JP" : "en-US",
    colorScheme: choice.scheme ?? "dark",
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults: string[] = [];
  page.on("pageerror", (issue) => faults.push(issue.message));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  page.on("request", (request) => {
    if (/^(https?|wss?):/.test(request.url()) && new URL(request.url()).host !== new URL(url).host) {
      faults.push(`request to ${request.url()}`);
    }
  });
  return { context, page, faults };
}

/** Closes the window of a test at the end of it; what went wrong behind the page fails the test. */
export function closeAtEnd(onTestFinished: (end: () => Promise<void>) => void, now: () => Visit) {
  onTestFinished(async () => {
    await now().context.close();
    expect(now().faults).toEqual([]);
  });
}

/** Logs in by keyboard alone. */
export async function logIn(page: Page, url: string, path = "/") {
  await page.goto(url + path);
  await page.locator("input[autocomplete=username]").waitFor();
  await page.keyboard.type("admin");
  await page.keyboard.press("Tab");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByRole("navigation").waitFor();
}

/** Goes to a page without losing the session, as a click on a link does. */
export async function go(page: Page, path: string) {
  await page.goto(new URL(path, page.url()).toString());
  await page.getByRole("navigation").waitFor();
}

/** No violation of WCAG 2.2 A and AA. */
export async function expectAccessible(page: Page, what: string) {
  // What is still the answer to the question before is faded.
  await expect.poll(() => page.locator("[aria-busy=true]").count()).toBe(0);
  // Colors between two states are no state.
  await page.evaluate(async () => {
    const ends = document.getAnimations().filter((a) => a.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(ends.map((a) => a.finished));
  });
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const checked = await (window as unknown as { axe: typeof axe }).axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    });
    return checked.violations.map(
      (v) =>
        `${v.id}: ${v.nodes
          .map((n) => n.html)
          .slice(0, 3)
          .join(" | ")}`,
    );
  });
  expect(violations, what).toEqual([]);
}

/** Focuses by Tab alone, from where the focus is: what has this name. */
export async function tabTo(page: Page, name: RegExp, key: "Tab" | "Shift+Tab" = "Tab") {
  const focused = async () => {
    await page.keyboard.press(key);
    return page.evaluate(() => {
      const at = document.activeElement;
      const labels = at instanceof HTMLInputElement ? at.labels?.[0]?.textContent : "";
      return at?.getAttribute("aria-label") || labels || at?.textContent?.trim() || "";
    });
  };
  await expect.poll(focused, { interval: 5, timeout: 60_000 }).toMatch(name);
}

/** Draws over a part of what lies there, from one share of its width to another. */
export async function drag(page: Page, over: Locator, from: number, to: number) {
  const box = await over.boundingBox();
  if (!box) throw new Error("it has no size");
  await page.mouse.move(box.x + 1 + (box.width - 2) * from, box.y + box.height / 3);
  await page.mouse.down();
  await page.mouse.move(box.x + 1 + (box.width - 2) * to, box.y + box.height / 3, { steps: 5 });
  await page.mouse.up();
}

/** Nothing stands outside of the window to the right, at half of a laptop's screen and less. */
export async function expectFits(page: Page, what: string) {
  for (const width of [960, 640]) {
    await page.setViewportSize({ width, height: 1000 });
    await expect
      .poll(() => page.evaluate(() => document.documentElement.scrollWidth), { message: `${what}, ${width}` })
      .toBeLessThanOrEqual(width);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

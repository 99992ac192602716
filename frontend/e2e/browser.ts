import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
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

interface Choice {
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

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { type Choice, closeAtEnd, openBrowser, type Visit, visit } from "./browser";
import type { Server } from "./server";

/** What the tests of a file share, and the window that the test of the moment looks at. */
export let server: Server;
export let browser: Browser;
export let now: Visit;

/** Starts a server and a browser for the tests of a file, and ends them; nothing where the logs that they need are missing. */
export function stage(start: () => Promise<Server>, isThere = true) {
  beforeAll(async () => {
    if (isThere) [server, browser] = await Promise.all([start(), openBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });
}

/** Each test from here on has a fresh window, which is closed at its end. */
export function freshWindows(choice: Choice = {}) {
  beforeEach(async ({ onTestFinished }) => {
    await look(choice);
    closeAtEnd(onTestFinished, () => now);
  });
}

/** Looks at a fresh window from now on. */
export async function look(choice: Choice = {}) {
  now = await visit(browser, server.url, choice);
}

/** Parts of the pages. */
export const region = (name: string) => now.page.getByRole("region", { name, exact: true });
export const button = (name: string | RegExp) => now.page.getByRole("button", { name, exact: true });
export const canvas = () => now.page.getByRole("application");
export const rows = () => now.page.locator("table.events tbody tr");
export const title = () => now.page.locator(".side h2").first().innerText();
export const param = (name: string) => new URL(now.page.url()).searchParams.get(name);
/** A number as it is written in any language. */
export const number = (text: string) => Number(text.replace(/[^\d]/g, ""));

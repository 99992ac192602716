import type { Page } from "playwright-core";
import { expect } from "vitest";

/** What has the focus is called: by its label, its heading or its text. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const at = document.activeElement;
    const field = at instanceof HTMLInputElement ? at.labels?.[0]?.textContent : undefined;
    return (at?.getAttribute("aria-label") ?? field ?? at?.textContent ?? "").trim();
  });

/** Goes on by Tab alone, from where the focus is. */
export async function tabTo(page: Page, name: RegExp, key: "Tab" | "Shift+Tab" = "Tab") {
  await expect
    .poll(
      async () => {
        await page.keyboard.press(key);
        return focused(page);
      },
      { interval: 10 },
    )
    .toMatch(name);
}

import { defineConfig } from "vitest/config";

/** The pages in a real browser against the real binary: one browser, one server, one test after the other. */
export default defineConfig({
  test: {
    include: ["e2e/**/*.test.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
});

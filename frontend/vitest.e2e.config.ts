import { defineConfig } from "vitest/config";

/** The pages in a real browser against the real binary: one browser, one server, one test after the other. */
export default defineConfig({
  test: {
    include: ["e2e/**/*.test.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 120_000,
    // A busy machine takes its time: what is awaited may come late.
    expect: { poll: { timeout: 30_000 } },
    // A browser that stumbled once is told in the report (`retry x1`) and fails nothing.
    retry: 1,
    hookTimeout: 180_000,
  },
});

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds the server; the built page is served by the server itself. */
const server = process.env.SYSMONSEARCH_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: { target: "es2022", sourcemap: false },
  server: {
    proxy: { "/graphql": { target: server, ws: true }, "/api": { target: server } },
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});

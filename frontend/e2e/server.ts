import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const START_MS = 120_000;
export const PASSWORD = "a password for tests only";

export interface Server {
  url: string;
  stop: () => Promise<void>;
}

/** Starts the real program (`SYSMONSEARCH_BIN`) on a fresh data folder with the page built in `dist`. */
export async function startServer(command: "demo" | "serve"): Promise<Server> {
  const binary = process.env.SYSMONSEARCH_BIN;
  if (!binary) throw new Error("SYSMONSEARCH_BIN must name the built program");
  const folder = mkdtempSync(join(tmpdir(), "sysmonsearch-e2e-"));
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, `${PASSWORD}\n`);
  const page = fileURLToPath(new URL("../dist", import.meta.url));
  const args = [command, "--data", join(folder, "data"), "--listen", "127.0.0.1:0"];
  const child = spawn(binary, [...args, "--admin-password-file", passwordFile, "--page", page], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { url: await address(child), stop };
  } catch (issue) {
    await stop();
    throw issue;
  }
}

/** The program says on standard output where it listens. */
function address(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => reject(new Error(`the server did not start:\n${said}`)), START_MS);
    const hear = (part: Buffer) => {
      said += part.toString();
      const found = /https?:\/\/127\.0\.0\.1:\d+/.exec(said);
      if (!found) return;
      clearTimeout(timer);
      resolve(found[0]);
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", (part: Buffer) => {
      said += part.toString();
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}:\n${said}`)));
  });
}

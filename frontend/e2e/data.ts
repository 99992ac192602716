import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PASSWORD, type Server } from "./server";

/** Real logs, where they are: `SYSMON_TEST_DATA`, by default beside the repository. */
export const data =
  process.env.SYSMON_TEST_DATA ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));
export const isThere = existsSync(`${data}/manifest.csv`);
if (!isThere && process.env.CI) throw new Error("the real logs are missing: set SYSMON_TEST_DATA");

/** Sysmon events of a file as the manifest counts them. */
export function counted(file: string): number {
  const [head = "", ...rows] = readFileSync(`${data}/manifest.csv`, "utf8").split("\n");
  const row = rows.find((r) => r.startsWith(`${file},`));
  return Number(row?.split(",")[head.split(",").indexOf("sysmon_events")]);
}

const IMPORT_MS = 120_000;

async function graphql(server: Server, token: string, query: string, variables: object) {
  const response = await fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const answer = (await response.json()) as { data?: Record<string, unknown>; errors?: object[] };
  if (!answer.data || answer.errors) throw new Error(JSON.stringify(answer));
  return answer.data;
}

/** Imports files below [`data`] over HTTP and waits until they are stored. */
export async function importFiles(server: Server, files: string[]) {
  const login = "mutation($i: LoginInput!) { login(input: $i) { token } }";
  const logged = await graphql(server, "", login, { i: { name: "admin", password: PASSWORD } });
  const { token } = logged.login as { token: string };
  const until = Date.now() + IMPORT_MS;
  for (const file of files) {
    const url = `${server.url}/api/import?name=${encodeURIComponent(file)}`;
    const headers = { authorization: `Bearer ${token}` };
    const sent = await fetch(url, { method: "POST", headers, body: readFileSync(`${data}/${file}`) });
    const { jobId } = (await sent.json()) as { jobId: string };
    for (;;) {
      const job = "query($id: ID!) { importJob(id: $id) { state stored } }";
      const { importJob } = await graphql(server, token, job, { id: jobId });
      const { state } = importJob as { state: string };
      if (state === "DONE") break;
      if (state !== "RUNNING" || Date.now() > until) throw new Error(`${file}: ${state}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PASSWORD, type Server, startServer } from "./server";

/** Real logs, where they are: `SYSMON_TEST_DATA`, by default beside the repository. */
export const data =
  process.env.SYSMON_TEST_DATA ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));
export const isThere = existsSync(`${data}/manifest.csv`);
if (!isThere && process.env.CI) throw new Error("the real logs are missing: set SYSMON_TEST_DATA");

/** Asks again and again: outside of a test there is no `expect.poll`. */
export async function until(what: string, is: () => Promise<boolean>) {
  const end = Date.now() + 150_000;
  while (!(await is())) {
    if (Date.now() > end) throw new Error(`${what} took too long`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** The API as another program uses it. */
export interface Api {
  ask: <T>(query: string, variables?: object) => Promise<T>;
  /** Uploads a log and waits until all of it is in the graph. */
  load: (name: string, body: Uint8Array<ArrayBuffer>) => Promise<void>;
}

export async function openApi(url: string): Promise<Api> {
  const post = async (path: string, headers: Record<string, string>, body: BodyInit) => {
    const answer = await fetch(url + path, { method: "POST", headers, body });
    return answer.json() as Promise<Record<string, unknown>>;
  };
  let authorization = "";
  const ask = async <T>(query: string, variables: object = {}) => {
    const headers = { "content-type": "application/json", ...(authorization ? { authorization } : {}) };
    const answer = await post("/graphql", headers, JSON.stringify({ query, variables }));
    if (answer.errors) throw new Error(JSON.stringify(answer.errors));
    return answer.data as T;
  };
  const { login } = await ask<{ login: { token: string } }>(
    'mutation ($p: String!) { login(input: { name: "admin", password: $p }) { token } }',
    { p: PASSWORD },
  );
  authorization = `Bearer ${login.token}`;
  let loaded = 0;
  const load = async (name: string, body: Uint8Array<ArrayBuffer>) => {
    const { jobId } = await post(`/api/import?name=${name}`, { authorization }, new Blob([body]));
    let stored = 0;
    await until(`the import of ${name}`, async () => {
      const { importJob } = await ask<{ importJob: { state: string; stored: number } }>(
        "query ($id: ID!) { importJob(id: $id) { state stored } }",
        { id: jobId },
      );
      if (importJob.state === "FAILED") throw new Error(`${name} was not imported`);
      stored = importJob.stored;
      return importJob.state === "DONE";
    });
    // Index and graph follow the log.
    loaded += stored;
    await until(`the index of ${name}`, async () => {
      const { events } = await ask<{ events: { total: { value: number } } }>(
        "{ events(first: 1) { total { value } } }",
      );
      return events.total.value >= loaded;
    });
    await until(`the graph of ${name}`, async () => {
      const { events } = await ask<{ events: { nodes: { process: object | null }[] } }>(
        '{ events(first: 20, condition: { match: { field: "EventID", values: ["1", "3"] } }) { nodes { process { id } } } }',
      );
      return events.nodes.every((e) => e.process);
    });
  };
  return { ask, load };
}

/** One event as nxlog writes it, a line; `data` is what is its own. */
export const record = (host: string, time: string, code: number, data: object) =>
  JSON.stringify({
    Channel: "Microsoft-Windows-Sysmon/Operational",
    SourceName: "Microsoft-Windows-Sysmon",
    Hostname: host,
    UtcTime: time,
    EventID: code,
    ...data,
  });

/** A server that holds these events. */
export async function serverWith(records: string[]): Promise<Server> {
  const server = await startServer("serve");
  try {
    const { load } = await openApi(server.url);
    await load("made.jsonl", new TextEncoder().encode(records.join("\n")));
    return server;
  } catch (issue) {
    await server.stop();
    throw issue;
  }
}

/** Waits until the past of a demo can be searched, up to what is happening now: how many events there are. */
export async function pastOf({ ask }: Api): Promise<number> {
  let found = 0;
  await until("the past of the demo", async () => {
    const { events } = await ask<{ events: { total: { value: number }; nodes: { time: string }[] } }>(
      "{ events(first: 1) { total { value } nodes { time } } }",
    );
    found = events.total.value;
    return Date.now() - Date.parse(events.nodes[0]?.time ?? "2000-01-01") < 30_000;
  });
  return found;
}

const LOGS = "evtx/sbousseaden";
const OF_HOSTS = [
  "AutomatedTestingTools/PanacheSysmon_vs_AtomicRedTeam01.evtx",
  "AutomatedTestingTools/panache_sysmon_vs_EDRTestingScript.evtx",
  "Command_and_Control/DE_sysmon-3-rdp-tun.evtx",
  "Credential_Access/babyshark_mimikatz_powershell.evtx",
  "Defense_Evasion/DE_UAC_Disabled_Sysmon_12_13.evtx",
  "Lateral_Movement/LM_impacket_docmexec_mmc_sysmon_01.evtx",
];

/** A server that holds real logs of several hosts, which do not change while they are looked at. */
export async function serverOfHosts(): Promise<Server> {
  const server = await startServer("serve");
  try {
    const { load } = await openApi(server.url);
    for (const file of OF_HOSTS)
      await load(file.split("/").at(-1) ?? file, readFileSync(`${data}/${LOGS}/${file}`));
    return server;
  } catch (issue) {
    await server.stop();
    throw issue;
  }
}

import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { ProcessFactsQuery } from "../api/generated";
import { useClock } from "../shared/clock";
import { HitList } from "../shared/HitList";
import { processLink } from "../shared/links";

export type ProcessNode = NonNullable<ProcessFactsQuery["process"]>;

/** Host and times first, then what the process is known by. */
export function useFacts(): (process: ProcessNode) => [string, string][] {
  const { t } = useTranslation();
  const clock = useClock();
  const when = (time: string) => `${clock.time(time)} ${clock.label}`;
  return (process) => [
    [t("column.host"), process.host ?? ""],
    [t("hosts.first"), when(process.firstSeen)],
    [t("hosts.last"), when(process.lastSeen)],
    ...process.properties.map((p): [string, string] => [p.name, p.value]),
  ];
}

/** From the first process of the chain down to this one. */
export function Chain({ process }: { process: ProcessNode }) {
  const { t } = useTranslation();
  const clock = useClock();
  const chain = [...(process.lineage?.ancestors ?? [])].reverse();
  const guid = (node: { properties: { name: string; value: string }[] }) =>
    node.properties.find((p) => p.name === "processGuid")?.value;
  return (
    <section aria-label={t("process.chain")}>
      <ol className="chain">
        {chain.map(({ node, spawned }) => {
          const own = guid(node);
          const when = spawned ? `${clock.time(spawned.first)} ${clock.label}` : t("process.noParent");
          return (
            <li key={node.id} title={when}>
              {node.id === process.id || !own ? (
                <b aria-current={node.id === process.id ? "page" : undefined}>{node.label}</b>
              ) : (
                <Link href={processLink(own)}>{node.label}</Link>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}

export function Facts({ process }: { process: ProcessNode }) {
  const { t } = useTranslation();
  const facts = useFacts();
  return (
    <>
      {process.hits.length > 0 && (
        <>
          <h2>{t("process.hits")}</h2>
          <HitList hits={process.hits} guid={guidOf(process)} />
        </>
      )}
      <h2>{t("process.facts")}</h2>
      <dl className="facts">
        {facts(process).map(([name, value]) => (
          <div key={name} style={{ display: "contents" }}>
            <dt>{name}</dt>
            <dd className="mono">{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

export const guidOf = (process: ProcessNode) =>
  process.properties.find((p) => p.name === "processGuid")?.value ?? "";

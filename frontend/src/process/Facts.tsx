import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { ProcessFactsQuery } from "../api/generated";
import { useClock } from "../shared/clock";
import { HitList } from "../shared/HitList";
import { processLink } from "../shared/links";
import { PropertyValue } from "../shared/Property";
import type { Period } from "../shared/period";

export type ProcessNode = NonNullable<ProcessFactsQuery["process"]>;

export interface Fact {
  name: string;
  value: string;
  /** Name of the property of the node, if it is one. */
  property?: string;
}

/** Host and times first, then what the process is known by. */
export function useFacts(): (process: ProcessNode) => Fact[] {
  const { t } = useTranslation();
  const clock = useClock();
  const when = (time: string) => `${clock.time(time)} ${clock.label}`;
  return (process) => [
    { name: t("column.host"), value: process.host ?? "", property: "computer" },
    { name: t("hosts.first"), value: when(process.firstSeen) },
    { name: t("hosts.last"), value: when(process.lastSeen) },
    ...process.properties.map((p) => ({ ...p, property: p.name })),
  ];
}

/** From the first process of the chain down to this one. */
export function Chain({ process, period }: { process: ProcessNode; period: Period }) {
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
                <Link href={processLink(own, undefined, period)}>{node.label}</Link>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}

/** A fact, and what can be done with it. */
export function FactValue({ fact, of }: { fact: Fact | undefined; of: ProcessNode }) {
  if (!fact?.property) return fact?.value;
  return <PropertyValue name={fact.property} value={fact.value} kind="PROCESS" host={of.host} />;
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
        {facts(process).map((fact) => (
          <div key={fact.name} style={{ display: "contents" }}>
            <dt>{fact.name}</dt>
            <dd className="mono acting">
              <FactValue fact={fact} of={process} />
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

export const guidOf = (process: ProcessNode) =>
  process.properties.find((p) => p.name === "processGuid")?.value ?? "";

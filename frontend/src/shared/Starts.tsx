import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { Link } from "wouter";
import { StartsDocument } from "../api/generated";
import { useClock } from "./clock";
import { useNumber } from "./format";
import { Level } from "./Level";
import { graphLink, processLink, treeLink } from "./links";
import { State } from "./State";

const HITS = 30;
const SHOWN = 10;

/** Where to begin while nothing is open: processes that rules have hit last, and the busiest hosts. */
export function Starts({ as }: { as: "graph" | "process" }) {
  const { t } = useTranslation();
  const clock = useClock();
  const number = useNumber();
  const [{ data, error, fetching }, reload] = useQuery({
    query: StartsDocument,
    variables: { hits: HITS, hosts: SHOWN },
  });
  const seen = new Set<string>();
  const hits = (data?.hits.nodes ?? []).flatMap((hit) => {
    const process = hit.event?.process;
    const guid = process?.properties.find((p) => p.name === "processGuid")?.value;
    if (!process || !guid || seen.has(process.id) || seen.size >= SHOWN) return [];
    seen.add(process.id);
    return [{ ...hit, label: process.label, to: as === "graph" ? graphLink(process.id) : processLink(guid) }];
  });
  const hosts = data?.hosts.nodes ?? [];
  return (
    <div className="starts">
      <State loading={fetching} error={error} empty={!data} nothing={null} retry={() => reload()} />
      {hits.length > 0 && (
        <section aria-label={t("starts.hits")}>
          <h2>{t("starts.hits")}</h2>
          <table className="dense">
            <tbody>
              {hits.map((hit) => (
                <tr key={hit.id}>
                  <td>
                    <Level level={hit.level} />
                  </td>
                  <td>
                    <Link href={hit.to}>{hit.label}</Link>
                  </td>
                  <td className="dim">{hit.ruleTitle}</td>
                  <td className="dim">{hit.host}</td>
                  <td className="mono dim" style={{ whiteSpace: "nowrap" }}>
                    {clock.time(hit.time, false)} {clock.label}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {as === "graph" && hosts.length > 0 && (
        <section aria-label={t("starts.hosts")}>
          <h2>{t("starts.hosts")}</h2>
          <table className="dense">
            <tbody>
              {hosts.map((host) => (
                <tr key={host.name}>
                  <td>
                    <Link href={treeLink(host.name)}>{host.name}</Link>
                  </td>
                  <td className="num dim">
                    {t("hosts.facts", { events: number(host.events), hits: number(host.hits) })}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}

import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { Link } from "wouter";
import { SameImageDocument } from "../api/generated";
import { useClock } from "../shared/clock";
import { conditionInput, emptyGroup, match } from "../shared/condition";
import { useNumber } from "../shared/format";
import { processLink, searchLink } from "../shared/links";
import type { Period } from "../shared/period";
import { State } from "../shared/State";
import { guidOf, type ProcessNode } from "./Facts";

const SHOWN = 10;

/** Other processes of the same image, last started first: each can be compared with this one. */
export function Others({ process, period }: { process: ProcessNode; period: Period }) {
  const { t } = useTranslation();
  const clock = useClock();
  const number = useNumber();
  const guid = guidOf(process);
  const image = process.properties.find((p) => p.name === "image")?.value;
  const search = emptyGroup([
    match("EventID", "1"),
    match("Image", image ?? ""),
    match("ProcessGuid", guid, "EQUALS", true),
  ]);
  const [{ data, error, fetching }, reload] = useQuery({
    query: SameImageDocument,
    variables: { condition: conditionInput(search), first: SHOWN },
    pause: !image,
  });
  if (!image) return null;
  const total = data?.events.total.value ?? 0;
  const others = data?.events.nodes ?? [];
  return (
    <section aria-label={t("process.others")}>
      <h2>
        {t("process.others")} {data && number(total)}
      </h2>
      <State
        loading={fetching}
        error={error}
        empty={others.length === 0}
        nothing={t("process.noOthers")}
        retry={() => reload()}
      />
      {others.length > 0 && (
        <table className="dense">
          <thead>
            <tr>
              <th scope="col">
                {t("column.time")} ({clock.label})
              </th>
              <th scope="col">{t("column.host")}</th>
              <th scope="col">
                <span className="unseen">{t("event.actions")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {others.map((other) => (
              <tr key={other.id}>
                <td className="mono" title={other.commandLine ?? undefined}>
                  {clock.time(other.time, false)}
                </td>
                <td className="wrap">{other.host}</td>
                <td style={{ whiteSpace: "nowrap" }}>
                  {other.guid && (
                    <Link
                      href={processLink(guid, other.guid, period)}
                      aria-label={t("process.compareTo", {
                        host: other.host,
                        time: `${clock.time(other.time, false)} ${clock.label}`,
                      })}
                    >
                      {t("process.compare")}
                    </Link>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {total > others.length && others.length > 0 && (
        <div className="dim">
          {t("page.shown", { shown: number(others.length), total: number(total) })}{" "}
          <Link className="inline" href={searchLink(search)}>
            {t("process.search")}
          </Link>
        </div>
      )}
    </section>
  );
}

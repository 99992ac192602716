import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { HostCodesDocument } from "../api/generated";
import { usePages } from "../api/pages";
import { emptyGroup, type Group, match } from "../shared/condition";
import { useNumber } from "../shared/format";
import { EventIcon } from "../shared/Icon";
import { hostLink, searchLink } from "../shared/links";
import { PagesEnd } from "../shared/PagesEnd";
import { type Period, periodInput } from "../shared/period";
import { Scroll } from "../shared/Scroll";

const PAGE = 100;

/** Events per host and event code: which host sends what, and which kind of event is missing where. */
export function HeatMap({ asked, period }: { asked: Group; period: Period }) {
  const { t, i18n } = useTranslation();
  const number = useNumber();
  const key = JSON.stringify(period);
  const variables = useMemo(() => ({ period: periodInput(JSON.parse(key)), first: PAGE }), [key]);
  const pages = usePages(HostCodesDocument, variables, (d) => d.hosts);
  const codes = new Map(pages.items.flatMap((h) => h.codes.map((c) => [c.code, c.name] as const)));
  const columns = [...codes].sort(([a], [b]) => a - b);
  const highest = Math.max(2, ...pages.items.flatMap((h) => h.codes.map((c) => c.count)));
  const short = new Intl.NumberFormat(i18n.language, { notation: "compact", maximumFractionDigits: 1 });
  return (
    <>
      {asked.items.length > 0 && <p className="dim">{t("statistics.heatWhole")}</p>}
      <Scroll className="panel heat" label={t("statistics.views.heat")}>
        {pages.items.length > 0 && (
          <table>
            <thead>
              <tr>
                <th scope="col">{t("column.host")}</th>
                {columns.map(([code, name]) => (
                  <th key={code} scope="col" title={`${code} ${name}`}>
                    <EventIcon code={code} size={15} title={name} />
                    <div>{code}</div>
                  </th>
                ))}
                <th scope="col">{t("statistics.sum")}</th>
              </tr>
            </thead>
            <tbody>
              {pages.items.map((host) => {
                const counts = new Map(host.codes.map((c) => [c.code, c.count]));
                return (
                  <tr key={host.name}>
                    <th scope="row">
                      <Link href={hostLink(host.name, period)}>{host.name}</Link>
                    </th>
                    {columns.map(([code, name]) => {
                      const count = counts.get(code) ?? 0;
                      const heat = count && Math.round(14 + (80 * Math.log(count)) / Math.log(highest));
                      return (
                        <td
                          key={code}
                          style={{ background: `color-mix(in srgb, var(--heat) ${heat}%, var(--panel))` }}
                        >
                          {count > 0 && (
                            <Link
                              href={searchLink(
                                emptyGroup([match("Computer", host.name), match("EventID", String(code))]),
                                period,
                              )}
                              title={`${host.name}, ${name}: ${number(count)}`}
                            >
                              {short.format(count)}
                            </Link>
                          )}
                        </td>
                      );
                    })}
                    <td className="num">{number(host.events)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        )}
        <PagesEnd pages={pages} nothing={t("hosts.nothing")} />
      </Scroll>
    </>
  );
}

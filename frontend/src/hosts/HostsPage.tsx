import { Button } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "wouter";
import { HostsDocument } from "../api/generated";
import { usePages } from "../api/pages";
import { useNumber, utc } from "../shared/format";
import { PeriodPicker } from "../shared/PeriodPicker";
import { type Period, periodInput, readPeriod, writePeriod } from "../shared/period";
import { Scroll } from "../shared/Scroll";
import { State } from "../shared/State";
import { HostPanel } from "./HostPanel";

const PAGE = 100;

/** The hosts that sent events in the period, and the time line of one of them. */
export function HostsPage() {
  const { t } = useTranslation();
  const number = useNumber();
  const [params, setParams] = useSearchParams();
  const period = readPeriod(params);
  const selected = params.get("host") ?? undefined;
  const key = JSON.stringify(period);
  const variables = useMemo(() => ({ period: periodInput(JSON.parse(key)), first: PAGE }), [key]);
  const pages = usePages(HostsDocument, variables, (d) => d.hosts);
  const set = (change: { host?: string; period?: Period }) =>
    setParams((old) => {
      const next = new URLSearchParams(old);
      if (change.host) next.set("host", change.host);
      if (change.period) writePeriod(change.period, next);
      return next;
    });
  const highest = Math.max(1, ...pages.items.map((h) => h.events));
  return (
    <>
      <header className="head">
        <h1>{t("pages.hosts")}</h1>
        <PeriodPicker value={period} onChange={(p) => set({ period: p })} />
        <span className="push dim" role="status">
          {t(pages.more ? "hosts.shownMore" : "hosts.shown", { shown: number(pages.items.length) })}
        </span>
      </header>
      {selected && (
        <HostPanel key={selected} name={selected} period={period} onPeriod={(p) => set({ period: p })} />
      )}
      <Scroll style={{ flex: 1, overflow: "auto", minHeight: 120 }} label={t("hosts.list")}>
        <table className="dense">
          <thead>
            <tr>
              <th scope="col">{t("column.host")}</th>
              <th scope="col" className="num">
                {t("hosts.events")}
              </th>
              <th scope="col" style={{ width: "22%" }}>
                <span className="unseen">{t("hosts.share")}</span>
              </th>
              <th scope="col" className="num">
                {t("hosts.hits")}
              </th>
              <th scope="col" className="num">
                {t("hosts.codes")}
              </th>
              <th scope="col">{t("hosts.first")} (UTC)</th>
              <th scope="col">{t("hosts.last")} (UTC)</th>
            </tr>
          </thead>
          <tbody>
            {pages.items.map((host) => (
              <tr key={host.name} aria-selected={host.name === selected}>
                <td>
                  <button type="button" className="plain" onClick={() => set({ host: host.name })}>
                    {host.name}
                  </button>
                </td>
                <td className="num">{number(host.events)}</td>
                <td style={{ verticalAlign: "middle" }}>
                  <div className="bar" style={{ width: `${(100 * host.events) / highest}%` }} />
                </td>
                <td
                  className="num"
                  style={host.hits > 0 ? { color: "var(--level-high)", fontWeight: 650 } : undefined}
                >
                  {number(host.hits)}
                </td>
                <td className="num">{host.codes.length}</td>
                <td className="mono">{utc(host.firstSeen, false)}</td>
                <td className="mono">{utc(host.lastSeen, false)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <State
          loading={pages.loading}
          error={pages.error}
          empty={pages.items.length === 0}
          nothing={t("hosts.nothing")}
          retry={pages.reload}
        />
        {pages.more && (
          <Button m="sm" variant="default" onClick={pages.loadMore} loading={pages.loading}>
            {t("page.more")}
          </Button>
        )}
      </Scroll>
    </>
  );
}

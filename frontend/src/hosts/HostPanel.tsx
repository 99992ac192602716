import { Button, SegmentedControl } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { Link } from "wouter";
import { HostTimelineDocument } from "../api/generated";
import { dayOf, useClock } from "../shared/clock";
import { emptyGroup, match } from "../shared/condition";
import { useNumber } from "../shared/format";
import { EventIcon, Icon } from "../shared/Icon";
import { searchLink, treeLink } from "../shared/links";
import { type Period, periodInput } from "../shared/period";
import { RuleHits } from "../shared/RuleHits";
import { State } from "../shared/State";
import type { Change } from "./address";
import { HostEvents } from "./HostEvents";
import { RareHere } from "./RareHere";
import { Shares } from "./Shares";
import { Timeline } from "./Timeline";

const BARS = 96;
const DAY = 86_400_000;
export const TABS = ["shares", "events", "rare"] as const;
export type Tab = (typeof TABS)[number];

/** All that is said of one host leaves the address with it. */
const CLOSED = {
  host: null,
  tab: null,
  category: null,
  rare: null,
  everywhere: null,
  sort: null,
  event: null,
} satisfies Change;

interface Props {
  name: string;
  period: Period;
  tab: Tab;
  category: string | undefined;
  /** Of the page. */
  params: URLSearchParams;
  onChange: (change: Change, how?: { replace: boolean }) => void;
}

/** One host: when it was busy with what, and the ways on from there. */
export function HostPanel({ name, period, tab, category, params, onChange }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const clock = useClock();
  const key = JSON.stringify(period);
  const variables = useMemo(
    () => ({ name, period: periodInput(JSON.parse(key)), interval: { buckets: BARS } }),
    [name, key],
  );
  const [{ data, error, fetching }, reload] = useQuery({ query: HostTimelineDocument, variables });
  const host = data?.host;
  const day = (of: string, by: number) => {
    const from = dayOf(Date.parse(dayOf(of, clock.zone)) + by * DAY + DAY / 12, clock.zone);
    const to = dayOf(Date.parse(from) + DAY + DAY / 12, clock.zone);
    onChange({ period: { from, to } });
  };
  const current = period.from ?? host?.lastSeen;
  return (
    <section className="host-panel" aria-label={name} aria-busy={fetching && !!host}>
      <div className="row">
        <h2>
          <Icon name="hosts" /> {name}
        </h2>
        {host && (
          <span className="dim">
            {t("hosts.facts", { events: number(host.events), hits: number(host.hits) })} ·{" "}
            {clock.time(host.firstSeen, false)} – {clock.time(host.lastSeen, false)} {clock.label}
          </span>
        )}
        <div className="row" style={{ marginLeft: "auto" }}>
          <Button
            component={Link}
            href={treeLink(name, period)}
            leftSection={<Icon name="graph" size={14} />}
          >
            {t("hosts.tree")}
          </Button>
          <Button
            component={Link}
            variant="default"
            href={searchLink(match("Computer", name), period)}
            leftSection={<Icon name="search" size={14} />}
          >
            {t("hosts.inSearch")}
          </Button>
          <Button
            component={Link}
            variant="default"
            href={`/alerts?host=${encodeURIComponent(name)}`}
            leftSection={<Icon name="alerts" size={14} />}
          >
            {t("pages.alerts")}
          </Button>
          <Button variant="subtle" onClick={() => onChange(CLOSED)}>
            {t("hosts.close")}
          </Button>
        </div>
      </div>
      <State
        loading={fetching && !host}
        error={error}
        empty={!host}
        nothing={t("hosts.gone")}
        retry={() => reload()}
      />
      {host && data && (
        <>
          <div className="row dim">
            <span>
              {t("hosts.sysmon")}: <b>{host.sysmonVersion ?? t("hosts.unknown")}</b>
            </span>
            <span>
              {t("hosts.configChanges")}: <b>{number(host.configurationChanges)}</b>
            </span>
            {host.lastConfiguration && (
              <Link
                className="cut"
                style={{ maxWidth: 480 }}
                href={searchLink(emptyGroup([match("Computer", name), match("EventID", "16")]))}
                title={host.lastConfiguration.hash ?? undefined}
              >
                {clock.time(host.lastConfiguration.time, false)} {clock.label}{" "}
                {host.lastConfiguration.configuration}
              </Link>
            )}
          </div>
          <Timeline {...data.timeline} onBrush={(from, to) => onChange({ period: { from, to } })} />
          <div className="row" style={{ gap: 4 }}>
            <Button variant="default" disabled={!current} onClick={() => current && day(current, -1)}>
              {t("hosts.dayBefore")}
            </Button>
            <Button variant="default" disabled={!current} onClick={() => current && day(current, 0)}>
              {t("hosts.oneDay")}
            </Button>
            <Button variant="default" disabled={!current} onClick={() => current && day(current, 1)}>
              {t("hosts.dayAfter")}
            </Button>
            <Button variant="default" onClick={() => onChange({ period: {} })}>
              {t("period.all")}
            </Button>
            <SegmentedControl
              ml="auto"
              aria-label={t("hosts.view")}
              value={tab}
              onChange={(v) => onChange({ tab: v, sort: null, event: null })}
              data={TABS.map((x) => ({ value: x, label: t(`hosts.tabs.${x}`) }))}
            />
          </div>
          {tab === "shares" && (
            <div className="halves">
              <Shares
                buckets={data.timeline.buckets}
                onCategory={(c) => onChange({ tab: "events", category: c, sort: null })}
              />
              <section className="stack" aria-label={t("ruleHits.name")}>
                <h2>{t("ruleHits.name")}</h2>
                <RuleHits filter={{ host: name, period: variables.period }} />
              </section>
              <ul className="codes" aria-label={t("hosts.codes")}>
                {[...host.codes]
                  .sort((a, b) => b.count - a.count)
                  .map((code) => (
                    <li key={code.code}>
                      <Link
                        className="chip"
                        href={searchLink(
                          emptyGroup([match("Computer", name), match("EventID", String(code.code))]),
                          period,
                        )}
                      >
                        <EventIcon code={code.code} size={13} />
                        {code.name} <b className="num">{number(code.count)}</b>
                      </Link>
                    </li>
                  ))}
              </ul>
            </div>
          )}
          {tab === "events" && (
            <HostEvents
              host={name}
              period={period}
              category={category}
              sort={params.get("sort")}
              event={params.get("event")}
              onChange={onChange}
            />
          )}
          {tab === "rare" && <RareHere host={name} period={period} params={params} onChange={onChange} />}
        </>
      )}
    </section>
  );
}

import { Button } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { Link } from "wouter";
import { HostTimelineDocument } from "../api/generated";
import { emptyGroup, match } from "../shared/condition";
import { useNumber, utc } from "../shared/format";
import { EventIcon, Icon } from "../shared/Icon";
import { searchLink, treeLink } from "../shared/links";
import { type Period, periodInput } from "../shared/period";
import { State } from "../shared/State";
import { Timeline } from "./Timeline";

const BARS = 96;

interface Props {
  name: string;
  period: Period;
  onPeriod: (period: Period) => void;
}

/** One host: when it was busy with what, and the ways on from there. */
export function HostPanel({ name, period, onPeriod }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const key = JSON.stringify(period);
  const variables = useMemo(
    () => ({ name, period: periodInput(JSON.parse(key)), interval: { buckets: BARS } }),
    [name, key],
  );
  const [{ data, error, fetching }, reload] = useQuery({ query: HostTimelineDocument, variables });
  const host = data?.host;
  return (
    <section
      className="pad stack"
      style={{ borderBottom: "1px solid var(--line)", background: "var(--panel)" }}
      aria-label={name}
    >
      <div className="row">
        <h2>
          <Icon name="hosts" /> {name}
        </h2>
        {host && (
          <span className="dim">
            {t("hosts.facts", { events: number(host.events), hits: number(host.hits) })} ·{" "}
            {utc(host.firstSeen, false)} – {utc(host.lastSeen, false)} UTC
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
            {t("hosts.eventList")}
          </Button>
          <Button
            component={Link}
            variant="default"
            href={`/alerts?host=${encodeURIComponent(name)}`}
            leftSection={<Icon name="alerts" size={14} />}
          >
            {t("pages.alerts")}
          </Button>
        </div>
      </div>
      <State
        loading={fetching}
        error={error}
        empty={!host}
        nothing={t("hosts.gone")}
        retry={() => reload()}
      />
      {host && data && (
        <>
          <Timeline {...data.timeline} onBrush={(from, to) => onPeriod({ from, to })} />
          <div className="row" style={{ gap: 4 }}>
            {[...host.codes]
              .sort((a, b) => b.count - a.count)
              .map((code) => (
                <Link
                  key={code.code}
                  className="chip"
                  href={searchLink(
                    emptyGroup([match("Computer", name), match("EventID", String(code.code))]),
                    period,
                  )}
                >
                  <EventIcon code={code.code} size={13} />
                  {code.name} <b className="num">{number(code.count)}</b>
                </Link>
              ))}
          </div>
        </>
      )}
    </section>
  );
}

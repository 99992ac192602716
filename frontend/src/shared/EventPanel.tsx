import { ActionIcon, Button } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { Link } from "wouter";
import { EventDocument } from "../api/generated";
import { useLanguage } from "../i18n";
import { useClock } from "./clock";
import { categoryColour } from "./colours";
import type { Item } from "./condition";
import { EventIcon, Icon, NodeIcon } from "./Icon";
import { Level } from "./Level";
import { graphLink, hostLink, processLink, ruleLink } from "./links";
import type { Period } from "./period";
import { State } from "./State";
import { ValueButton } from "./ValueMenu";

interface Props {
  id: string;
  onClose: () => void;
  /** Adds a row to the search in place; without it a new search is opened. */
  onMatch?: ((item: Item) => void) | undefined;
  /** What searches for its values keep to. */
  period?: Period | undefined;
}

/** The graph follows the log: the process of an event that has just come may take a moment, or never come. */
const GRAPH_WAITS_MS = [1_500, 1_500, 3_000, 3_000, 6_000, 12_000, 24_000];

/** All fields of one event, and where to go from there. */
export function EventPanel({ id, onClose, onMatch, period }: Props) {
  const { t } = useTranslation();
  const language = useLanguage();
  const [{ data, error, fetching }, reload] = useQuery({ query: EventDocument, variables: { id, language } });
  const { time, label } = useClock();
  const event = data?.event;
  const guid = event?.fields.find((f) => /^(Source)?ProcessGuid$/.test(f.name))?.value;
  const awaited =
    !!event && !event.process && event.fields.some((f) => /^(Source)?ProcessGuid$/.test(f.name));
  // An answer counts when it is here: one that is on its way may still bring the process.
  const [answers, setAnswers] = useState(0);
  useEffect(() => {
    if (data) setAnswers((n) => n + 1);
  }, [data]);
  const more = answers <= GRAPH_WAITS_MS.length;
  useEffect(() => {
    if (!awaited || !more || answers === 0) return;
    const timer = setTimeout(() => reload({ requestPolicy: "network-only" }), GRAPH_WAITS_MS[answers - 1]);
    return () => clearTimeout(timer);
  }, [awaited, more, answers, reload]);
  return (
    <section aria-label={t("event.name")}>
      <div className="head" style={{ position: "sticky", top: 0, zIndex: 2 }}>
        {event && <EventIcon code={event.code} size={18} colour={categoryColour(event.category)} />}
        <h2>{event ? `${event.code} ${event.name}` : t("event.name")}</h2>
        <ActionIcon className="push" onClick={onClose} aria-label={t("event.close")}>
          <Icon name="close" />
        </ActionIcon>
      </div>
      <State
        loading={fetching && !event}
        error={error}
        empty={!event}
        nothing={t("event.gone")}
        retry={() => reload()}
      />
      {event && (
        <div className="stack pad">
          <div className="wrap">{event.description}</div>
          <div className="row">
            {event.process && (
              <Button component={Link} href={graphLink(event.process.id)} leftSection={<Icon name="graph" />}>
                {t("event.openGraph")}
              </Button>
            )}
            {guid && (
              <Button
                component={Link}
                href={processLink(guid)}
                variant="default"
                leftSection={<Icon name="process" />}
              >
                {t("event.openProcess")}
              </Button>
            )}
            {awaited && <span className="dim">{t(more ? "event.graphComing" : "event.graphLacks")}</span>}
            <Button
              component={Link}
              href={hostLink(event.host, period)}
              variant="default"
              leftSection={<Icon name="hosts" />}
            >
              {t("event.openHost")}
            </Button>
          </div>
          {event.hits.length > 0 && (
            <div className="row hitlist">
              {event.hits.map((hit) => (
                <span key={hit.id}>
                  <Level level={hit.level} /> <Link href={ruleLink(hit.ruleId)}>{hit.ruleTitle}</Link>
                </span>
              ))}
            </div>
          )}
          {event.graphNodes.length > 0 && (
            <section className="row" style={{ gap: 4 }} aria-label={t("event.inGraph")}>
              {event.graphNodes.map((node) => (
                <Link
                  key={node.id}
                  className="chip"
                  href={graphLink(node.id)}
                  title={`${t(`node.${node.kind}`)}: ${node.label}`}
                >
                  <NodeIcon kind={node.kind} size={13} title={t(`node.${node.kind}`)} />
                  <span className="cut" style={{ maxWidth: 150 }}>
                    {node.label.slice(node.label.lastIndexOf("\\") + 1) || node.label}
                  </span>
                </Link>
              ))}
            </section>
          )}
          <dl className="facts">
            <dt>
              {t("event.time")} ({label})
            </dt>
            <dd className="mono">{time(event.time)}</dd>
            <dt>{t("event.host")}</dt>
            <dd>{event.host}</dd>
            <dt>{t("event.channel")}</dt>
            <dd>{event.channel}</dd>
            <dt>{t("event.record")}</dt>
            <dd className="mono">{event.recordId ?? "-"}</dd>
          </dl>
          <table className="dense">
            <thead>
              <tr>
                <th scope="col">{t("event.field")}</th>
                <th scope="col">{t("event.value")}</th>
              </tr>
            </thead>
            <tbody>
              {event.fields.map((field) => (
                <tr key={field.name} className="acting">
                  <td className="dim">{field.name}</td>
                  <td className="mono wrap">
                    {field.value}
                    <span className="actions">
                      <ValueButton
                        of={{ field: field.name, value: field.value, host: event.host, guid }}
                        period={period}
                        onMatch={onMatch}
                      />
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

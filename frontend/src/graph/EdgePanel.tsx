import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { Link } from "wouter";
import { EdgeEventsDocument, type PeriodInput } from "../api/generated";
import { useLanguage } from "../i18n";
import { useClock } from "../shared/clock";
import { categoryColour } from "../shared/colours";
import { conditionInput } from "../shared/condition";
import { useNumber } from "../shared/format";
import { EventIcon, Icon } from "../shared/Icon";
import { searchLink } from "../shared/links";
import { PropertyValue } from "../shared/Property";
import type { Period } from "../shared/period";
import { State } from "../shared/State";
import { searchForEdge } from "./conditions";
import type { DrawnEdge, DrawnNode } from "./model";
import { Panel } from "./Panel";

interface Props {
  edge: DrawnEdge;
  from: DrawnNode;
  to: DrawnNode;
  period: PeriodInput | undefined;
  /** The same as the address has it. */
  span: Period;
  onSelect: (id: string) => void;
  onClose: () => void;
}

/** One edge: when it was seen, and the events behind it, counted by the event store. */
export function EdgePanel({ edge, from, to, period, span, onSelect, onClose }: Props) {
  const { t } = useTranslation();
  const language = useLanguage();
  const clock = useClock();
  const number = useNumber();
  const search = searchForEdge(from, to, edge.type);
  const condition = search && conditionInput(search);
  const [{ data, error, fetching }, reload] = useQuery({
    query: EdgeEventsDocument,
    variables: { condition, period, language },
    pause: !condition,
  });
  return (
    <Panel
      name={t("graph.edge")}
      title={t(`edge.${edge.type}`)}
      second={edge.type}
      closeName={t("graph.closeDetails")}
      onClose={onClose}
    >
      <div className="stack pad">
        <dl className="facts">
          <dt>{t("graph.from")}</dt>
          <dd>
            <button type="button" className="plain mono" onClick={() => onSelect(from.id)}>
              {from.label}
            </button>
          </dd>
          <dt>{t("graph.to")}</dt>
          <dd>
            <button type="button" className="plain mono" onClick={() => onSelect(to.id)}>
              {to.label}
            </button>
          </dd>
          <dt>
            {t("hosts.first")} ({clock.label})
          </dt>
          <dd className="mono">{clock.time(edge.firstSeen)}</dd>
          <dt>
            {t("hosts.last")} ({clock.label})
          </dt>
          <dd className="mono">{clock.time(edge.lastSeen)}</dd>
          {edge.properties?.map((p) => (
            <div key={p.name} style={{ display: "contents" }}>
              <dt>{p.name}</dt>
              <dd className="mono acting">
                <PropertyValue {...p} host={from.host ?? to.host} period={span} />
              </dd>
            </div>
          ))}
        </dl>
        {!search && <div className="dim">{t("graph.noEdgeSearch")}</div>}
        {search && (
          <>
            <div className="row">
              <h2>
                {t("graph.events")} {data && number(data.events.total.value)}{" "}
                <span className="dim">({clock.label})</span>
              </h2>
              <Button
                className="push"
                component={Link}
                variant="default"
                href={searchLink(search, span)}
                leftSection={<Icon name="search" size={14} />}
              >
                {t("graph.toSearch")}
              </Button>
            </div>
            <State
              loading={fetching}
              error={error}
              empty={!data || data.events.nodes.length === 0}
              nothing={t("graph.noEdgeEvents")}
              retry={() => reload()}
            />
            <ul className="plainlist">
              {data?.events.nodes.map((event) => (
                <li key={event.id} className="row" style={{ gap: 4 }}>
                  <EventIcon code={event.code} size={14} colour={categoryColour(event.category)} />{" "}
                  <span className="mono dim">{clock.time(event.time)}</span>{" "}
                  <Link href={searchLink(search, span, event.id)}>{event.description}</Link>
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </Panel>
  );
}

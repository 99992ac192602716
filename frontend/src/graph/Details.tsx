import { ActionIcon, Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { Link } from "wouter";
import { errorText } from "../api/client";
import { type Direction, type EdgeType, NodeDetailsDocument, type PeriodInput } from "../api/generated";
import { NODE_COLOURS } from "../shared/colours";
import { match, type Row } from "../shared/condition";
import { useNumber, utc } from "../shared/format";
import { Icon, NodeIcon } from "../shared/Icon";
import { Level } from "../shared/Level";
import { graphLink, hostLink, searchLink } from "../shared/links";
import { State } from "../shared/State";
import { type Drawing, drawnDegree } from "./model";
import { type Reading, readingKey } from "./useDrawing";

interface Props {
  id: string;
  period: PeriodInput | undefined;
  drawing: Drawing;
  readings: ReadonlyMap<string, Reading>;
  onExpand: (id: string, edge?: EdgeType, direction?: Direction) => void;
  onClose: () => void;
}

/** One node: what it is, how many neighbours it has of each type, and a way to draw them. */
export function Details({ id, period, drawing, readings, onExpand, onClose }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const [{ data, error, fetching }] = useQuery({ query: NodeDetailsDocument, variables: { id, period } });
  const node = data?.graphNode;
  const all = readings.get(readingKey(id));
  return (
    <section aria-label={t("graph.details")}>
      <div className="head" style={{ position: "sticky", top: 0, zIndex: 2, flexWrap: "nowrap" }}>
        {node && (
          <span className="disc" style={{ background: NODE_COLOURS[node.kind] }}>
            <NodeIcon kind={node.kind} size={14} colour="#fff" />
          </span>
        )}
        <div style={{ minWidth: 0 }}>
          <h2 className="wrap">{node?.label ?? t("graph.details")}</h2>
          {node && (
            <span className="dim">
              {t(`node.${node.kind}`)}
              {node.inferred && ` · ${t("graph.inferred")}`}
            </span>
          )}
        </div>
        <ActionIcon className="push" onClick={onClose} aria-label={t("graph.closeDetails")}>
          <Icon name="close" />
        </ActionIcon>
      </div>
      <State loading={fetching} error={error} empty={!node} nothing={t("graph.gone")} />
      {node && (
        <div className="stack pad">
          <div className="row">
            {searchFor(node) && (
              <Button
                component={Link}
                href={searchLink(searchFor(node) as Row)}
                leftSection={<Icon name="search" size={14} />}
              >
                {t("graph.events")}
              </Button>
            )}
            <Button
              component={Link}
              variant="default"
              href={graphLink(id)}
              leftSection={<Icon name="graph" size={14} />}
            >
              {t("graph.startHere")}
            </Button>
            {node.host && (
              <Button
                component={Link}
                variant="default"
                href={hostLink(node.host)}
                leftSection={<Icon name="hosts" size={14} />}
              >
                {t("event.openHost")}
              </Button>
            )}
          </div>
          {node.hits.length > 0 && (
            <ul className="plainlist">
              {node.hits.map((hit) => (
                <li key={hit.id}>
                  <Level level={hit.level} /> {hit.ruleTitle}{" "}
                  <span className="dim mono">{utc(hit.time)}</span>
                </li>
              ))}
            </ul>
          )}
          <div className="row" style={{ justifyContent: "space-between" }}>
            <h2>{t("graph.neighbours")}</h2>
            {node.degrees.length > 1 && (
              <Button
                variant="subtle"
                loading={all?.loading}
                disabled={all && !all.more}
                onClick={() => onExpand(id)}
              >
                {t("graph.expandAll")}
              </Button>
            )}
          </div>
          {node.degrees.length === 0 && <div className="dim">{t("graph.noNeighbours")}</div>}
          <ul className="plainlist degrees">
            {node.degrees.map(({ edge, direction, total, inPeriod }) => {
              const reading = readings.get(readingKey(id, edge, direction));
              const shown = drawnDegree(drawing, id, edge, direction);
              const asked = period ? inPeriod : total;
              const name = t(`edge.${edge}`);
              return (
                <li key={`${edge} ${direction}`}>
                  <span className="row" style={{ flexWrap: "nowrap", gap: 6 }}>
                    <span aria-hidden="true" className="dim">
                      {direction === "OUT" ? "→" : "←"}
                    </span>
                    <span title={edge}>
                      {name}
                      <span className="unseen">{t(`graph.direction.${direction}`)}</span>
                    </span>
                    <b className="num" style={{ marginLeft: "auto" }}>
                      {number(asked)}
                    </b>
                    {shown < asked || reading?.loading ? (
                      <Button
                        size="compact-xs"
                        variant="default"
                        loading={reading?.loading}
                        disabled={reading && !reading.more && !reading.error}
                        aria-label={t("graph.expandType", {
                          name,
                          direction: t(`graph.direction.${direction}`),
                        })}
                        onClick={() => onExpand(id, edge, direction)}
                      >
                        {reading || shown > 0 ? t("page.more") : t("graph.expand")}
                      </Button>
                    ) : (
                      <span className="dim">{t("graph.allShown")}</span>
                    )}
                  </span>
                  {shown > 0 && shown < asked && (
                    <span className="dim" role="status">
                      {t("page.shown", { shown: number(shown), total: number(asked) })}
                    </span>
                  )}
                  {period && inPeriod < total && (
                    <div className="dim">{t("graph.outOfPeriod", { count: total - inPeriod })}</div>
                  )}
                  {reading && reading.leftOut > 0 && !reading.more && (
                    <div className="dim">{t("graph.leftOut", { count: reading.leftOut })}</div>
                  )}
                  {reading?.reason && <div className="dim">{t(`reason.${reading.reason}`)}</div>}
                  {reading?.error && (
                    <div role="alert" style={{ color: "var(--level-critical)" }}>
                      {errorText(reading.error)}
                    </div>
                  )}
                </li>
              );
            })}
          </ul>
          <h2>{t("graph.properties")}</h2>
          <dl className="facts">
            {node.host && (
              <>
                <dt>{t("event.host")}</dt>
                <dd>{node.host}</dd>
              </>
            )}
            <dt>{t("hosts.first")} (UTC)</dt>
            <dd className="mono">{utc(node.firstSeen)}</dd>
            <dt>{t("hosts.last")} (UTC)</dt>
            <dd className="mono">{utc(node.lastSeen)}</dd>
            {node.properties.map((p) => (
              <div key={p.name} style={{ display: "contents" }}>
                <dt>{p.name}</dt>
                <dd className="mono">{p.value}</dd>
              </div>
            ))}
          </dl>
        </div>
      )}
    </section>
  );
}

interface Named {
  kind: string;
  label: string;
  properties: { name: string; value: string }[];
}

/** The search for the events in which a node appears, where there is a field that holds it. */
function searchFor(node: Named): Row | undefined {
  const property = (name: string) => node.properties.find((p) => p.name === name)?.value;
  const by = (field: string, value: string | undefined) => (value ? match(field, value) : undefined);
  switch (node.kind) {
    case "PROCESS":
      return by("ProcessGuid", property("processGuid"));
    case "HOST":
      return by("Computer", node.label);
    case "USER":
      return by("User", node.label);
    case "IP_ADDRESS":
      return by("ip", node.label);
    case "DOMAIN":
      return by("QueryName", node.label);
    case "FILE":
    case "STREAM":
      return by("file", node.label);
    case "BINARY":
      return by("hash", property("sha256") ?? property("sha1") ?? property("md5") ?? node.label);
    case "PIPE":
      return by("PipeName", node.label);
    case "REGISTRY_KEY":
    case "REGISTRY_VALUE":
      return by("registryKey", node.label);
    default:
      return undefined;
  }
}

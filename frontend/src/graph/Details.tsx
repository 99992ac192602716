import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { Link } from "wouter";
import { errorText } from "../api/client";
import { NodeDetailsDocument, type PeriodInput } from "../api/generated";
import { useClock } from "../shared/clock";
import { NODE_COLOURS } from "../shared/colours";
import { conditionInput } from "../shared/condition";
import { useNumber } from "../shared/format";
import { HitList } from "../shared/HitList";
import { Icon, NodeIcon } from "../shared/Icon";
import { graphLink, hostLink, processLink, searchLink } from "../shared/links";
import { PropertyValue } from "../shared/Property";
import type { Period } from "../shared/period";
import { State } from "../shared/State";
import { searchFor } from "./conditions";
import { Elsewhere, HostsOf } from "./Elsewhere";
import { drawnDegree } from "./fold";
import { Panel } from "./Panel";
import { groupsOf, readingKey } from "./reading";
import { GROUP_ABOVE, type GraphState } from "./useGraph";

interface Props {
  id: string;
  period: PeriodInput | undefined;
  /** The same as the address has it. */
  span: Period;
  graph: GraphState;
  /** Where a path is to begin, if one was chosen. */
  pathFrom: string | undefined;
  onPath: (id: string) => void;
  onCollapse: (id: string) => void;
  onRemove: (id: string) => void;
  onSelect: (id: string) => void;
  onClose: () => void;
}

/** One node: what it is, how many neighbours it has of each type, and a way to draw them. */
export function Details({
  id,
  period,
  span,
  graph,
  pathFrom,
  onPath,
  onCollapse,
  onRemove,
  onSelect,
  onClose,
}: Props) {
  const { t } = useTranslation();
  const clock = useClock();
  const number = useNumber();
  const { drawing } = graph;
  const [{ data, error, fetching }, reload] = useQuery({
    query: NodeDetailsDocument,
    variables: { id, period },
  });
  const node = data?.graphNode;
  const search = node && searchFor(node);
  const guid = node?.kind === "PROCESS" && node.properties.find((p) => p.name === "processGuid")?.value;
  const failed = graph.errors.get(id);
  return (
    <Panel
      name={t("graph.details")}
      title={node?.label ?? drawing.nodes.get(id)?.label ?? t("graph.details")}
      second={node && `${t(`node.${node.kind}`)}${node.inferred ? ` · ${t("graph.inferred")}` : ""}`}
      disc={
        node && (
          <span className="disc" style={{ background: NODE_COLOURS[node.kind] }}>
            <NodeIcon kind={node.kind} size={14} colour="#fff" />
          </span>
        )
      }
      closeName={t("graph.closeDetails")}
      onClose={onClose}
    >
      <State
        loading={fetching}
        error={error}
        empty={!node}
        nothing={t("graph.gone")}
        retry={() => reload()}
      />
      {node && (
        <div className="stack pad">
          <div className="row">
            {guid && (
              <Button
                component={Link}
                href={processLink(guid, undefined, span)}
                leftSection={<Icon name="process" size={14} />}
              >
                {t("graph.process")}
              </Button>
            )}
            {search && (
              <Button
                component={Link}
                variant={guid ? "default" : "filled"}
                href={searchLink(search, span)}
                leftSection={<Icon name="search" size={14} />}
              >
                {t("graph.events")}
              </Button>
            )}
            <Button
              component={Link}
              variant="default"
              href={graphLink(id, span)}
              leftSection={<Icon name="graph" size={14} />}
            >
              {t("graph.startHere")}
            </Button>
            {node.host && (
              <Button
                component={Link}
                variant="default"
                href={hostLink(node.host, span)}
                leftSection={<Icon name="hosts" size={14} />}
              >
                {t("event.openHost")}
              </Button>
            )}
            <Button
              variant={pathFrom === id ? "light" : "default"}
              onClick={() => onPath(id)}
              leftSection={<Icon name="path" size={14} />}
            >
              {pathFrom === undefined || pathFrom === id ? t("graph.pathFrom") : t("graph.pathTo")}
            </Button>
            <Button variant="default" onClick={() => onCollapse(id)}>
              {drawing.collapsed.has(id) ? t("graph.unfold") : t("graph.collapse")}
            </Button>
            <Button variant="default" onClick={() => onRemove(id)}>
              {t("graph.remove")}
            </Button>
          </div>
          {node.hits.length > 0 && <HitList hits={node.hits} guid={guid || undefined} />}
          <div className="row" style={{ justifyContent: "space-between" }}>
            <h2>{t("graph.neighbours")}</h2>
            {node.degrees.length > 1 && (
              <Button variant="subtle" loading={graph.busy.has(id)} onClick={() => void graph.expand(id)}>
                {t("graph.expandAll")}
              </Button>
            )}
          </div>
          {failed && (
            <div role="alert" style={{ color: "var(--level-critical)" }}>
              {errorText(failed)}
            </div>
          )}
          {node.degrees.length === 0 && <div className="dim">{t("graph.noNeighbours")}</div>}
          <ul className="plainlist degrees">
            {node.degrees.map(({ edge, direction, total, inPeriod }) => {
              const key = readingKey(id, edge, direction);
              const reading = drawing.readings.get(key);
              const loading = graph.busy.has(key);
              const failure = graph.errors.get(key);
              const shown = drawnDegree(drawing, id, edge, direction);
              const asked = period ? inPeriod : total;
              const name = t(`edge.${edge}`);
              // What was put into groups goes on there.
              const [part] = groupsOf(drawing, { by: id, edge, direction }).filter(
                (g) => g.split || g.rest || !reading,
              );
              const open = () =>
                void (part
                  ? onSelect(part.id)
                  : reading || asked <= GROUP_ABOVE
                    ? graph.readPage(id, edge, direction)
                    : graph.expand(id, edge, direction));
              const what =
                reading && !part
                  ? t("page.more")
                  : part || asked > GROUP_ABOVE
                    ? t("graph.asGroup")
                    : t("graph.expand");
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
                    {shown < asked || loading ? (
                      <Button
                        size="compact-xs"
                        variant="default"
                        loading={loading}
                        disabled={!part && reading && !reading.more && !failure}
                        aria-label={t("graph.expandType", {
                          what,
                          name,
                          direction: t(`graph.direction.${direction}`),
                        })}
                        onClick={open}
                      >
                        {what}
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
                  {failure && (
                    <div role="alert" style={{ color: "var(--level-critical)" }}>
                      {errorText(failure)}
                    </div>
                  )}
                </li>
              );
            })}
          </ul>
          {search && !node.host && <HostsOf condition={conditionInput(search)} period={period} span={span} />}
          {node.elsewhere.length > 0 && (
            <Elsewhere of={node} found={node.elsewhere} graph={graph} span={span} onSelect={onSelect} />
          )}
          <h2>{t("graph.properties")}</h2>
          <dl className="facts">
            {node.host && (
              <>
                <dt>{t("event.host")}</dt>
                <dd className="acting">
                  <PropertyValue name="computer" value={node.host} host={node.host} period={span} />
                </dd>
              </>
            )}
            <dt>
              {t("hosts.first")} ({clock.label})
            </dt>
            <dd className="mono">{clock.time(node.firstSeen)}</dd>
            <dt>
              {t("hosts.last")} ({clock.label})
            </dt>
            <dd className="mono">{clock.time(node.lastSeen)}</dd>
            {node.properties.map((p) => (
              <div key={p.name} style={{ display: "contents" }}>
                <dt>{p.name}</dt>
                <dd className="mono acting">
                  <PropertyValue {...p} kind={node.kind} host={node.host} period={span} />
                </dd>
              </div>
            ))}
          </dl>
        </div>
      )}
    </Panel>
  );
}

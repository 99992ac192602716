import { Button } from "@mantine/core";
import type { KeyboardEvent, Ref } from "react";
import { useTranslation } from "react-i18next";
import { useClock } from "../shared/clock";
import { useNumber } from "../shared/format";
import { NodeIcon } from "../shared/Icon";
import { Level } from "../shared/Level";
import { Scroll } from "../shared/Scroll";
import type { Around } from "./around";
import type { Drawing } from "./model";

interface Props {
  ref: Ref<HTMLElement>;
  drawing: Drawing;
  around: ReadonlyMap<string, Around>;
  /** What is highlighted; without it all are listed. */
  lit: ReadonlySet<string> | undefined;
  selected: string | undefined;
  badge: (id: string) => string | undefined;
  onSelect: (id: string) => void;
  onSelectEdge: (key: string) => void;
  onExpand: (id: string) => void;
  /** The keys of the graph, but those of choosing and looking. */
  onCommand: (event: KeyboardEvent) => void;
}

/** The worst level of the rules that have hit a node, and how many they are; their titles under the pointer. */
function Hits({ of }: { of: Around | undefined }) {
  const number = useNumber();
  return (
    <td style={{ whiteSpace: "nowrap" }} title={of && [...of.rules.values()].join("\n")}>
      {of?.worst && (
        <>
          <Level level={of.worst} /> {of.rules.size > 1 && `× ${number(of.rules.size)}`}
        </>
      )}
    </td>
  );
}

/** The same graph as tables, or what is highlighted of it: for readers of the screen, for copying, for those who think in rows. */
export function Twin(props: Props) {
  const { ref, drawing, around, lit, selected, badge, onSelect, onSelectEdge, onExpand, onCommand } = props;
  const { t } = useTranslation();
  const clock = useClock();
  const number = useNumber();
  const nodes = [...drawing.nodes.values()].filter((n) => lit?.has(n.id) ?? true);
  const edges = [...drawing.edges].filter(([, e]) => !lit || (lit.has(e.from) && lit.has(e.to)));
  const drawn = new Map<string, number>();
  for (const { from, to } of drawing.edges.values())
    for (const id of new Set([from, to])) drawn.set(id, (drawn.get(id) ?? 0) + 1);
  const label = (id: string) => drawing.nodes.get(id)?.label ?? id;
  return (
    <Scroll ref={ref} style={{ overflow: "auto", flex: 1 }} label={t("graph.table")} onKeyDown={onCommand}>
      <table className="dense">
        <caption className="pad dim" style={{ textAlign: "left" }}>
          {t("graph.nodes", { count: nodes.length })}
        </caption>
        <thead>
          <tr>
            <th scope="col">{t("graph.kind")}</th>
            <th scope="col">{t("graph.label")}</th>
            <th scope="col">{t("column.host")}</th>
            <th scope="col">{t("graph.links")}</th>
            <th scope="col" className="num">
              {t("graph.drawn")}
            </th>
            <th scope="col">{t("process.hits")}</th>
            <th scope="col">
              {t("hosts.first")} ({clock.label})
            </th>
            <th scope="col">
              {t("hosts.last")} ({clock.label})
            </th>
            <th scope="col">
              <span className="unseen">{t("event.actions")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <tr key={node.id} aria-selected={node.id === selected}>
              <td style={{ whiteSpace: "nowrap" }}>
                <NodeIcon kind={node.kind} size={14} /> {t(`node.${node.kind}`)}
                {node.inferred && <div className="dim">{t("graph.inferred")}</div>}
              </td>
              <td style={{ minWidth: 240 }}>
                <button type="button" className="plain mono" onClick={() => onSelect(node.id)}>
                  {node.label}
                </button>
              </td>
              <td title={node.host ?? undefined}>
                <div className="cut" style={{ maxWidth: 150 }}>
                  {node.host}
                </div>
              </td>
              <td style={{ whiteSpace: "nowrap" }}>{badge(node.id)}</td>
              <td className="num">{number(drawn.get(node.id) ?? 0)}</td>
              <Hits of={around.get(node.id)} />
              <td className="mono" style={{ whiteSpace: "nowrap" }}>
                {clock.time(node.firstSeen)}
              </td>
              <td className="mono" style={{ whiteSpace: "nowrap" }}>
                {clock.time(node.lastSeen)}
              </td>
              <td>
                <Button
                  size="compact-xs"
                  variant="default"
                  aria-label={t("graph.expandNode", { label: node.label })}
                  onClick={() => onExpand(node.id)}
                >
                  {t("graph.expand")}
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {drawing.groups.size > 0 && (
        <table className="dense">
          <caption className="pad dim" style={{ textAlign: "left" }}>
            {t("graph.groups")}
          </caption>
          <thead>
            <tr>
              <th scope="col">{t("graph.groupAt")}</th>
              <th scope="col">{t("graph.relation")}</th>
              <th scope="col">{t("graph.common")}</th>
              <th scope="col" className="num">
                {t("graph.links")}
              </th>
              <th scope="col">
                <span className="unseen">{t("event.actions")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {[...drawing.groups.values()].map((g) => (
              <tr key={g.id} aria-selected={g.id === selected}>
                <td className="mono">{label(g.by)}</td>
                <td>
                  <button type="button" className="plain" onClick={() => onSelect(g.id)}>
                    {t(`edge.${g.edge}`)}{" "}
                    <span className="unseen">{t(`graph.direction.${g.direction}`)}</span>
                  </button>
                </td>
                <td className="mono">
                  {g.rest
                    ? t("graph.groupOthers", { number: number(g.rest.skip) })
                    : g.split && (g.split.key || t("graph.noKey"))}
                </td>
                <td className="num">{number(g.total - g.shown)}</td>
                <td>
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={t("graph.openGroupOf", { name: t(`edge.${g.edge}`), label: label(g.by) })}
                    onClick={() => onExpand(g.id)}
                  >
                    {t("graph.expand")}
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <table className="dense">
        <caption className="pad dim" style={{ textAlign: "left" }}>
          {t("graph.edges", { count: edges.length })}
        </caption>
        <thead>
          <tr>
            <th scope="col">{t("graph.from")}</th>
            <th scope="col">{t("graph.relation")}</th>
            <th scope="col">{t("graph.to")}</th>
            <th scope="col">
              {t("hosts.first")} ({clock.label})
            </th>
            <th scope="col">
              {t("hosts.last")} ({clock.label})
            </th>
          </tr>
        </thead>
        <tbody>
          {edges.map(([key, edge]) => (
            <tr key={key}>
              <td className="mono">{label(edge.from)}</td>
              <td title={edge.type}>
                <button type="button" className="plain" onClick={() => onSelectEdge(key)}>
                  {t(`edge.${edge.type}`)}
                </button>
              </td>
              <td className="mono">{label(edge.to)}</td>
              <td className="mono" style={{ whiteSpace: "nowrap" }}>
                {clock.time(edge.firstSeen)}
              </td>
              <td className="mono" style={{ whiteSpace: "nowrap" }}>
                {clock.time(edge.lastSeen)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

import { Button, Select } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "../api/client";
import type { NeighbourGrouping } from "../api/generated";
import { useNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { EDGE_CATEGORY } from "./edges";
import type { Group } from "./model";
import { Panel } from "./Panel";
import type { GraphState } from "./useGraph";

interface Props {
  group: Group;
  graph: GraphState;
  onRemove: () => void;
  onSelect: (id: string) => void;
  onClose: () => void;
}

const GROUPINGS: NeighbourGrouping[] = ["HOST", "NAME", "PLACE", "DAY", "KIND"];

/** Neighbours too many to be drawn one by one: how many, and how to get at them. */
export function GroupPanel({ group, graph, onRemove, onSelect, onClose }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const [by, setBy] = useState<NeighbourGrouping>("HOST");
  const busy = graph.busy.has(group.id);
  const failed = graph.errors.get(group.id);
  const left = group.total - group.shown;
  const of = graph.drawing.nodes.get(group.by);
  const siblings = [...graph.drawing.groups.values()].filter(
    (g) => g.by === group.by && g.edge === group.edge && g.direction === group.direction,
  );
  return (
    <Panel
      name={t("graph.group")}
      title={t("graph.groupOf", { count: left, number: number(left), name: t(`edge.${group.edge}`) })}
      second={
        group.rest
          ? t("graph.groupOthers", { number: number(group.rest.skip) })
          : group.split
            ? group.split.key || t("graph.noKey")
            : t(`graph.direction.${group.direction}`)
      }
      disc={
        <span className="disc" style={{ background: `var(--group-${EDGE_CATEGORY[group.edge]})` }}>
          <Icon name="group" size={14} colour="#fff" />
        </span>
      }
      closeName={t("graph.closeDetails")}
      onClose={onClose}
    >
      <div className="stack pad">
        {of && (
          <div>
            <span className="dim">{t("graph.groupAt")}</span>{" "}
            <button type="button" className="plain mono" onClick={() => onSelect(of.id)}>
              {of.label}
            </button>
          </div>
        )}
        <div role="status" className="dim">
          {t("page.shown", { shown: number(group.shown), total: number(group.total) })}
        </div>
        <div className="row">
          {group.rest ? (
            <Button
              loading={busy}
              disabled={group.rest.groups === 0}
              onClick={() => group.rest && void graph.splitGroup(group.id, group.rest.by)}
            >
              {t("graph.nextGroups")}
            </Button>
          ) : (
            <Button loading={busy} onClick={() => void graph.openGroup(group.id)}>
              {t("graph.openGroup", { count: Math.min(50, left) })}
            </Button>
          )}
          <Button variant="default" onClick={onRemove}>
            {t("graph.removeGroup")}
          </Button>
        </div>
        {group.rest && group.rest.seen < group.rest.of && (
          <div className="dim">
            {t("graph.groupUnseen", { seen: number(group.rest.seen), total: number(group.rest.of) })}
          </div>
        )}
        {!group.split && !group.rest && (
          <div className="row">
            <Select
              w={190}
              label={t("graph.splitBy")}
              value={by}
              onChange={(value) => value && setBy(value as NeighbourGrouping)}
              data={GROUPINGS.map((value) => ({ value, label: t(`grouping.${value}`) }))}
            />
            <Button
              variant="default"
              mt={20}
              loading={busy}
              onClick={() => void graph.splitGroup(group.id, by)}
            >
              {t("graph.split")}
            </Button>
          </div>
        )}
        {failed && (
          <div role="alert" style={{ color: "var(--level-critical)" }}>
            {errorText(failed)}
          </div>
        )}
        {siblings.length > 1 && (
          <table className="dense">
            <caption className="unseen">{t("graph.groups")}</caption>
            <thead>
              <tr>
                <th scope="col">
                  {group.split || group.rest
                    ? t(`grouping.${(group.split ?? group.rest)?.by ?? "HOST"}`)
                    : t("graph.group")}
                </th>
                <th scope="col" className="num">
                  {t("graph.links")}
                </th>
              </tr>
            </thead>
            <tbody>
              {siblings.map((g) => (
                <tr key={g.id} aria-selected={g.id === group.id}>
                  <td className="wrap">
                    <button type="button" className="plain" onClick={() => onSelect(g.id)}>
                      {g.rest
                        ? t("graph.groupOthers", { number: number(g.rest.skip) })
                        : g.split
                          ? g.split.key || t("graph.noKey")
                          : t("graph.groupRest")}
                    </button>
                  </td>
                  <td className="num">{number(g.total - g.shown)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </Panel>
  );
}

import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { PathsQuery } from "../api/generated";
import { useClock } from "../shared/clock";
import { NodeIcon } from "../shared/Icon";
import { State } from "../shared/State";
import { Panel } from "./Panel";

export type FoundPath = PathsQuery["paths"]["items"][number];

export interface PathSearch {
  from: string;
  to: string;
  loading: boolean;
  failed?: Parameters<typeof State>[0]["error"];
  result?: PathsQuery["paths"];
  /** Nothing leads there, but something leads the other way. */
  reversed: boolean;
}

interface Props {
  search: PathSearch;
  chosen: number;
  onChoose: (i: number) => void;
  onSelect: (id: string) => void;
  onClose: () => void;
}

/** Paths between two nodes in order of time, step by step. */
export function PathPanel({ search, chosen, onChoose, onSelect, onClose }: Props) {
  const { t } = useTranslation();
  const clock = useClock();
  const { result } = search;
  const items = result?.items ?? [];
  return (
    <Panel
      name={t("graph.paths")}
      title={t("graph.paths")}
      second={t("graph.pathsAbout")}
      closeName={t("graph.closeDetails")}
      onClose={onClose}
    >
      <div className="stack pad">
        {search.reversed && items.length > 0 && <div className="notice">{t("graph.pathReversed")}</div>}
        <State
          loading={search.loading}
          error={search.failed}
          empty={items.length === 0}
          nothing={result?.reason ? t(`reason.${result.reason}`) : t("reason.NO_PATH")}
        />
        {result && !result.complete && <div className="notice">{t("graph.pathIncomplete")}</div>}
        {items.map((path, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: paths have no name but their place.
          <div key={i} className="panel pad" aria-current={i === chosen}>
            <div className="row">
              <b>{t("graph.pathSteps", { count: path.edges.length })}</b>
              <span className="dim mono">
                {clock.time(path.times[0])} {clock.label}
              </span>
              <Button
                className="push"
                size="compact-xs"
                variant={i === chosen ? "filled" : "default"}
                onClick={() => onChoose(i)}
              >
                {t("graph.showPath")}
              </Button>
            </div>
            <ol className="steps">
              {path.nodes.map((node, n) => (
                <li key={node.id}>
                  {n > 0 && path.edges[n - 1] && (
                    <div className="dim">
                      {path.edges[n - 1]?.from === node.id ? "↑" : "↓"}{" "}
                      {t(`edge.${path.edges[n - 1]?.type ?? "SPAWNED"}`)}{" "}
                      <span className="mono">
                        {clock.time(path.times[n - 1])} {clock.label}
                      </span>
                    </div>
                  )}
                  <div className="row" style={{ flexWrap: "nowrap", alignItems: "baseline", gap: 5 }}>
                    <NodeIcon kind={node.kind} size={14} />
                    <div>
                      <button type="button" className="plain mono" onClick={() => onSelect(node.id)}>
                        {node.label}
                      </button>{" "}
                      <span className="dim">{node.host}</span>
                    </div>
                  </div>
                </li>
              ))}
            </ol>
          </div>
        ))}
        {result?.more && <div className="dim">{t("graph.pathMore")}</div>}
      </div>
    </Panel>
  );
}

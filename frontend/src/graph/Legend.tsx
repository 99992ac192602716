import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { NodeKind } from "../api/generated";
import { CATEGORIES, categoryColour, LEVELS, levelColour, NODE_COLOURS } from "../shared/colours";
import { useNumber } from "../shared/format";
import { NodeIcon } from "../shared/Icon";
import { DASHES, EDGE_CATEGORY } from "./edges";
import type { GraphState } from "./useGraph";

/** What the signs of the drawing mean, and how much is drawn. */
export function Legend({ graph, lit }: { graph: GraphState; lit: ReadonlySet<string> | undefined }) {
  const { t } = useTranslation();
  const number = useNumber();
  const { drawing, around } = graph;
  const { rest } = drawing;
  const nodes = [...drawing.nodes.values()];
  const [kinds, levels] = [
    new Set(nodes.map((n) => n.kind)),
    new Set(nodes.map((n) => around.get(n.id)?.worst)),
  ];
  const types = [...drawing.edges.values()].map((e) => e.type);
  const categories = new Set(
    [...types, ...[...drawing.groups.values()].map((g) => g.edge)].map((e) => EDGE_CATEGORY[e]),
  );
  return (
    <div className="legend">
      {(Object.keys(NODE_COLOURS) as NodeKind[])
        .filter((kind) => kinds.has(kind))
        .map((kind) => (
          <span key={kind}>
            <span className="disc" style={{ background: NODE_COLOURS[kind] }}>
              <NodeIcon kind={kind} size={10} colour="#fff" />
            </span>
            {t(`node.${kind}`)}
          </span>
        ))}
      {nodes.some((n) => n.inferred) && (
        <span>
          <span className="disc ring" />
          {t("graph.inferred")}
        </span>
      )}
      {categories.size > 0 && <span className="dim">{t("graph.links")}:</span>}
      {CATEGORIES.filter((category) => categories.has(category)).map((category) => (
        <span key={category}>
          <svg width={34} height={6} aria-hidden="true">
            <line
              x2={34}
              y1={3}
              y2={3}
              strokeWidth={2}
              strokeDasharray={DASHES[category].join(" ")}
              style={{ stroke: categoryColour(category) }}
            />
          </svg>
          {t(`category.${category}`)}
        </span>
      ))}
      {LEVELS.filter((level) => levels.has(level)).map((level) => (
        <span key={level}>
          <b className="sign" style={{ background: levelColour(level) }} aria-hidden="true">
            {t(`level.${level}`).charAt(0)}
          </b>
          {t("graph.hitOf", { level: t(`level.${level}`) })}
        </span>
      ))}
      <span className="dim" style={{ marginLeft: "auto" }} role="status">
        {t("graph.nodes", { count: drawing.nodes.size })}, {t("graph.edges", { count: drawing.edges.size })}
        {drawing.groups.size > 0 && `, ${t("graph.groupCount", { count: drawing.groups.size })}`}
        {lit && ` · ${t("graph.lit", { number: number(lit.size) })}`}
        {rest &&
          rest.shown < rest.total &&
          ` · ${t("graph.processes", { shown: number(rest.shown), total: number(rest.total) })}`}
      </span>
      {rest?.cursor && rest.shown < rest.total && (
        <Button
          size="compact-xs"
          variant="default"
          loading={graph.loading}
          onClick={() => void graph.moreOfTree()}
        >
          {t("page.more")}
        </Button>
      )}
    </div>
  );
}

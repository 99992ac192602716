import { useCallback, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useClock, writeTime } from "../shared/clock";
import { LEVELS } from "../shared/colours";
import { baseName, useNumber } from "../shared/format";
import type { Around } from "./around";
import { BETWEEN } from "./label";
import type { Drawing, DrawnNode, Group } from "./model";
import type { CaptionOf } from "./paint";

/** What stands beside a node or group. */
export function useCaption(
  drawing: Drawing,
  around: ReadonlyMap<string, Around>,
  badge: (id: string) => string | undefined,
): CaptionOf {
  const { t } = useTranslation();
  const clock = useClock();
  const number = useNumber();
  const severalHosts = useMemo(
    () => new Set([...drawing.nodes.values()].map((n) => n.host).filter(Boolean)).size > 1,
    [drawing.nodes],
  );
  const zone = clock.zone === "utc" ? "UTC" : t("clock.localShort");
  return useCallback(
    (point: DrawnNode | Group) => {
      if ("total" in point) {
        const left = point.total - point.shown;
        const many = t("graph.groupOf", { count: left, number: number(left), name: t(`edge.${point.edge}`) });
        if (point.rest) {
          const rest = t("graph.groupOthers", { number: number(point.rest.skip) });
          return { name: rest, full: rest, second: many, hit: undefined };
        }
        if (!point.split) return { name: many, full: many, second: undefined, hit: undefined };
        const key = point.split.key || t("graph.noKey");
        return { name: key, full: key, second: many, hit: undefined };
      }
      const how =
        point.kind === "PROCESS"
          ? `${writeTime(point.firstSeen, clock.zone, false).slice(11)} ${zone}`
          : point.via && t(`edge.${point.via}`);
      const worst = around.get(point.id)?.worst;
      const level = worst ? (LEVELS.find((l) => l === worst) ?? "informational") : undefined;
      const where = severalHosts && point.kind !== "HOST" && point.host?.split(".")[0];
      return {
        name: baseName(point.label),
        full: point.label,
        second: [where, how, badge(point.id)].filter(Boolean).join(BETWEEN),
        hit: level && { colour: `--level-${level}`, sign: t(`level.${level}`).charAt(0) },
      };
    },
    [around, badge, clock.zone, zone, severalHosts, t, number],
  );
}

import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { NodePartsFragment } from "../api/generated";
import { useClock } from "../shared/clock";
import { NodeIcon } from "../shared/Icon";
import { graphLink } from "../shared/links";
import { Scroll } from "../shared/Scroll";

/** Several nodes have the name that was asked for: one is to be chosen. */
export function Choices({ found }: { found: NodePartsFragment[] }) {
  const { t } = useTranslation();
  const clock = useClock();
  return (
    <Scroll style={{ overflow: "auto", flex: 1 }} label={t("graph.choices")}>
      <table className="dense">
        <caption className="pad dim" style={{ textAlign: "left" }}>
          {t("graph.choices")}
        </caption>
        <thead>
          <tr>
            <th scope="col">{t("graph.kind")}</th>
            <th scope="col">{t("graph.label")}</th>
            <th scope="col">{t("column.host")}</th>
            <th scope="col">
              {t("hosts.first")} ({clock.label})
            </th>
            <th scope="col">
              {t("hosts.last")} ({clock.label})
            </th>
          </tr>
        </thead>
        <tbody>
          {found.map((node) => (
            <tr key={node.id}>
              <td style={{ whiteSpace: "nowrap" }}>
                <NodeIcon kind={node.kind} size={14} /> {t(`node.${node.kind}`)}
              </td>
              <td className="mono wrap">
                <Link href={graphLink(node.id)}>{node.label}</Link>
              </td>
              <td>{node.host}</td>
              <td className="mono">{clock.time(node.firstSeen)}</td>
              <td className="mono">{clock.time(node.lastSeen)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

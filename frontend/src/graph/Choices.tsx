import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { NodePartsFragment } from "../api/generated";
import { useClock } from "../shared/clock";
import { NodeIcon } from "../shared/Icon";
import { graphLink, searchLink } from "../shared/links";
import type { Period } from "../shared/period";
import { Scroll } from "../shared/Scroll";
import { searchFor } from "./conditions";
import { CHOICES, upTo } from "./reading";

/** Several nodes have the name that was asked for: one is to be chosen. */
export function Choices({ found, span }: { found: NodePartsFragment[]; span: Period }) {
  const { t } = useTranslation();
  const clock = useClock();
  const { shown, more } = upTo(CHOICES, found);
  const [first] = found;
  const search = first && searchFor(first);
  return (
    <Scroll style={{ overflow: "auto", flex: 1 }} label={t("graph.choices")}>
      {more && (
        <div className="notice" role="status">
          {t("graph.moreChoices", { count: CHOICES })}{" "}
          {search && (
            <Link className="inline" href={searchLink(search, span)}>
              {t("graph.searchAll")}
            </Link>
          )}
        </div>
      )}
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
          {shown.map((node) => (
            <tr key={node.id}>
              <td style={{ whiteSpace: "nowrap" }}>
                <NodeIcon kind={node.kind} size={14} /> {t(`node.${node.kind}`)}
              </td>
              <td className="mono wrap">
                <Link href={graphLink(node.id, span)}>{node.label}</Link>
              </td>
              <td>{node.host}</td>
              <td className="mono nowrap">{clock.time(node.firstSeen)}</td>
              <td className="mono nowrap">{clock.time(node.lastSeen)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { DeadLettersDocument } from "../api/generated";
import { usePages } from "../api/pages";
import { positionText, reasonText } from "../i18n/server";
import { useNumber, utc } from "../shared/format";
import { PagesEnd } from "../shared/PagesEnd";

const PAGE = 50;

/** Records that could not be imported, each with its place and the reason. `turn`: reads anew when it changes. */
export function DeadLetters({ turn }: { turn: number }) {
  const { t } = useTranslation();
  const number = useNumber();
  const pages = usePages(DeadLettersDocument, { first: PAGE }, (d) => d.deadLetters);
  const last = useRef(turn);
  useEffect(() => {
    if (last.current !== turn) pages.reload();
    last.current = turn;
  }, [turn, pages.reload]);
  return (
    <section className="panel" aria-label={t("imports.deadLetters")} style={{ overflow: "auto" }}>
      <div className="row pad">
        <h2>{t("imports.deadLetters")}</h2>
        <span className="dim" style={{ marginLeft: "auto" }}>
          {pages.items.length > 0 &&
            pages.total &&
            t("page.shown", { shown: number(pages.items.length), total: number(pages.total.value) })}
        </span>
      </div>
      {pages.items.length > 0 && (
        <table className="dense">
          <thead>
            <tr>
              <th scope="col">{t("imports.file")}</th>
              <th scope="col">{t("imports.position")}</th>
              <th scope="col">{t("imports.reason")}</th>
              <th scope="col">{t("imports.record")}</th>
              <th scope="col">{t("imports.at")} (UTC)</th>
            </tr>
          </thead>
          <tbody>
            {pages.items.map((letter, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: letters have no id; the list only grows at its end.
              <tr key={i}>
                <td className="mono wrap">{letter.source}</td>
                <td className="mono">{positionText(letter.position)}</td>
                <td className="wrap">{reasonText(letter.reason)}</td>
                <td className="mono" style={{ maxWidth: 0, width: "30%" }}>
                  <div className="cut" title={letter.record ?? undefined}>
                    {letter.record}
                  </div>
                </td>
                <td className="mono">{utc(letter.at, false)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <PagesEnd pages={pages} nothing={t("imports.noDeadLetters")} />
    </section>
  );
}

import { useTranslation } from "react-i18next";
import { CATEGORIES, categoryColour } from "../shared/colours";
import { useNumber } from "../shared/format";
import { type Bucket, shares } from "./stack";

interface Props {
  buckets: Bucket[];
  onCategory: (category: string) => void;
}

/** What part each category has in the period shown. */
export function Shares({ buckets, onCategory }: Props) {
  const { t, i18n } = useTranslation();
  const number = useNumber();
  const totals = shares(buckets);
  const all = [...totals.values()].reduce((a, b) => a + b, 0);
  const percent = new Intl.NumberFormat(i18n.language, { style: "percent", maximumFractionDigits: 1 });
  return (
    <table className="dense" style={{ maxWidth: 620 }}>
      <caption className="unseen">{t("hosts.tabs.shares")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("hosts.category")}</th>
          <th scope="col" className="num">
            {t("hosts.events")}
          </th>
          <th scope="col" className="num">
            {t("hosts.share")}
          </th>
          <th scope="col" style={{ width: "45%" }}>
            <span className="unseen">{t("hosts.share")}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {CATEGORIES.filter((c) => totals.has(c))
          .sort((a, b) => (totals.get(b) ?? 0) - (totals.get(a) ?? 0))
          .map((category) => {
            const share = (totals.get(category) ?? 0) / all;
            return (
              <tr key={category}>
                <td>
                  <button type="button" className="plain" onClick={() => onCategory(category)}>
                    {t(`category.${category}`)}
                  </button>
                </td>
                <td className="num">{number(totals.get(category) ?? 0)}</td>
                <td className="num">{percent.format(share)}</td>
                <td style={{ verticalAlign: "middle" }}>
                  <div
                    className="bar"
                    style={{ width: `${100 * share}%`, height: 9, background: categoryColour(category) }}
                  />
                </td>
              </tr>
            );
          })}
      </tbody>
    </table>
  );
}

import { useTranslation } from "react-i18next";
import type { SummaryQuery } from "../api/generated";
import { useNumber } from "../shared/format";
import { EventIcon } from "../shared/Icon";
import { Histogram } from "./Histogram";

interface Props {
  summary: SummaryQuery["summary"];
  /** It is that of the search before, until the new one comes. */
  old: boolean;
  onCode: (code: number) => void;
  onBrush: (from: string, to: string) => void;
}

/** How much there is, on how many hosts, when, and of which codes. */
export function SummaryStrip({ summary, old, onCode, onBrush }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  return (
    <section className="summary" aria-busy={old} aria-label={t("search.summary")}>
      <dl className="totals">
        <div>
          <dt>{t(summary.total.exact ? "search.total" : "search.totalAtLeast")}</dt>
          <dd data-testid="total">{number(summary.total.value)}</dd>
        </div>
        <div>
          <dt>{t("search.hosts")}</dt>
          <dd data-testid="hosts">{number(summary.hosts)}</dd>
        </div>
      </dl>
      <div style={{ flex: 1, minWidth: 0 }}>
        <Histogram buckets={summary.histogram} intervalMs={summary.intervalMs} onBrush={onBrush} />
        <div className="row" style={{ gap: 4, marginTop: 4, maxHeight: 46, overflow: "auto" }}>
          {[...summary.codes]
            .sort((a, b) => b.count - a.count)
            .map((code) => (
              <button
                key={code.code}
                type="button"
                className="chip"
                title={t("search.onlyCode", { name: code.name })}
                onClick={() => onCode(code.code)}
              >
                <EventIcon code={code.code} size={13} />
                {code.name} <b className="num">{number(code.count)}</b>
              </button>
            ))}
        </div>
      </div>
    </section>
  );
}

import "../search/search.css";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { client } from "../api/client";
import { EventCodesDocument, EventsDocument } from "../api/generated";
import { usePages } from "../api/pages";
import { useLanguage } from "../i18n";
import { CATEGORY_COLUMNS, isOwn, readSort, sortInput } from "../search/columns";
import { Results } from "../search/Results";
import { CATEGORIES } from "../shared/colours";
import { conditionInput, emptyGroup, match } from "../shared/condition";
import { EventPanel } from "../shared/EventPanel";
import { type Period, periodInput } from "../shared/period";

interface Props {
  host: string;
  period: Period;
  category: string | undefined;
  onCategory: (category: string | undefined) => void;
}

const PAGE = 100;
const ALL = ["time", "code", "image", "user", "description"];

/** Codes of each category; they belong to the server's version. */
function useCodes(): Map<string, string[]> {
  const [codes, setCodes] = useState(new Map<string, string[]>());
  useEffect(() => {
    let stopped = false;
    void client
      .query(EventCodesDocument, {})
      .toPromise()
      .then(({ data }) => {
        const of = new Map<string, string[]>();
        for (const { code, category } of data?.eventCodes ?? [])
          of.set(category, [...(of.get(category) ?? []), String(code)]);
        if (!stopped) setCodes(of);
      });
    return () => {
      stopped = true;
    };
  }, []);
  return codes;
}

/** The events of a host in the period, of all or of one category with the columns that fit it. */
export function HostEvents({ host, period, category, onCategory }: Props) {
  const { t } = useTranslation();
  const [sort, setSort] = useState(readSort(null));
  const [selected, setSelected] = useState<string>();
  const codes = useCodes();
  const language = useLanguage();
  const columns = (category && CATEGORY_COLUMNS[category]) || ALL;
  const wanted = category ? codes.get(category) : [];
  const key = JSON.stringify([host, period, wanted]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for what is read.
  const variables = useMemo(() => {
    const rows = [match("Computer", host)];
    if (wanted?.length) rows.push({ ...match("EventID", ""), values: wanted });
    return { condition: conditionInput(emptyGroup(rows)), period: periodInput(period) };
  }, [key]);
  const pages = usePages(
    EventsDocument,
    { ...variables, ...sortInput(sort), fields: columns.filter((c) => !isOwn(c)), language, first: PAGE },
    (d) => d.events,
    !wanted,
  );
  return (
    <div className="host-events">
      <div className="row" style={{ gap: 4 }}>
        {[undefined, ...CATEGORIES].map((c) => (
          <button
            key={c ?? "all"}
            type="button"
            className="chip"
            aria-pressed={category === c}
            onClick={() => onCategory(c)}
          >
            {c ? t(`category.${c}`) : t("hosts.allCategories")}
          </button>
        ))}
      </div>
      <div className="split">
        <div className="main">
          <Results
            label={t("hosts.tabs.events")}
            pages={pages}
            columns={columns}
            sort={sort}
            onSort={setSort}
            selected={selected}
            onSelect={setSelected}
            period={period}
          />
        </div>
        {selected && (
          <div className="side">
            <EventPanel key={selected} id={selected} onClose={() => setSelected(undefined)} />
          </div>
        )}
      </div>
    </div>
  );
}

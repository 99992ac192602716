import "../search/search.css";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { EventCodesDocument, EventsDocument } from "../api/generated";
import { type Pages, usePages } from "../api/pages";
import { useLanguage } from "../i18n";
import { askedFields, CATEGORY_COLUMNS, readSort, sortInput, writeSort } from "../search/columns";
import { type EventRow, Results } from "../search/Results";
import { CATEGORIES } from "../shared/colours";
import { conditionInput, emptyGroup, match } from "../shared/condition";
import { EventPanel } from "../shared/EventPanel";
import { type Period, periodInput } from "../shared/period";
import type { Change } from "./address";

interface Props {
  host: string;
  period: Period;
  category: string | undefined;
  /** As the address has it. */
  sort: string | null;
  event: string | null;
  onChange: (change: Change, how?: { replace: boolean }) => void;
}

const PAGE = 100;
const ALL = ["time", "code", "image", "user", "description"];

/** The events of a host in the period, of all or of one category with the columns that fit it. */
export function HostEvents({ host, period, category, sort: order, event, onChange }: Props) {
  const { t } = useTranslation();
  const sort = readSort(order);
  const selected = event ?? undefined;
  const [codes, askCodes] = useQuery({ query: EventCodesDocument, pause: !category });
  const language = useLanguage();
  const columns = (category && CATEGORY_COLUMNS[category]) || ALL;
  // Of which codes a category is, only the server knows: nothing is asked for before it has said so.
  const known = codes.data?.eventCodes;
  const wanted = category
    ? known?.flatMap((c) => (c.category === category ? String(c.code) : []))
    : ([] as string[]);
  const key = JSON.stringify([host, period, wanted]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for what is read.
  const variables = useMemo(() => {
    const rows = [match("Computer", host)];
    if (wanted?.length) rows.push({ ...match("EventID", ""), values: wanted });
    return { condition: conditionInput(emptyGroup(rows)), period: periodInput(period) };
  }, [key]);
  const pages = usePages(
    EventsDocument,
    { ...variables, ...sortInput(sort), fields: askedFields(columns), language, first: PAGE },
    (d) => d.events,
    !wanted,
  );
  const shown: Pages<EventRow> = wanted
    ? pages
    : { ...pages, loading: !codes.error, error: codes.error, retry: () => askCodes() };
  return (
    <div className="host-events">
      <div className="row" style={{ gap: 4 }}>
        {[undefined, ...CATEGORIES].map((c) => (
          <button
            key={c ?? "all"}
            type="button"
            className="chip"
            aria-pressed={category === c}
            onClick={() => onChange({ category: c ?? null, event: null, sort: null })}
          >
            {c ? t(`category.${c}`) : t("hosts.allCategories")}
          </button>
        ))}
      </div>
      <div className="split">
        <div className="main">
          <Results
            label={t("hosts.tabs.events")}
            pages={shown}
            columns={columns}
            sort={sort}
            onSort={(s) => onChange({ sort: writeSort(s) })}
            selected={selected}
            onSelect={(id, byKey) => onChange({ event: id }, { replace: byKey })}
            period={period}
          />
        </div>
        {selected && (
          <div className="side">
            <EventPanel
              key={selected}
              id={selected}
              onClose={() => onChange({ event: null })}
              period={period}
            />
          </div>
        )}
      </div>
    </div>
  );
}

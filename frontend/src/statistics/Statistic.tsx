import { Button } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { ValuesDocument } from "../api/generated";
import { conditionInput, emptyGroup, type Group, type Item } from "../shared/condition";
import { useNumber } from "../shared/format";
import { type Period, periodInput } from "../shared/period";
import { State } from "../shared/State";
import {
  readValueSort,
  type ValueColumn,
  type ValueSort,
  ValuesTable,
  writeValueSort,
} from "../shared/ValuesTable";
import { type Kind, type View, within } from "./kinds";

interface Props {
  title: string;
  kind: Kind;
  view: View;
  /** What all events must fulfil. */
  asked: Group;
  period: Period;
  baseline: Period | undefined;
  /** When the period was chosen: what it is compared with begins or ends at the same moment. */
  now: number;
  /** As the address has it. */
  order: string | undefined;
  onOrder: (order: string) => void;
  /** Alone on the page, with everything. */
  whole: boolean;
  onWhole: () => void;
  onMatch: (item: Item) => void;
}

const SHOWN = 12;
const ALL = 500;

const SORTS: Record<View, ValueSort> = {
  top: { order: "EVENTS", descending: true },
  rare: { order: "EVENTS", descending: false },
  new: { order: "FIRST_SEEN", descending: true },
  compare: { order: "CHANGE", descending: true },
  heat: { order: "EVENTS", descending: true },
};
const COLUMNS: Record<View, ValueColumn[]> = {
  top: ["hosts"],
  rare: ["hosts"],
  new: ["firstSeen"],
  compare: ["baseline", "change"],
  heat: [],
};

const COMPARED: Record<View, ValueColumn[]> = {
  top: [],
  rare: [],
  new: [],
  compare: ["baseline", "change"],
  heat: [],
};

/** The values of one field or pair of fields. */
export function Statistic(props: Props) {
  const { title, kind, view, asked, period, baseline, now, whole, onWhole, onMatch } = props;
  const { t } = useTranslation();
  const number = useNumber();
  const sort = readValueSort(props.order, SORTS[view]);
  const items = [...within(kind), ...(asked.items.length > 0 ? [asked] : [])];
  const key = JSON.stringify([kind, items, period, baseline, view, sort, whole, now]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for what is read.
  const variables = useMemo(() => {
    const condition = conditionInput(emptyGroup(items));
    return {
      fields: kind.fields,
      condition,
      period: periodInput(period, now),
      baseline: baseline && { condition, period: periodInput(baseline, now) },
      onlyNew: view === "new",
      ...sort,
      first: whole ? ALL : SHOWN,
    };
  }, [key]);
  const [{ data, error, fetching }, reload] = useQuery({ query: ValuesDocument, variables });
  const found = data?.values;
  const all: ValueColumn[] = ["hosts", "firstSeen", "lastSeen", ...COMPARED[view]];
  return (
    <section className="panel" aria-label={title} aria-busy={fetching && !!found}>
      <div className="row pad" style={{ borderBottom: "1px solid var(--line)", flexWrap: "nowrap" }}>
        <h2 style={{ whiteSpace: "nowrap" }}>{title}</h2>
        {found && (
          <span className="dim cut" style={{ marginLeft: "auto" }}>
            {t("values.distinct", { shown: number(found.values.length), total: number(found.distinct) })}
          </span>
        )}
        {!whole && (
          <Button variant="subtle" px={6} style={{ flex: "none" }} onClick={onWhole}>
            {t("statistics.whole")}
            <span className="unseen">: {title}</span>
          </Button>
        )}
      </div>
      <State
        loading={fetching}
        error={error}
        empty={!found || found.values.length === 0}
        nothing={t(view === "new" ? "statistics.nothingNew" : "statistics.nothing")}
        retry={() => reload()}
      />
      {found && found.values.length > 0 && (
        <ValuesTable
          fields={kind.fields}
          rows={found.values}
          columns={whole ? all : COLUMNS[view]}
          baselineName={t("values.before")}
          sort={sort}
          onSort={(s) => props.onOrder(writeValueSort(s))}
          within={items}
          period={period}
          onMatch={onMatch}
          whole={whole}
        />
      )}
    </section>
  );
}

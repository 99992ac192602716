import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { ValueOrder, ValuesQuery } from "../api/generated";
import { useClock } from "./clock";
import { emptyGroup, type Item, only } from "./condition";
import { baseName, pathEnd, useNumber } from "./format";
import { searchLink } from "./links";
import type { Period } from "./period";
import { ValueButton } from "./ValueMenu";

export type ValueRow = ValuesQuery["values"]["values"][number];
export type ValueColumn = "hosts" | "firstSeen" | "lastSeen" | "baseline" | "change" | "baselineHosts";

export interface ValueSort {
  order: ValueOrder;
  descending: boolean;
}

const ALL_ORDERS: ValueOrder[] = [
  "VALUE",
  "EVENTS",
  "HOSTS",
  "FIRST_SEEN",
  "LAST_SEEN",
  "BASELINE",
  "CHANGE",
];

/** `-EVENTS`, `VALUE` as an address has it: a minus is descending. */
export function readValueSort(text: string | null | undefined, otherwise: ValueSort): ValueSort {
  const order = ALL_ORDERS.find((o) => o === text?.replace("-", ""));
  return order ? { order, descending: !!text?.startsWith("-") } : otherwise;
}

export const writeValueSort = ({ order, descending }: ValueSort) => `${descending ? "-" : ""}${order}`;

interface Props {
  fields: string[];
  rows: ValueRow[];
  /** Besides the value and its events. */
  columns: ValueColumn[];
  /** What the baseline is. */
  baselineName?: string;
  sort: ValueSort;
  onSort?: (sort: ValueSort) => void;
  /** What the events of a value must fulfil too. */
  within: Item[];
  period: Period;
  onMatch?: (item: Item) => void;
  /** Paths are shown from their beginning. */
  whole?: boolean;
}

const ORDERS: Record<ValueColumn, ValueOrder | undefined> = {
  hosts: "HOSTS",
  firstSeen: "FIRST_SEEN",
  lastSeen: "LAST_SEEN",
  baseline: "BASELINE",
  change: "CHANGE",
  baselineHosts: undefined,
};

/** Values of fields with when and where they occur; each leads to its events. */
export function ValuesTable(props: Props) {
  const { fields, rows, columns, baselineName, within, period, onMatch, whole } = props;
  const { t } = useTranslation();
  const number = useNumber();
  const { time, label } = useClock();
  const highest = Math.max(1, ...rows.map((r) => r.count));
  const drill = (row: ValueRow) =>
    searchLink(emptyGroup([...within, ...fields.map((f, i) => only(f, row.values[i] ?? ""))]), period);
  const shown = (value: string) => {
    if (whole || value === "") return value || t("values.empty");
    return fields.length > 1 ? baseName(value) : pathEnd(value);
  };
  const cell = (row: ValueRow, c: ValueColumn) => {
    switch (c) {
      case "hosts":
        return number(row.hosts);
      case "firstSeen":
        return time(row.firstSeen, false);
      case "lastSeen":
        return time(row.lastSeen, false);
      case "baseline":
        return number(row.baselineCount);
      case "change":
        return `${row.count > row.baselineCount ? "+" : ""}${number(row.count - row.baselineCount)}`;
      case "baselineHosts":
        return number(row.baselineHosts);
    }
  };
  const isTime = (c: ValueColumn) => c === "firstSeen" || c === "lastSeen";
  const title = (c: ValueColumn) => {
    if (c === "baseline") return baselineName ?? t("values.baseline");
    return isTime(c) ? `${t(`values.${c}`)} (${label})` : t(`values.${c}`);
  };
  return (
    <table className="dense values">
      <thead>
        <tr>
          <Head {...props} order="VALUE" text={fields.join(" → ")} />
          <Head {...props} order="EVENTS" text={t("values.events")} numeric />
          {columns.map((c) => (
            <Head key={c} {...props} order={ORDERS[c]} text={title(c)} numeric={!isTime(c)} />
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.values.join("\0")} className="acting">
            <td className="value">
              <Link className="mono cut" title={row.values.join(" → ")} href={drill(row)}>
                {row.values.map(shown).join(" → ")}
              </Link>
              <div className="bar" style={{ width: `${Math.max(0.5, (100 * row.count) / highest)}%` }} />
              <span className="actions">
                {fields.map((field, i) => (
                  <ValueButton
                    key={field}
                    of={{ field, value: row.values[i] ?? "" }}
                    period={period}
                    onMatch={onMatch}
                  />
                ))}
              </span>
            </td>
            <td className="num">{number(row.count)}</td>
            {columns.map((c) => (
              <td key={c} className={isTime(c) ? "mono" : "num"} style={{ whiteSpace: "nowrap" }}>
                {cell(row, c)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Head({
  order,
  text,
  numeric,
  sort,
  onSort,
}: Pick<Props, "sort" | "onSort"> & { order: ValueOrder | undefined; text: string; numeric?: boolean }) {
  const { t } = useTranslation();
  const active = order === sort.order;
  const mark = active ? (sort.descending ? " ▼" : " ▲") : "";
  return (
    <th
      scope="col"
      className={numeric ? "num" : undefined}
      aria-sort={active ? (sort.descending ? "descending" : "ascending") : undefined}
    >
      {order && onSort ? (
        <button
          type="button"
          className="sort"
          title={t("search.sortBy", { name: text })}
          onClick={() => onSort({ order, descending: active ? !sort.descending : order !== "VALUE" })}
        >
          {text}
          <span aria-hidden="true">{mark}</span>
        </button>
      ) : (
        <>
          {text}
          <span aria-hidden="true">{mark}</span>
        </>
      )}
    </th>
  );
}

import { Button } from "@mantine/core";
import { type KeyboardEvent, type MouseEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { EventsQuery } from "../api/generated";
import type { Pages } from "../api/pages";
import { useClock } from "../shared/clock";
import { categoryColour } from "../shared/colours";
import type { Item } from "../shared/condition";
import { EventRows } from "../shared/EventRows";
import { baseName, useNumber } from "../shared/format";
import { EventIcon, Icon } from "../shared/Icon";
import { Level } from "../shared/Level";
import type { Period } from "../shared/period";
import { type Value, ValueMenuAt } from "../shared/ValueMenu";
import { actingGuid, type Column, column, isOwn, type Sort } from "./columns";

export type EventRow = EventsQuery["events"]["nodes"][number];

interface Props {
  pages: Pages<EventRow>;
  /** Names of the columns; those that are fields stand in the rows in the same order. */
  columns: string[];
  sort: Sort;
  onSort: (sort: Sort) => void;
  selected: string | undefined;
  /** `byKey`: on the way to another row, which is no place to come back to. */
  onSelect: (id: string, byKey: boolean) => void;
  onMatch?: ((item: Item) => void) | undefined;
  period?: Period;
  label: string;
  /** Why nothing is asked for. */
  nothing?: string | undefined;
}

/** Field and value that stand in a cell. */
function cellValue(event: EventRow, name: string, fields: string[]): Value | undefined {
  const of = (field: string, value: string | null | undefined) =>
    value ? { field, value, host: event.host, guid: actingGuid(event.values) } : undefined;
  const from = (field: string) => (event.code === 8 || event.code === 10 ? `Source${field}` : field);
  switch (name) {
    case "time":
      return of("UtcTime", event.time);
    case "code":
      return of("EventID", String(event.code));
    case "host":
      return of("Computer", event.host);
    case "image":
      return of(from("Image"), event.image);
    case "user":
      return of(from("User"), event.user);
    case "description":
      return undefined;
    default:
      return of(name, event.values[fields.indexOf(name)]);
  }
}

/** The events found. Arrow keys go from cell to cell, Enter opens what can be done with a value. */
export function Results({
  pages,
  columns,
  sort,
  onSort,
  selected,
  onSelect,
  onMatch,
  period,
  label,
  nothing,
}: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const scroll = useRef<HTMLDivElement>(null);
  const { items, more, loading, loadMore } = pages;
  const shown = columns.map(column);
  const fields = columns.filter((c) => !isOwn(c));
  const [cell, setCell] = useState(0);
  const byKey = useRef(false);
  const [menu, setMenu] = useState<{ of: Value; at: { x: number; y: number } }>();
  const current = () =>
    scroll.current?.querySelector<HTMLElement>(`tr[aria-selected=true] td:nth-child(${cell + 1})`);
  useEffect(() => {
    if (!byKey.current) return;
    byKey.current = false;
    const to = current();
    to?.focus({ preventScroll: true });
    to?.scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  function openMenu(name: string, event: EventRow, place: { x: number; y: number }) {
    const of = cellValue(event, name, fields);
    if (of) setMenu({ of, at: place });
  }

  function onKeyDown(event: KeyboardEvent) {
    const aside = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const row = items.find((i) => i.id === selected);
    if (!row) return;
    if (aside) {
      event.preventDefault();
      byKey.current = true;
      setCell((c) => Math.max(0, Math.min(shown.length - 1, c + aside)));
    } else if (event.key === "Enter" || event.key === "ContextMenu") {
      const name = shown[cell]?.name;
      const box = current()?.getBoundingClientRect();
      if (!name || !box) return;
      event.preventDefault();
      openMenu(name, row, { x: box.left + 8, y: box.bottom });
    }
  }

  const onContextMenu = (name: string, event: EventRow) => (e: MouseEvent) => {
    e.preventDefault();
    openMenu(name, event, { x: e.clientX, y: e.clientY });
  };
  const closeMenu = () => {
    setMenu(undefined);
    current()?.focus({ preventScroll: true });
  };

  const width = shown.reduce((sum, c) => sum + leastOf(c), 0);
  return (
    <>
      <EventRows
        ref={scroll}
        className="results"
        label={label}
        pages={pages}
        selected={selected}
        onSelect={(id, key) => {
          byKey.current = key;
          onSelect(id, key);
        }}
        onKeyDown={onKeyDown}
        minWidth={width}
        nothing={nothing ?? t("search.nothing")}
        head={shown.map((c) => <Head key={c.name} column={c} sort={sort} onSort={onSort} />)}
      >
        {(event) =>
          shown.map((c, i) => (
            <td
              key={c.name}
              className={`c-${c.name}`}
              style={size(c)}
              tabIndex={event.id === selected && i === cell ? 0 : -1}
              onFocus={() => setCell(i)}
              onContextMenu={onContextMenu(c.name, event)}
            >
              <Cell event={event} name={c.name} fields={fields} />
              {c.name !== "description" && (
                <button
                  type="button"
                  className="dots"
                  tabIndex={-1}
                  aria-hidden="true"
                  onClick={(e) => {
                    e.stopPropagation();
                    onSelect(event.id, false);
                    openMenu(c.name, event, { x: e.clientX, y: e.clientY + 8 });
                  }}
                >
                  <Icon name="dots" size={13} />
                </button>
              )}
            </td>
          ))
        }
      </EventRows>
      {menu && <ValueMenuAt {...menu} period={period} onMatch={onMatch} onClose={closeMenu} />}
      {items.length > 0 && (
        <div className="foot row">
          <span role="status">
            {t(pages.total?.exact === false ? "page.shownAtLeast" : "page.shown", {
              shown: number(items.length),
              total: number(pages.total?.value ?? items.length),
            })}
          </span>
          <span className="dim wide">{t("search.tableHint")}</span>
          {more && (
            <Button variant="default" loading={loading} onClick={loadMore} className="push">
              {t("page.more")}
            </Button>
          )}
        </div>
      )}
    </>
  );
}

const leastOf = (c: Column) => c.least ?? c.width ?? 260;
const size = (c: Column) => ({
  flex: c.width ? `0 ${c.least ? 1 : 0} ${c.width}px` : "1 0 260px",
  minWidth: leastOf(c),
});

function Head({ column: c, sort, onSort }: { column: Column } & Pick<Props, "sort" | "onSort">) {
  const { t } = useTranslation();
  const { label } = useClock();
  const text = isOwn(c.name) ? t(`column.${c.name}`) : c.name;
  const active = c.sort === sort.by;
  const name = c.name === "time" ? `${text} (${label})` : text;
  const { sort: by } = c;
  return (
    <th
      scope="col"
      style={size(c)}
      aria-sort={active ? (sort.descending ? "descending" : "ascending") : undefined}
    >
      {by ? (
        <button
          type="button"
          className="sort"
          title={t("search.sortBy", { name })}
          onClick={() => onSort({ by, descending: active ? !sort.descending : by === "time" })}
        >
          {name}
          {active && <span aria-hidden="true">{sort.descending ? " ▼" : " ▲"}</span>}
        </button>
      ) : (
        name
      )}
    </th>
  );
}

function Cell({ event, name, fields }: { event: EventRow; name: string; fields: string[] }) {
  const { time } = useClock();
  switch (name) {
    case "time":
      return <span className="mono">{time(event.time)}</span>;
    case "code":
      return (
        <>
          <EventIcon code={event.code} size={14} colour={categoryColour(event.category)} /> {event.code}{" "}
          {event.name}
        </>
      );
    case "host":
      return event.host;
    case "image":
      return <span title={event.image ?? undefined}>{baseName(event.image)}</span>;
    case "user":
      return event.user;
    case "description":
      return (
        <>
          {event.hits.map((hit) => (
            <span key={hit.id} className="hitmark" title={hit.ruleTitle}>
              <Level level={hit.level} />
            </span>
          ))}
          {event.description}
        </>
      );
    default: {
      const value = event.values[fields.indexOf(name)];
      return <span title={value ?? undefined}>{/Image$/.test(name) ? baseName(value) : value}</span>;
    }
  }
}

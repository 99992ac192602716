import { Button } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { EventsQuery } from "../api/generated";
import type { Pages } from "../api/pages";
import { categoryColour } from "../shared/colours";
import { baseName, useNumber, utc } from "../shared/format";
import { EventIcon } from "../shared/Icon";
import { Scroll } from "../shared/Scroll";
import { State } from "../shared/State";

export type EventRow = EventsQuery["events"]["nodes"][number];

interface Props {
  pages: Pages<EventRow>;
  selected: string | undefined;
  onSelect: (id: string) => void;
}

const ROW = 26;
const COLUMNS = ["time", "code", "host", "image", "user", "description"] as const;

/** The events found: only the rows in sight are drawn, and more are asked for as the end comes near. */
export function Results({ pages, selected, onSelect }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const scroll = useRef<HTMLDivElement>(null);
  const { items, more, loading, loadMore } = pages;
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  const drawn = rows.getVirtualItems();
  const lastDrawn = drawn.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && !loading && !pages.error && lastDrawn >= items.length - 20) loadMore();
  }, [more, loading, pages.error, lastDrawn, items.length, loadMore]);

  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[event.key];
    if (!step || items.length === 0) return;
    event.preventDefault();
    const now = items.findIndex((i) => i.id === selected);
    const next = Math.max(0, Math.min(items.length - 1, now < 0 ? 0 : now + step));
    const row = items[next];
    if (!row) return;
    rows.scrollToIndex(next);
    onSelect(row.id);
  }

  return (
    <>
      <Scroll ref={scroll} className="results" onKeyDown={onKeyDown} label={t("search.results")}>
        <table className="events" aria-rowcount={pages.total?.exact ? pages.total.value + 1 : -1}>
          <thead>
            <tr>
              {COLUMNS.map((c) => (
                <th key={c} scope="col" className={`c-${c}`}>
                  {t(`column.${c}`)}
                  {c === "time" && " (UTC)"}
                </th>
              ))}
            </tr>
          </thead>
          <tbody style={{ height: rows.getTotalSize() }}>
            {drawn.map((v) => {
              const event = items[v.index];
              return (
                event && (
                  <tr
                    key={event.id}
                    aria-rowindex={v.index + 2}
                    aria-selected={event.id === selected}
                    style={{ transform: `translateY(${v.start}px)` }}
                    onClick={() => onSelect(event.id)}
                  >
                    <td className="c-time mono">{utc(event.time)}</td>
                    <td className="c-code">
                      <EventIcon code={event.code} size={14} colour={categoryColour(event.category)} />{" "}
                      {event.code} {event.name}
                    </td>
                    <td className="c-host">{event.host}</td>
                    <td className="c-image" title={event.image ?? undefined}>
                      {baseName(event.image)}
                    </td>
                    <td className="c-user">{event.user}</td>
                    <td className="c-description">
                      <button type="button" className="open" tabIndex={-1}>
                        {event.description}
                      </button>
                    </td>
                  </tr>
                )
              );
            })}
          </tbody>
        </table>
        <State
          loading={loading}
          error={pages.error}
          empty={items.length === 0}
          nothing={t("search.nothing")}
          retry={pages.reload}
        />
      </Scroll>
      {items.length > 0 && (
        <div className="foot row">
          <span role="status">
            {t("page.shown", {
              shown: number(items.length),
              total: number(pages.total?.value ?? items.length),
            })}
          </span>
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

import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { ProcessEventsQuery } from "../api/generated";
import type { Pages } from "../api/pages";
import { useClock } from "../shared/clock";
import { categoryColour } from "../shared/colours";
import { EventIcon } from "../shared/Icon";
import { Scroll } from "../shared/Scroll";
import { State } from "../shared/State";
import { partOf } from "./activity";

interface Props {
  /** Without braces, lower case. */
  guid: string;
  pages: Pages<ProcessEventsQuery["events"]["nodes"][number]>;
  selected: string | undefined;
  onSelect: (id: string) => void;
}

const ROW = 26;

/** The events of a process in order of time: only rows in sight are drawn, more are asked for as the end comes near. */
export function Activity({ guid, pages, selected, onSelect }: Props) {
  const { t } = useTranslation();
  const clock = useClock();
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

  const chosen = items.find((i) => i.id === selected);
  return (
    <>
      <span className="unseen" role="status">
        {chosen &&
          `${clock.time(chosen.time)} ${clock.label}, ${chosen.code} ${chosen.name}, ${chosen.description}`}
      </span>
      <Scroll ref={scroll} className="activity" label={t("process.rows")} onKeyDown={onKeyDown}>
        <table aria-rowcount={pages.total?.exact ? pages.total.value + 1 : -1}>
          <thead>
            <tr>
              <th scope="col">
                {t("column.time")} ({clock.label})
              </th>
              <th scope="col">{t("column.code")}</th>
              <th scope="col">{t("process.part")}</th>
              <th scope="col">{t("process.what")}</th>
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
                    <td className="mono">{clock.time(event.time)}</td>
                    <td>
                      <EventIcon code={event.code} size={14} colour={categoryColour(event.category)} />{" "}
                      {event.code} <span className="code-name">{event.name}</span>
                    </td>
                    <td className="dim">{t(`process.parts.${partOf(guid, event)}`)}</td>
                    <td title={event.description}>
                      <button type="button" tabIndex={-1}>
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
          nothing={t("process.nothing")}
          retry={pages.retry}
        />
      </Scroll>
    </>
  );
}

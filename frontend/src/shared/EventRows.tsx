import "./events.css";
import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, type RefObject, useEffect } from "react";
import type { Pages } from "../api/pages";
import { Scroll } from "./Scroll";
import { State } from "./State";

interface Props<T> {
  ref: RefObject<HTMLDivElement | null>;
  className: string;
  label: string;
  pages: Pages<T>;
  selected: string | undefined;
  /** `byKey`: on the way to another row, which is no place to come back to. */
  onSelect: (id: string, byKey: boolean) => void;
  /** Keys that do not go from row to row. */
  onKeyDown?: (event: KeyboardEvent) => void;
  minWidth?: number;
  /** Why there is no row. */
  nothing: string;
  /** Cells of the first row. */
  head: ReactNode;
  /** Cells of an event. */
  children: (event: T) => ReactNode;
}

const ROW = 26;
const OVERSCAN = 12;

/** Events as a table of which only the rows in sight are drawn; more are asked for as the end comes near. */
export function EventRows<T extends { id: string }>({
  ref,
  className,
  label,
  pages,
  selected,
  onSelect,
  onKeyDown,
  minWidth,
  nothing,
  head,
  children,
}: Props<T>) {
  const { items, more, loading, loadMore } = pages;
  const at = items.findIndex((i) => i.id === selected);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => ref.current,
    estimateSize: () => ROW,
    overscan: OVERSCAN,
    scrollPaddingStart: 30,
    // The row with the focus stays, wherever the list is scrolled to.
    rangeExtractor: (range) => {
      const drawn = defaultRangeExtractor(range);
      return at < 0 || drawn.includes(at) ? drawn : [...drawn, at].sort((a, b) => a - b);
    },
  });
  const drawn = rows.getVirtualItems();
  const lastDrawn = (rows.range?.endIndex ?? 0) + OVERSCAN;
  useEffect(() => {
    if (more && !loading && !pages.error && lastDrawn >= items.length - 20) loadMore();
  }, [more, loading, pages.error, lastDrawn, items.length, loadMore]);

  function goByKey(event: KeyboardEvent) {
    if ((event.target as HTMLElement).closest("thead")) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[event.key];
    if (!step) return onKeyDown?.(event);
    const next = Math.max(0, Math.min(items.length - 1, at < 0 ? 0 : at + step));
    const row = items[next];
    if (!row) return;
    event.preventDefault();
    rows.scrollToIndex(next);
    onSelect(row.id, true);
  }

  return (
    <Scroll ref={ref} className={className} label={label} onKeyDown={goByKey}>
      <table
        className="events"
        style={{ minWidth }}
        aria-rowcount={pages.total?.exact ? pages.total.value + 1 : -1}
      >
        <thead>
          <tr>{head}</tr>
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
                  onClick={() => onSelect(event.id, false)}
                >
                  {children(event)}
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
        nothing={nothing}
        retry={pages.retry}
      />
    </Scroll>
  );
}

import { ActionIcon, RangeSlider } from "@mantine/core";
import { type PointerEvent, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useClock } from "../shared/clock";
import { Icon } from "../shared/Icon";
import type { Drawing } from "./model";

interface Props {
  drawing: Drawing;
  value: [number, number] | undefined;
  onChange: (range: [number, number] | undefined) => void;
}

const BARS = 80;

/** First and last time of everything drawn. */
export function timesOf(drawing: Drawing): number[] {
  const times: number[] = [];
  for (const edge of drawing.edges.values())
    for (const time of [edge.firstSeen, edge.lastSeen]) if (time) times.push(Date.parse(time));
  if (times.length === 0) for (const node of drawing.nodes.values()) times.push(Date.parse(node.firstSeen));
  return times;
}

/** What was seen inside of a time; the rest fades. */
export function litBy(drawing: Drawing, [from, to]: [number, number]): Set<string> {
  const lit = new Set<string>();
  const inside = (first: string | undefined, last: string | undefined) =>
    first !== undefined && last !== undefined && Date.parse(last) >= from && Date.parse(first) <= to;
  for (const edge of drawing.edges.values()) {
    if (!inside(edge.firstSeen, edge.lastSeen)) continue;
    lit.add(edge.from);
    lit.add(edge.to);
  }
  const joined = new Set([...drawing.edges.values()].flatMap((e) => [e.from, e.to]));
  for (const n of drawing.nodes.values())
    if (!joined.has(n.id) && inside(n.firstSeen, n.lastSeen)) lit.add(n.id);
  for (const group of drawing.groups.values()) if (lit.has(group.by)) lit.add(group.id);
  return lit;
}

/** The times of what is drawn, and a part of them to look at: dragged over the bars, or set by the ends below them. */
export function TimeBrush({ drawing, value, onChange }: Props) {
  const { t } = useTranslation();
  const clock = useClock();
  const { start, end, bars } = useMemo(() => {
    const times = timesOf(drawing);
    const [first, last] = times.reduce(
      ([a, b], time) => [Math.min(a, time), Math.max(b, time)],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    );
    const counts = new Array<number>(BARS).fill(0);
    for (const time of times) {
      const i = Math.min(BARS - 1, Math.floor(((time - first) / (last - first || 1)) * BARS));
      counts[i] = (counts[i] ?? 0) + 1;
    }
    return { start: first, end: last, bars: counts };
  }, [drawing]);
  const [drag, setDrag] = useState<[number, number]>();
  if (!(end > start)) return null;
  const highest = Math.max(...bars);
  const at = (x: number) => start + (x / 1_000) * (end - start);
  const slot = (time: number) => Math.round(((time - start) / (end - start)) * 1_000);
  const name = (x: number) =>
    `${clock.time(new Date(at(x)).toISOString(), end - start < 60_000)} ${clock.label}`;
  const shown: [number, number] = value ? [slot(value[0]), slot(value[1])] : [0, 1_000];
  const slotAt = (e: PointerEvent<SVGSVGElement>) => {
    const box = e.currentTarget.getBoundingClientRect();
    return Math.min(BARS, Math.max(0, ((e.clientX - box.left) / box.width) * BARS));
  };
  const finish = () => {
    if (drag) {
      // A click without a drag chooses one bar.
      const least = Math.min(BARS - 1, Math.floor(Math.min(...drag)));
      const most = Math.ceil(Math.max(...drag, least + 1));
      onChange([at((least / BARS) * 1_000), at((most / BARS) * 1_000)]);
    }
    setDrag(undefined);
  };
  const part = drag
    ? [Math.min(...drag), Math.max(...drag)]
    : value?.map((time) => (slot(time) / 1_000) * BARS);
  const [left = 0, right = 0] = part ?? [];
  return (
    <fieldset className="brush" aria-label={t("graph.brush")}>
      <span className="dim mono">{clock.time(new Date(start).toISOString(), false)}</span>
      <div className="bars">
        <svg
          viewBox={`0 0 ${BARS} 20`}
          preserveAspectRatio="none"
          aria-hidden="true"
          onPointerDown={(e) => {
            e.currentTarget.setPointerCapture(e.pointerId);
            setDrag([slotAt(e), slotAt(e)]);
          }}
          onPointerMove={(e) => drag && setDrag([drag[0], slotAt(e)])}
          onPointerUp={finish}
          onPointerCancel={() => setDrag(undefined)}
        >
          {part && <rect className="part" x={left} width={right - left} y={0} height={20} />}
          {bars.map((count, i) => {
            const height = count > 0 ? Math.max(2, (Math.sqrt(count) / Math.sqrt(highest)) * 20) : 0;
            // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place.
            return <rect key={i} x={i + 0.1} y={20 - height} width={0.8} height={height} />;
          })}
        </svg>
        <RangeSlider
          size="xs"
          min={0}
          max={1_000}
          minRange={1}
          value={shown}
          label={name}
          thumbFromLabel={t("graph.brushFrom")}
          thumbToLabel={t("graph.brushTo")}
          onChange={([a, b]) => onChange(a <= 0 && b >= 1_000 ? undefined : [at(a), at(b)])}
        />
      </div>
      <span className="dim mono">
        {clock.time(new Date(end).toISOString(), false)} {clock.label}
      </span>
      <ActionIcon disabled={!value} onClick={() => onChange(undefined)} aria-label={t("graph.brushClear")}>
        <Icon name="close" size={14} />
      </ActionIcon>
    </fieldset>
  );
}

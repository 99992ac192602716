import { useTranslation } from "react-i18next";
import { CATEGORIES, categoryColour } from "../shared/colours";
import { useNumber, utc } from "../shared/format";

interface Bucket {
  start: string;
  category: string;
  count: number;
}

interface Props {
  intervalMs: number;
  buckets: Bucket[];
  /** A bar was chosen. */
  onBrush: (from: string, to: string) => void;
}

const HEIGHT = 90;

/** Per time slot the counts of each category, in the order of the legend. */
export function stack(buckets: Bucket[]): { start: string; total: number; parts: Map<string, number> }[] {
  const slots = new Map<string, Map<string, number>>();
  for (const { start, category, count } of buckets) {
    const parts = slots.get(start) ?? new Map<string, number>();
    parts.set(category, (parts.get(category) ?? 0) + count);
    slots.set(start, parts);
  }
  return [...slots]
    .sort(([a], [b]) => Date.parse(a) - Date.parse(b))
    .map(([start, parts]) => ({ start, parts, total: [...parts.values()].reduce((a, b) => a + b, 0) }));
}

/** Events of a host over time, one colour per category. A click on a bar goes into it. */
export function Timeline({ intervalMs, buckets, onBrush }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const bars = stack(buckets);
  const first = bars[0];
  const last = bars.at(-1);
  if (!first || !last) return null;
  const begin = Date.parse(first.start);
  const slots = Math.round((Date.parse(last.start) - begin) / intervalMs) + 1;
  const highest = Math.max(...bars.map((b) => b.total));
  const totals = CATEGORIES.map((c) => ({
    category: c,
    count: bars.reduce((sum, bar) => sum + (bar.parts.get(c) ?? 0), 0),
  })).filter((c) => c.count > 0);
  return (
    <figure style={{ margin: 0 }}>
      <svg
        role="img"
        aria-label={t("hosts.timeline", { from: utc(first.start, false), to: utc(last.start, false) })}
        viewBox={`0 0 ${Math.max(slots, 12)} ${HEIGHT}`}
        preserveAspectRatio="none"
        style={{ width: "100%", height: HEIGHT, display: "block" }}
      >
        {bars.map((bar) => {
          let y = HEIGHT;
          const start = Date.parse(bar.start);
          return (
            // biome-ignore lint/a11y/noStaticElementInteractions: the period fields do the same by keyboard.
            <g
              key={bar.start}
              style={{ cursor: "pointer" }}
              onClick={() =>
                onBrush(new Date(start).toISOString(), new Date(start + intervalMs).toISOString())
              }
            >
              <title>{`${utc(bar.start, false)} UTC: ${number(bar.total)}`}</title>
              {CATEGORIES.map((category) => {
                const height = ((bar.parts.get(category) ?? 0) / highest) * (HEIGHT - 2);
                if (height === 0) return null;
                y -= height;
                return (
                  <rect
                    key={category}
                    x={Math.round((start - begin) / intervalMs) + 0.05}
                    width={0.9}
                    y={y}
                    height={height}
                    fill={categoryColour(category)}
                  />
                );
              })}
            </g>
          );
        })}
      </svg>
      <figcaption className="row" style={{ gap: 12, marginTop: 4 }}>
        <span className="dim mono">{utc(first.start, false)} UTC</span>
        <span className="row" style={{ margin: "0 auto" }}>
          {totals.map(({ category, count }) => (
            <span key={category} className="row" style={{ gap: 4 }}>
              <span
                aria-hidden="true"
                style={{ width: 10, height: 10, borderRadius: 2, background: categoryColour(category) }}
              />
              {t(`category.${category}`)} <span className="dim">{number(count)}</span>
            </span>
          ))}
        </span>
        <span className="dim mono">{utc(last.start, false)} UTC</span>
      </figcaption>
    </figure>
  );
}

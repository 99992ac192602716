import { useTranslation } from "react-i18next";
import { Brush } from "../shared/Brush";
import { useClock } from "../shared/clock";
import { CATEGORIES, categoryColour } from "../shared/colours";
import { useNumber } from "../shared/format";
import { type Bucket, shares, stack } from "./stack";

interface Props {
  intervalMs: number;
  buckets: Bucket[];
  /** A part of the time axis was chosen. */
  onBrush: (from: string, to: string) => void;
}

const HEIGHT = 110;

/** Events of a host over time, one colour per category. */
export function Timeline({ intervalMs, buckets, onBrush }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const { time, label } = useClock();
  const bars = stack(buckets);
  const totals = shares(buckets);
  const first = bars[0];
  const last = bars.at(-1);
  if (!first || !last) return null;
  const begin = Date.parse(first.start);
  const end = Date.parse(last.start) + intervalMs;
  const slot = (start: string) => Math.round((Date.parse(start) - begin) / intervalMs);
  const highest = Math.max(...bars.map((b) => b.total));
  const slots = Math.max(slot(last.start) + 1, 12);
  const at = new Map(bars.map((b) => [slot(b.start), b]));
  const say = (n: number) => {
    const bar = at.get(n);
    const parts = CATEGORIES.flatMap((c) => {
      const count = bar?.parts.get(c);
      return count ? `${t(`category.${c}`)} ${number(count)}` : [];
    });
    const count = bar?.total ?? 0;
    return [t("brush.events", { count, shown: number(count) }), ...parts].join(", ");
  };
  return (
    <figure style={{ margin: 0 }}>
      <Brush
        begin={begin}
        intervalMs={intervalMs}
        slots={slots}
        height={HEIGHT}
        label={t("hosts.timeline", { from: time(begin, false), to: time(end, false), zone: label })}
        say={say}
        onBrush={onBrush}
      >
        {bars.map((bar) => {
          let y = HEIGHT;
          return (
            <g key={bar.start}>
              <title>{`${time(bar.start, false)} ${label}: ${say(slot(bar.start))}`}</title>
              {CATEGORIES.map((category) => {
                const height = ((bar.parts.get(category) ?? 0) / highest) * (HEIGHT - 2);
                if (height === 0) return null;
                y -= height;
                return (
                  <rect
                    key={category}
                    x={slot(bar.start) + 0.05}
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
      </Brush>
      <figcaption className="row dim mono" style={{ fontSize: 11, flexWrap: "nowrap" }}>
        <span>{time(begin, false)}</span>
        <span className="row" style={{ gap: "2px 12px", justifyContent: "center", flex: 1 }}>
          {CATEGORIES.filter((c) => totals.has(c)).map((category) => (
            <span key={category} className="row" style={{ gap: 4 }}>
              <span
                aria-hidden="true"
                style={{ width: 9, height: 9, borderRadius: 2, background: categoryColour(category) }}
              />
              {t(`category.${category}`)}
            </span>
          ))}
        </span>
        <span>
          {time(begin + slots * intervalMs, false)} {label}
        </span>
      </figcaption>
    </figure>
  );
}

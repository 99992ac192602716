import { useTranslation } from "react-i18next";
import { Brush } from "../shared/Brush";
import { useClock } from "../shared/clock";
import { useNumber } from "../shared/format";

interface Props {
  intervalMs: number;
  buckets: { start: string; count: number }[];
  /** A part of the time axis was chosen. */
  onBrush: (from: string, to: string) => void;
}

const HEIGHT = 54;

/** Events over time. */
export function Histogram({ intervalMs, buckets, onBrush }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const { time, label } = useClock();
  const first = buckets[0];
  const last = buckets.at(-1);
  if (!first || !last) return null;
  const begin = Date.parse(first.start);
  const slot = (start: string) => Math.round((Date.parse(start) - begin) / intervalMs);
  const highest = Math.max(...buckets.map((b) => b.count));
  const end = Date.parse(last.start) + intervalMs;
  const counts = new Map(buckets.map((b) => [slot(b.start), b.count]));
  const say = (count: number) => t("brush.events", { count, shown: number(count) });
  return (
    <figure style={{ margin: 0 }}>
      <Brush
        begin={begin}
        intervalMs={intervalMs}
        slots={slot(last.start) + 1}
        height={HEIGHT}
        label={t("search.histogram", { from: time(begin, false), to: time(end, false), zone: label })}
        say={(s) => say(counts.get(s) ?? 0)}
        onBrush={onBrush}
      >
        {buckets.map((bucket) => {
          const height = Math.max(1.5, (bucket.count / highest) * (HEIGHT - 2));
          return (
            <rect
              key={bucket.start}
              x={slot(bucket.start) + 0.06}
              y={HEIGHT - height}
              width={0.88}
              height={height}
              fill="var(--accent)"
            >
              <title>{`${time(bucket.start, false)} ${label}: ${say(bucket.count)}`}</title>
            </rect>
          );
        })}
      </Brush>
      <figcaption
        className="row dim mono"
        style={{ justifyContent: "space-between", flexWrap: "nowrap", fontSize: 11 }}
      >
        <span style={{ whiteSpace: "nowrap" }}>{time(begin, false)}</span>
        <span className="cut" title={t("search.brushHint")}>
          {t("search.brushHint")}
        </span>
        <span style={{ whiteSpace: "nowrap" }}>
          {time(end, false)} {label}
        </span>
      </figcaption>
    </figure>
  );
}

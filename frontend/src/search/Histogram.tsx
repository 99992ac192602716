import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNumber, utc } from "../shared/format";

interface Props {
  intervalMs: number;
  buckets: { start: string; count: number }[];
  /** A part of the time axis was chosen by dragging over it. */
  onBrush: (from: string, to: string) => void;
}

const HEIGHT = 54;

/** Events over time. Dragging chooses a period; the period fields do the same by keyboard. */
export function Histogram({ intervalMs, buckets, onBrush }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const svg = useRef<SVGSVGElement>(null);
  const [drag, setDrag] = useState<[number, number]>();
  const first = buckets[0];
  const last = buckets.at(-1);
  if (!first || !last) return null;
  const begin = Date.parse(first.start);
  const slots = Math.round((Date.parse(last.start) - begin) / intervalMs) + 1;
  const highest = Math.max(...buckets.map((b) => b.count));
  const end = new Date(Date.parse(last.start) + intervalMs).toISOString();
  const at = (x: number) => {
    const box = svg.current?.getBoundingClientRect();
    return box ? Math.min(slots, Math.max(0, ((x - box.left) / box.width) * slots)) : 0;
  };
  const time = (slot: number) => new Date(begin + slot * intervalMs).toISOString();
  const finish = () => {
    if (drag)
      onBrush(
        time(Math.floor(Math.min(...drag))),
        time(Math.ceil(Math.max(...drag, Math.min(...drag) + 0.01))),
      );
    setDrag(undefined);
  };
  return (
    <figure style={{ margin: 0 }}>
      <svg
        ref={svg}
        role="img"
        aria-label={t("search.histogram", { from: utc(first.start, false), to: utc(end, false) })}
        viewBox={`0 0 ${slots} ${HEIGHT}`}
        preserveAspectRatio="none"
        style={{ width: "100%", height: HEIGHT, display: "block", cursor: "crosshair", touchAction: "none" }}
        onPointerDown={(e) => {
          e.currentTarget.setPointerCapture(e.pointerId);
          setDrag([at(e.clientX), at(e.clientX)]);
        }}
        onPointerMove={(e) => drag && setDrag([drag[0], at(e.clientX)])}
        onPointerUp={finish}
        onPointerCancel={() => setDrag(undefined)}
      >
        {buckets.map((bucket) => {
          const height = Math.max(1.5, (bucket.count / highest) * (HEIGHT - 2));
          const x = Math.round((Date.parse(bucket.start) - begin) / intervalMs);
          return (
            <rect
              key={bucket.start}
              x={x + 0.06}
              y={HEIGHT - height}
              width={0.88}
              height={height}
              fill="var(--accent)"
            >
              <title>{`${utc(bucket.start, false)} UTC: ${number(bucket.count)}`}</title>
            </rect>
          );
        })}
        {drag && (
          <rect
            x={Math.min(...drag)}
            width={Math.abs(drag[1] - drag[0])}
            y={0}
            height={HEIGHT}
            fill="var(--text)"
            opacity={0.18}
          />
        )}
      </svg>
      <figcaption className="row dim mono" style={{ justifyContent: "space-between", fontSize: 11 }}>
        <span>{utc(first.start, false)}</span>
        <span>{t("search.brushHint")}</span>
        <span>{utc(end, false)} UTC</span>
      </figcaption>
    </figure>
  );
}

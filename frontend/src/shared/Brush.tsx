import { type KeyboardEvent, type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useClock } from "./clock";

interface Props {
  /** Time of the first slot. */
  begin: number;
  intervalMs: number;
  slots: number;
  height: number;
  label: string;
  /** What a slot holds, for those who cannot see it. */
  say: (slot: number) => string;
  /** A part of the time axis was chosen. */
  onBrush: (from: string, to: string) => void;
  /** Drawn in units of slots and pixels. */
  children: ReactNode;
}

/** A chart over time of which a part is chosen: by dragging, or with arrow keys (Shift widens) and Enter. */
export function Brush({ begin, intervalMs, slots, height, label, say, onBrush, children }: Props) {
  const { t } = useTranslation();
  const { time, label: zone } = useClock();
  const svg = useRef<SVGSVGElement>(null);
  const [drag, setDrag] = useState<[number, number]>();
  const [keyed, setKeyed] = useState<[number, number]>();
  const at = (x: number) => {
    const box = svg.current?.getBoundingClientRect();
    return box ? Math.min(slots, Math.max(0, ((x - box.left) / box.width) * slots)) : 0;
  };
  const start = (slot: number) => new Date(begin + slot * intervalMs).toISOString();
  const choose = (from: number, to: number) => onBrush(start(from), start(to));
  const finish = () => {
    if (drag) {
      const least = Math.min(...drag);
      choose(Math.min(slots - 1, Math.floor(least)), Math.ceil(Math.max(...drag, least + 0.01)));
    }
    setDrag(undefined);
  };

  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -slots, End: slots }[event.key];
    if (step) {
      event.preventDefault();
      const clamp = (slot: number) => Math.min(slots - 1, Math.max(0, slot));
      setKeyed((now) => {
        const next = clamp((now?.[1] ?? (step > 0 ? -1 : slots)) + step);
        return [event.shiftKey && now ? now[0] : next, next];
      });
    } else if (event.key === "Enter" && keyed) {
      event.preventDefault();
      choose(Math.min(...keyed), Math.max(...keyed) + 1);
      setKeyed(undefined);
    } else if (event.key === "Escape") setKeyed(undefined);
  }

  const shown = drag ?? (keyed && [Math.min(...keyed), Math.max(...keyed) + 1]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would not take the focus.
    <div
      role="group"
      aria-label={`${label}. ${t("brush.keys")}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it is used by keys.
      tabIndex={0}
      onKeyDown={onKeyDown}
      onBlur={() => setKeyed(undefined)}
    >
      <svg
        ref={svg}
        role="img"
        aria-label={label}
        viewBox={`0 0 ${slots} ${height}`}
        preserveAspectRatio="none"
        style={{ width: "100%", height, display: "block", cursor: "crosshair", touchAction: "none" }}
        onPointerDown={(e) => {
          e.currentTarget.setPointerCapture(e.pointerId);
          setDrag([at(e.clientX), at(e.clientX)]);
        }}
        onPointerMove={(e) => drag && setDrag([drag[0], at(e.clientX)])}
        onPointerUp={finish}
        onPointerCancel={() => setDrag(undefined)}
      >
        {children}
        {shown && (
          <rect
            x={Math.min(...shown)}
            width={Math.abs(shown[1] - shown[0])}
            y={0}
            height={height}
            fill="var(--text)"
            opacity={0.18}
          />
        )}
      </svg>
      <span className="unseen" role="status">
        {keyed && `${time(start(Math.min(...keyed)), false)} ${zone}: ${say(keyed[1])}`}
      </span>
    </div>
  );
}

import type { PeriodInput } from "../api/generated";

/** A period as the URL holds it: either the last so-and-so long, or from and to. */
export interface Period {
  last?: string;
  from?: string;
  to?: string;
}

export const PRESETS = ["15m", "1h", "24h", "7d", "30d"] as const;
const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `24h`, `7d`, `15m`. */
export function presetMillis(text: string): number | undefined {
  const found = /^(\d{1,5})([mhd])$/.exec(text);
  const unit = UNITS[found?.[2] ?? ""];
  return found && unit ? Number(found[1]) * unit : undefined;
}

/** Reads what a person types: `2026-11-23`, `2026-11-23 14:05`, `2026/11/23 14:05`, `2026-11-23T14:05:06.123Z`; always UTC. */
export function parseTime(text: string): string | undefined {
  const found =
    /^(\d{4})([-/])(\d{2})\2(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?)?\s*(?:Z|UTC)?$/i.exec(
      text.trim(),
    );
  if (!found) return undefined;
  const [, y, , mo, d, h = "0", mi = "0", s = "0", ms = "0"] = found;
  const time = new Date(
    Date.UTC(
      Number(y),
      Number(mo) - 1,
      Number(d),
      Number(h),
      Number(mi),
      Number(s),
      Number(ms.padEnd(3, "0")),
    ),
  );
  const same =
    time.getUTCMonth() === Number(mo) - 1 &&
    time.getUTCDate() === Number(d) &&
    time.getUTCHours() === Number(h);
  return same && Number(mi) < 60 && Number(s) < 60 ? time.toISOString() : undefined;
}

export function readPeriod(params: URLSearchParams): Period {
  const last = params.get("last");
  if (last && presetMillis(last)) return { last };
  const from = parseTime(params.get("from") ?? "");
  const to = parseTime(params.get("to") ?? "");
  return { ...(from && { from }), ...(to && { to }) };
}

export function writePeriod(period: Period, params: URLSearchParams) {
  for (const name of ["last", "from", "to"] as const) {
    const value = period[name];
    if (value) params.set(name, value);
    else params.delete(name);
  }
}

/** The API's form; `undefined` is all time. */
export function periodInput(period: Period, now = Date.now()): PeriodInput | undefined {
  const length = period.last && presetMillis(period.last);
  if (length) return { from: new Date(now - length).toISOString() };
  if (!period.from && !period.to) return undefined;
  return { ...(period.from && { from: period.from }), ...(period.to && { to: period.to }) };
}

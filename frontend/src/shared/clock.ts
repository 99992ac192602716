import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { parseTime } from "./period";

/** Times are shown and read in UTC, or as the clock of this machine has them. The address holds UTC always. */
export type Zone = "utc" | "local";

const KEY = "sysmonsearch.zone";
const listeners = new Set<() => void>();
let current: Zone = stored();

function stored(): Zone {
  try {
    return localStorage.getItem(KEY) === "local" ? "local" : "utc";
  } catch {
    return "utc";
  }
}

export function setZone(zone: Zone) {
  current = zone;
  try {
    localStorage.setItem(KEY, zone);
  } catch {
    // A browser that keeps nothing: the choice holds until the page is closed.
  }
  for (const listener of listeners) listener();
}

/** Shifts a time so that its UTC digits are those of the local clock. */
const shifted = (time: Date) => new Date(time.getTime() - time.getTimezoneOffset() * 60_000);

/** `2021-10-20 13:39:10.123` in the zone; in Japanese `2021/10/20 13:39:10.123`. Either is read in every language. */
export function writeTime(
  time: string | number | null | undefined,
  zone: Zone,
  millis = true,
  language = "en",
): string {
  if (time === null || time === undefined || time === "") return "";
  const date = new Date(time);
  const text = (zone === "utc" ? date : shifted(date)).toISOString();
  const day = text.slice(0, 10);
  return `${language === "ja" ? day.replaceAll("-", "/") : day} ${text.slice(11, millis ? 23 : 19)}`;
}

/** Reads what a person types in the zone; a `Z` or `UTC` at the end always means UTC. */
export function readTime(text: string, zone: Zone): string | undefined {
  const utc = parseTime(text);
  if (!utc || zone === "utc" || /(z|utc)\s*$/i.test(text)) return utc;
  const digits = new Date(utc);
  const guess = new Date(digits.getTime() + digits.getTimezoneOffset() * 60_000);
  // The offset is that of the local time, which may differ from that of the digits near a change of the clock.
  return new Date(digits.getTime() + guess.getTimezoneOffset() * 60_000).toISOString();
}

/** Begin of the day of a time. */
export function dayOf(time: string | number, zone: Zone): string {
  return readTime(writeTime(time, zone).slice(0, 10), zone) ?? new Date(time).toISOString();
}

export function useClock() {
  const { i18n } = useTranslation();
  const zone = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
  return {
    zone,
    /** Stands in the heading or beside the times. */
    label: zone === "utc" ? "UTC" : Intl.DateTimeFormat(i18n.language).resolvedOptions().timeZone,
    time: (time: string | number | null | undefined, millis = true) =>
      writeTime(time, zone, millis, i18n.language),
    read: (text: string) => readTime(text, zone),
  };
}

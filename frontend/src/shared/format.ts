import i18next from "i18next";
import { useTranslation } from "react-i18next";
import { writeTime } from "./clock";

/** A time in UTC; the label "UTC" stands in the heading or beside it. */
export const utc = (time: string | null | undefined, millis = true) =>
  writeTime(time, "utc", millis, i18next.language);

/** Last part of a Windows path. */
export function baseName(path: string | null | undefined): string {
  if (!path) return "";
  return path.slice(path.lastIndexOf("\\") + 1) || path;
}

/** The end of a Windows path, where it differs from others: `…\\System32\\cmd.exe`. Other text as it is. */
export function pathEnd(text: string): string {
  const parts = text.split("\\");
  return /^([a-z]:|hk)/i.test(text) && parts.length > 3 ? `…\\${parts.slice(-2).join("\\")}` : text;
}

export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  let value = n;
  while (value >= 1024 && i < units.length - 1) {
    value /= 1024;
    i += 1;
  }
  return `${i === 0 ? value : value.toFixed(1)} ${units[i]}`;
}

/** Numbers by the language chosen. */
export function useNumber(): (n: number) => string {
  const { i18n } = useTranslation();
  return (n) => n.toLocaleString(i18n.language);
}

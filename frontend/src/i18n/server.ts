import i18next from "i18next";
import { BEFORE, REASONS } from "./reasons.ja";
import { CODES, DETAIL, MESSAGES } from "./server.ja";

/** What the server says, in the language of the page; behind a sentence of the page where its words are not known. */
export function serverText(message: string, code?: unknown): string {
  if (i18next.language !== "ja") return message;
  const known = MESSAGES.find(([pattern]) => pattern.test(message));
  if (known) return message.replace(...known);
  // Of a file it is told with its name.
  const [, file, why = ""] = /^([^:]+): ([\s\S]*)$/.exec(message) ?? [];
  const reason = told(message) ?? told(why);
  if (reason) return why && !told(message) ? `${file}: ${reason}` : reason;
  const sentence = CODES[String(code)];
  return sentence ? `${sentence} ${DETAIL}${message}` : message;
}

/** Why a record or a part of a file was left out, in the language of the page. */
export function reasonText(reason: string): string {
  if (i18next.language !== "ja") return reason;
  return told(reason) ?? `${DETAIL}${reason}`;
}

const POSITIONS: Record<string, string> = { line: "$1 行目", byte: "$1 バイト目", record: "レコード $1" };

/** Where in a file it was. */
export function positionText(position: string): string {
  const [, unit = "", at = ""] = /^(line|byte|record) (\d+)$/.exec(position) ?? [];
  const japanese = i18next.language === "ja" ? POSITIONS[unit] : undefined;
  return japanese?.replace("$1", at) ?? position;
}

/** Behind the reason: that not all of the record is kept. */
const CUT = /^([\s\S]*) \(first (\d+) of (\d+) bytes of the record kept\)$/;

function told(reason: string): string | undefined {
  const known = REASONS.find(([pattern]) => pattern.test(reason));
  if (known) return reason.replace(...known);
  const [, whole, kept = "", of = ""] = CUT.exec(reason) ?? [];
  if (whole) return `${told(whole) ?? whole}（レコード ${of} バイトのうち先頭 ${kept} バイトを保存）`;
  for (const [pattern, japanese] of BEFORE) {
    const found = pattern.exec(reason);
    const rest = found?.[2] ?? "";
    // Also where what follows is not known: the half that is known helps.
    if (found) return japanese.replace("$1", () => found[1] ?? "") + (told(rest) ?? rest);
  }
  return undefined;
}

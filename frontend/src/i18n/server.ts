import i18next from "i18next";
import { CODES, DETAIL, MESSAGES } from "./server.ja";

/** What the server says, in the language of the page; behind a sentence of the page where its words are not known. */
export function serverText(message: string, code?: unknown): string {
  if (i18next.language !== "ja") return message;
  const known = MESSAGES.find(([pattern]) => pattern.test(message));
  if (known) return message.replace(...known);
  const sentence = CODES[String(code)];
  return sentence ? `${sentence} ${DETAIL}${message}` : message;
}

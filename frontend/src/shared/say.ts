import { useSyncExternalStore } from "react";

/** What a click has done, where nothing else shows it: it stands on the page for a while, and is read out. */
const SHOWN_MS = 4_000;
const listeners = new Set<() => void>();
let said = "";
let timer: ReturnType<typeof setTimeout> | undefined;

function tell(text: string) {
  said = text;
  for (const listener of listeners) listener();
}

export function say(text: string) {
  clearTimeout(timer);
  tell(text);
  timer = setTimeout(() => tell(""), SHOWN_MS);
}

export function useSaid(): string {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => said,
  );
}

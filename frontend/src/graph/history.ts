import { useCallback, useRef, useState } from "react";

const MOST = 100;

interface History<T> {
  past: readonly T[];
  now: T;
  future: readonly T[];
}

/** A value with its past: what was undone can be done again until something else is done. */
export function useHistory<T>(first: T) {
  const [history, setHistory] = useState<History<T>>({ past: [], now: first, future: [] });
  /** The same, before it is drawn. */
  const latest = useRef(history);
  const put = useCallback((next: (history: History<T>) => History<T>) => {
    latest.current = next(latest.current);
    setHistory(latest.current);
  }, []);
  const change = useCallback(
    (next: (now: T) => T) => {
      put((h) => {
        const now = next(h.now);
        return now === h.now ? h : { past: [...h.past.slice(-MOST), h.now], now, future: [] };
      });
    },
    [put],
  );
  /** Starts anew, without a past. */
  const reset = useCallback((now: T) => put(() => ({ past: [], now, future: [] })), [put]);
  const undo = useCallback(() => {
    put((h) => {
      const now = h.past.at(-1);
      return now === undefined ? h : { past: h.past.slice(0, -1), now, future: [h.now, ...h.future] };
    });
  }, [put]);
  const redo = useCallback(() => {
    put((h) => {
      const [now, ...future] = h.future;
      return now === undefined ? h : { past: [...h.past, h.now], now, future };
    });
  }, [put]);
  const peek = useCallback(() => latest.current.now, []);
  return {
    now: history.now,
    peek,
    canUndo: history.past.length > 0,
    canRedo: history.future.length > 0,
    change,
    reset,
    undo,
    redo,
  };
}

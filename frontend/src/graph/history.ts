import { useCallback, useState } from "react";

const MOST = 100;

interface History<T> {
  past: readonly T[];
  now: T;
  future: readonly T[];
}

/** A value with its past: what was undone can be done again until something else is done. */
export function useHistory<T>(first: T) {
  const [history, setHistory] = useState<History<T>>({ past: [], now: first, future: [] });
  const change = useCallback((next: (now: T) => T) => {
    setHistory((h) => {
      const now = next(h.now);
      return now === h.now ? h : { past: [...h.past.slice(-MOST), h.now], now, future: [] };
    });
  }, []);
  /** Starts anew, without a past. */
  const reset = useCallback((now: T) => setHistory({ past: [], now, future: [] }), []);
  const undo = useCallback(() => {
    setHistory((h) => {
      const now = h.past.at(-1);
      return now === undefined ? h : { past: h.past.slice(0, -1), now, future: [h.now, ...h.future] };
    });
  }, []);
  const redo = useCallback(() => {
    setHistory((h) => {
      const [now, ...future] = h.future;
      return now === undefined ? h : { past: [...h.past, h.now], now, future };
    });
  }, []);
  return {
    now: history.now,
    canUndo: history.past.length > 0,
    canRedo: history.future.length > 0,
    change,
    reset,
    undo,
    redo,
  };
}

import { useSyncExternalStore } from "react";
import type { Role } from "./generated";

/** Who is logged in, for this tab only. */
export interface Session {
  token: string;
  expiresAt: string;
  name: string;
  role: Role;
}

const KEY = "sysmonsearch.session";
/** `setTimeout` holds 31 bits of milliseconds. */
const LONGEST_TIMER = 2_000_000_000;
const listeners = new Set<() => void>();
let expired = false;
let timer: ReturnType<typeof setTimeout> | undefined;
let current = restore();

function restore(): Session | null {
  try {
    const session = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Session | null;
    if (!session || Date.parse(session.expiresAt) <= Date.now()) return null;
    watch(session);
    return session;
  } catch {
    return null;
  }
}

function watch(session: Session) {
  clearTimeout(timer);
  const left = Date.parse(session.expiresAt) - Date.now();
  if (Number.isFinite(left)) timer = setTimeout(() => endSession(true), Math.min(left, LONGEST_TIMER));
}

function publish(next: Session | null) {
  current = next;
  if (next) sessionStorage.setItem(KEY, JSON.stringify(next));
  else sessionStorage.removeItem(KEY);
  for (const listener of listeners) listener();
}

export function startSession(session: Session) {
  expired = false;
  watch(session);
  publish(session);
}

/** `because`: the token is no longer accepted, as opposed to a log-out by hand. */
export function endSession(because = false) {
  if (!current) return;
  clearTimeout(timer);
  expired = because;
  publish(null);
}

export const session = () => current;
export const sessionExpired = () => expired;

export function useSession(): Session | null {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, session);
}

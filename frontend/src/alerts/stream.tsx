import type { GraphQLFormattedError } from "graphql";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { stringifyDocument } from "urql";
import { openSocket } from "../api/client";
import { type HitPartsFragment, HitStreamDocument, type HitStreamSubscription } from "../api/generated";
import { endSession } from "../api/session";

export type Link = "connecting" | "live" | "lost";

interface HitStream {
  /** Hits that came in while the page is open, newest first, bounded. */
  fresh: HitPartsFragment[];
  link: Link;
  /** Hits that a slow connection left out; they are in the list after a reload. */
  missed: number;
  unseen: number;
  /** Grows when the connection came back without a cursor to go on from: the list must be read anew. */
  gaps: number;
  markSeen: () => void;
  forgetMissed: () => void;
}

const KEPT = 1_000;
const CLOSE_UNAUTHORISED = [4401, 4403];
const empty: HitStream = {
  fresh: [],
  link: "connecting",
  missed: 0,
  unseen: 0,
  gaps: 0,
  markSeen() {},
  forgetMissed() {},
};
/** Whether these are the errors of an operation that asks for a log-in. */
const isRefused = (errors: unknown) =>
  Array.isArray(errors) &&
  errors.some((e: GraphQLFormattedError) => e.extensions?.code === "UNAUTHENTICATED");
const Context = createContext(empty);
export const useHitStream = () => useContext(Context);

/** Keeps one subscription for the whole page and takes it up again behind the last cursor when it breaks. */
export function HitStreamProvider({ children }: { children: ReactNode }) {
  const [fresh, setFresh] = useState<HitPartsFragment[]>([]);
  const [link, setLink] = useState<Link>("connecting");
  const [missed, setMissed] = useState(0);
  const [unseen, setUnseen] = useState(0);
  const [gaps, setGaps] = useState(0);

  useEffect(() => {
    let stopped = false;
    let cursor: string | null = null;
    let wait = 500;
    let broken = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const socket = openSocket();
    const lost = (reason: unknown) => {
      if (stopped) return;
      const code = (reason as { code?: number } | undefined)?.code;
      if ((code && CLOSE_UNAUTHORISED.includes(code)) || isRefused(reason)) {
        endSession(true);
        return;
      }
      // The server refused the operation itself, such as a cursor that it no longer knows.
      if (Array.isArray(reason)) cursor = null;
      broken = true;
      setLink("lost");
      timer = setTimeout(listen, wait);
      wait = Math.min(wait * 2, 15_000);
    };
    const take = (message: HitStreamSubscription["hits"]) => {
      wait = 500;
      cursor = message.cursor;
      if (message.__typename === "Lagged") {
        setMissed((n) => n + message.missed);
        return;
      }
      const { hit } = message;
      setFresh((hits) => (hits.some((h) => h.id === hit.id) ? hits : [hit, ...hits].slice(0, KEPT)));
      setUnseen((n) => n + 1);
    };
    const opened = socket.on("connected", () => {
      setLink("live");
      if (broken && cursor === null) setGaps((n) => n + 1);
      broken = false;
    });
    function listen() {
      socket.subscribe<HitStreamSubscription>(
        { query: stringifyDocument(HitStreamDocument), variables: { after: cursor } },
        {
          next: ({ data, errors }) => {
            if (data) take(data.hits);
            else if (isRefused(errors)) endSession(true);
          },
          error: lost,
          complete: () => lost(undefined),
        },
      );
    }
    listen();
    return () => {
      stopped = true;
      clearTimeout(timer);
      opened();
      // Rejects where the connection never came up: then there is nothing to close.
      Promise.resolve(socket.dispose()).catch(() => undefined);
    };
  }, []);

  const value = useMemo(
    () => ({
      fresh,
      link,
      missed,
      unseen,
      gaps,
      markSeen: () => setUnseen(0),
      forgetMissed: () => setMissed(0),
    }),
    [fresh, link, missed, unseen, gaps],
  );
  return <Context value={value}>{children}</Context>;
}

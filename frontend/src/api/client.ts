import { createClient as createSocket } from "graphql-ws";
import i18next from "i18next";
import { Client, type CombinedError, fetchExchange, mapExchange } from "urql";
import { serverText } from "../i18n/server";
import { endSession, session } from "./session";
import { watchExchange } from "./watch";

/** Whether the server no longer takes the token. */
export function isUnauthenticated(error: CombinedError): boolean {
  return (
    error.response?.status === 401 ||
    error.graphQLErrors.some((e) => e.extensions?.code === "UNAUTHENTICATED")
  );
}

/** No cache: events keep coming in, so what is asked is asked anew. */
export const client = new Client({
  url: "/graphql",
  preferGetMethod: false,
  exchanges: [
    mapExchange({
      onError(error) {
        if (isUnauthenticated(error)) endSession(true);
      },
    }),
    watchExchange,
    fetchExchange,
  ],
  fetchOptions: () => {
    const token = session()?.token;
    return token ? { headers: { authorization: `Bearer ${token}` } } : {};
  },
});

/** Socket of the subscriptions. It does not reconnect by itself: the reader of a stream knows its cursor. */
export function openSocket() {
  return createSocket({
    url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql/ws`,
    connectionParams: () => ({ token: session()?.token }),
    retryAttempts: 0,
    lazy: true,
  });
}

/** What to show of an error: the server's public message, or that it did not answer. */
export function errorText(error: CombinedError | undefined): string | undefined {
  if (!error) return undefined;
  const messages = error.graphQLErrors.map((e) => serverText(e.message, e.extensions?.code));
  if (messages.length > 0) return messages.join("; ");
  const detail = error.networkError?.message ?? error.message;
  return `${i18next.t("state.unreachable")} (${error.response ? `HTTP ${error.response.status}` : detail})`;
}

/** Why a mutation was refused, if it was. */
export function refusal(
  error: CombinedError | undefined,
  errors: { message: string; code?: string }[] | undefined,
): string | undefined {
  const said = errors?.map((e) => serverText(e.message, e.code)).join("; ");
  return errorText(error) ?? (said || undefined);
}

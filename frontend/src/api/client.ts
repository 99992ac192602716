import { createClient as createSocket } from "graphql-ws";
import { Client, type CombinedError, fetchExchange, mapExchange } from "urql";
import { endSession, session } from "./session";

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

/** What to show of an error: the server's public message, or what the network said. */
export function errorText(error: CombinedError | undefined): string | undefined {
  if (!error) return undefined;
  const messages = error.graphQLErrors.map((e) => e.message);
  return messages.length > 0 ? messages.join("; ") : (error.networkError?.message ?? error.message);
}

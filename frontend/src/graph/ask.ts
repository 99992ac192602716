import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { useCallback, useEffect, useState } from "react";
import { type AnyVariables, type OperationResult, stringifyDocument } from "urql";
import { client } from "../api/client";
import { type Answer, watchQueries } from "../api/watch";

/** A query behind a click. */
export interface Asked {
  number: number;
  name: string;
  text: string;
  variables: unknown;
  milliseconds: number;
  failed: boolean;
}

export const MOST_ASKED = 200;

/** The newest first; what is more than so many is forgotten, as the number of the newest tells. */
export function noted(
  all: readonly Asked[],
  { query, variables, milliseconds, failed }: Answer,
): readonly Asked[] {
  const text = stringifyDocument(query);
  const name = /query (\w+)/.exec(text)?.[1] ?? "";
  const entry = { number: (all[0]?.number ?? 0) + 1, name, text, variables, milliseconds, failed };
  return [entry, ...all].slice(0, MOST_ASKED);
}

export const forgotten = (all: readonly Asked[]) => (all[0]?.number ?? 0) - all.length;

/** Asks the API, and remembers what was asked, by whatever part of the page: people want to see the query behind a click, and to run it themselves. */
export function useAsk() {
  const [asked, setAsked] = useState<readonly Asked[]>([]);
  useEffect(() => watchQueries((answer) => setAsked((all) => noted(all, answer))), []);
  const ask = useCallback(
    <D, V extends AnyVariables>(
      document: TypedDocumentNode<D, V>,
      variables: V,
    ): Promise<OperationResult<D, V>> => client.query(document, variables).toPromise(),
    [],
  );
  return { asked, ask };
}

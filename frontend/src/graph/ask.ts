import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { useCallback, useState } from "react";
import { type AnyVariables, type OperationResult, stringifyDocument } from "urql";
import { client } from "../api/client";

/** A query behind a click. */
export interface Asked {
  number: number;
  name: string;
  text: string;
  variables: unknown;
  milliseconds: number;
  failed: boolean;
}

const MOST = 50;

/** Asks the API, and remembers what was asked: people want to see the query behind a click, and to run it themselves. */
export function useAsk() {
  const [asked, setAsked] = useState<readonly Asked[]>([]);
  const ask = useCallback(
    async <D, V extends AnyVariables>(
      document: TypedDocumentNode<D, V>,
      variables: V,
    ): Promise<OperationResult<D, V>> => {
      const start = performance.now();
      const result = await client.query(document, variables).toPromise();
      const text = stringifyDocument(document);
      const entry = {
        name: /query (\w+)/.exec(text)?.[1] ?? "",
        text,
        variables,
        milliseconds: performance.now() - start,
        failed: result.error !== undefined,
      };
      setAsked((all) => [{ ...entry, number: (all[0]?.number ?? 0) + 1 }, ...all].slice(0, MOST));
      return result;
    },
    [],
  );
  return { asked, ask };
}

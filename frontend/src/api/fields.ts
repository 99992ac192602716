import { useEffect, useState } from "react";
import { client } from "./client";
import { FieldsDocument, type FieldsQuery } from "./generated";

type Field = FieldsQuery["fields"][number];

let asked: Promise<Field[]> | undefined;

/** Names that conditions know. They belong to the server's version, so one answer serves as long as the page is open. */
export function useFields(): Field[] {
  const [fields, setFields] = useState<Field[]>([]);
  useEffect(() => {
    let stopped = false;
    asked ??= client
      .query(FieldsDocument, {})
      .toPromise()
      .then(({ data }) => {
        if (!data) asked = undefined;
        return data?.fields ?? [];
      });
    void asked.then((all) => stopped || setFields(all));
    return () => {
      stopped = true;
    };
  }, []);
  return fields;
}

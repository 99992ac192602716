import { Button, FileButton } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { client, refusal } from "../api/client";
import { ImportRulesDocument } from "../api/generated";
import { Icon } from "../shared/Icon";

/** Reads a YAML file of Sigma rules and hands it to the server. */
export function ImportRules({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<string>();

  async function load(file: File | null) {
    if (!file) return;
    setBusy(true);
    const yaml = await file.text();
    const { data, error } = await client.mutation(ImportRulesDocument, { input: { yaml } }).toPromise();
    setBusy(false);
    const result = data?.importRules;
    setSaid(
      refusal(error, result?.errors) ??
        [
          t("rules.imported", { read: result?.read ?? 0, changed: result?.changed ?? 0 }),
          ...(result?.superseded ?? []).map((s) => t("rules.replaced", { rule: s.ruleId, by: s.by })),
          ...(result?.issues ?? []),
        ].join("; "),
    );
    onDone();
  }

  return (
    <>
      <FileButton onChange={load} accept=".yml,.yaml">
        {(props) => (
          <Button {...props} variant="default" loading={busy} leftSection={<Icon name="imports" size={14} />}>
            {t("rules.import")}
          </Button>
        )}
      </FileButton>
      {said && <span role="status">{said}</span>}
    </>
  );
}

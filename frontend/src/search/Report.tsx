import { ActionIcon, Button, FileButton } from "@mantine/core";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { client, errorText } from "../api/client";
import { type ConditionInput, ReportSearchDocument, type ReportSearchQuery } from "../api/generated";
import { positionText, reasonText } from "../i18n/server";
import { fromInput, type Group } from "../shared/condition";
import { useNumber } from "../shared/format";
import { Icon } from "../shared/Icon";

/** What a threat report says as a search, or why it says nothing. */
export interface Read {
  name: string;
  search?: ReportSearchQuery["reportSearch"];
  wrong?: string;
}

/** Bytes that the server takes. */
const MOST = 900 << 10;

interface Props {
  onRead: (read: Read, group: Group | undefined) => void;
}

/** Takes a file of indicators; nothing of it is stored. */
export function ReportButton({ onRead }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const [busy, setBusy] = useState(false);
  const reset = useRef<() => void>(null);

  async function load(file: File | null) {
    if (!file) return;
    // The same file may be chosen again.
    reset.current?.();
    const { name } = file;
    if (file.size > MOST)
      return onRead({ name, wrong: t("report.large", { most: number(MOST >> 10) }) }, undefined);
    setBusy(true);
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
      const { data, error } = await client.query(ReportSearchDocument, { name, text }).toPromise();
      const search = data?.reportSearch;
      const condition = search?.condition as ConditionInput | null | undefined;
      onRead({ name, search, wrong: errorText(error) }, condition ? fromInput(condition) : undefined);
    } catch {
      onRead({ name, wrong: t("report.unread") }, undefined);
    } finally {
      setBusy(false);
    }
  }

  return (
    <FileButton onChange={load} resetRef={reset}>
      {(props) => (
        <Button
          {...props}
          variant="default"
          loading={busy}
          title={t("report.hint")}
          leftSection={<Icon name="imports" size={14} />}
        >
          {t("report.name")}
        </Button>
      )}
    </FileButton>
  );
}

/** What became of the file. */
export function ReportSaid({ read, onClose }: { read: Read; onClose: () => void }) {
  const { t } = useTranslation();
  const number = useNumber();
  const { name, search, wrong } = read;
  return (
    <div className="report">
      <div className="row">
        {wrong ? (
          <span role="alert" style={{ color: "var(--level-critical)" }}>
            {wrong.startsWith(`${name}: `) ? wrong : `${name}: ${wrong}`}
          </span>
        ) : (
          <span role="status">
            {t(search?.condition ? "report.read" : "report.none", {
              name,
              format: search?.format,
              indicators: number(search?.indicators ?? 0),
              values: number(search?.values ?? 0),
            })}
          </span>
        )}
        <ActionIcon onClick={onClose} className="push" aria-label={t("report.close")}>
          <Icon name="close" size={14} />
        </ActionIcon>
      </div>
      {search && search.issueTotal > 0 && (
        <details open={!search.condition}>
          <summary>{t("report.issues", { total: number(search.issueTotal) })}</summary>
          <ul>
            {search.issues.map(({ position, reason }, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: they do not change, and the same may come twice.
              <li key={i} className="wrap">
                <span className="mono dim">{positionText(position)}</span> {reasonText(reason)}
              </li>
            ))}
          </ul>
          {search.issues.length < search.issueTotal && (
            <div className="dim">
              {t("page.shown", { shown: number(search.issues.length), total: number(search.issueTotal) })}
            </div>
          )}
        </details>
      )}
    </div>
  );
}

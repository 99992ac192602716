import { Button, TextInput } from "@mantine/core";
import { type FormEvent, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { also, emptyGroup, emptyRow, type Group } from "../shared/condition";
import { readCondition, writeCondition } from "../shared/conditionText";
import { Icon } from "../shared/Icon";
import { PeriodPicker } from "../shared/PeriodPicker";
import type { Period } from "../shared/period";
import { MONO } from "../shared/theme";
import { useSyntax } from "../shared/useSyntax";
import { ConditionForm } from "./ConditionForm";
import { type Read, ReportButton, ReportSaid } from "./Report";

interface Props {
  /** The search as text. */
  q: string;
  period: Period;
  onPeriod: (period: Period) => void;
  onSubmit: (group: Group) => void;
  onClear: () => void;
  /** What is wrong with the text in the address. */
  wrong: string | undefined;
}

/** A search with a row to begin with. */
const draftOf = (group: Group | undefined) => (group?.items.length ? group : emptyGroup([emptyRow()]));

/** A draft of the search, as rows and groups and as text: what is changed in one is changed in the other. */
export function SearchForm({ q, period, onPeriod, onSubmit, onClear, wrong }: Props) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState(draftOf(undefined));
  const [text, setText] = useState(q);
  const [read, setRead] = useState<Read>();
  useEffect(() => {
    setText(q);
    setDraft(draftOf(readCondition(q).group));
  }, [q]);
  const edited = readCondition(text);
  function change(group: Group) {
    setDraft(group);
    setText(writeCondition(group));
  }
  const syntax = useSyntax();

  return (
    <form
      className="head"
      style={{ alignItems: "flex-start" }}
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        onSubmit(draft);
      }}
      aria-label={t("pages.search")}
    >
      <h1 className="unseen">{t("pages.search")}</h1>
      <div className="stack" style={{ flex: 1, minWidth: 0, gap: 6 }}>
        <ConditionForm value={draft} onChange={change} />
        <PeriodPicker value={period} onChange={onPeriod} />
        <div className="row" style={{ flexWrap: "nowrap", alignItems: "flex-start" }}>
          <TextInput
            aria-label={t("search.text")}
            style={{ flex: 1 }}
            styles={MONO}
            placeholder={t("search.textHint")}
            value={text}
            error={edited.issue && syntax(edited.issue)}
            onChange={(e) => {
              const typed = e.currentTarget.value;
              setText(typed);
              const { group } = readCondition(typed);
              if (group) setDraft(group);
            }}
          />
          <ReportButton
            onRead={(found, group) => {
              setRead(found);
              if (group) change(also(draft, group));
            }}
          />
          <Button
            variant="default"
            onClick={() => {
              setRead(undefined);
              // The address may have been empty already.
              setDraft(draftOf(undefined));
              setText("");
              onClear();
            }}
          >
            {t("search.clear")}
          </Button>
          <Button type="submit" leftSection={<Icon name="search" size={14} />} disabled={!!edited.issue}>
            {t("search.submit")}
          </Button>
        </div>
        {read && <ReportSaid read={read} onClose={() => setRead(undefined)} />}
        {/* The text says so itself while it is that of the address. */}
        {wrong && text !== q && (
          <div role="alert" style={{ color: "var(--level-critical)" }}>
            {wrong}
          </div>
        )}
      </div>
    </form>
  );
}

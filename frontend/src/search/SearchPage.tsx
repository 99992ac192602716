import "./search.css";
import { Button, TextInput } from "@mantine/core";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { useSearchParams } from "wouter";
import { EventsDocument, SummaryDocument } from "../api/generated";
import { usePages } from "../api/pages";
import {
  alsoMatch,
  conditionInput,
  emptyGroup,
  emptyRow,
  type Group,
  match,
  type Row,
} from "../shared/condition";
import { parseCondition, SyntaxIssue, writeCondition } from "../shared/conditionText";
import { EventPanel } from "../shared/EventPanel";
import { Icon } from "../shared/Icon";
import { PeriodPicker } from "../shared/PeriodPicker";
import { type Period, periodInput, readPeriod, writePeriod } from "../shared/period";
import { State } from "../shared/State";
import { ConditionForm } from "./ConditionForm";
import { Results } from "./Results";
import { SummaryStrip } from "./SummaryStrip";

const PAGE = 100;
const BARS = 90;

function parsed(text: string): { group?: Group; issue?: SyntaxIssue } {
  try {
    return { group: parseCondition(text) };
  } catch (issue) {
    if (issue instanceof SyntaxIssue) return { issue };
    throw issue;
  }
}

/** The address holds the whole search; the form below edits a draft of it until it is submitted. */
export function SearchPage() {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const q = params.get("q") ?? "";
  const period = readPeriod(params);
  const order = params.get("order") === "oldest" ? "OLDEST_FIRST" : "NEWEST_FIRST";
  const selected = params.get("event") ?? undefined;
  const { group: asked, issue: linkIssue } = useMemo(() => parsed(q), [q]);
  const [draft, setDraft] = useState<Group>(emptyGroup([emptyRow()]));
  const [text, setText] = useState(q);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    setText(q);
    if (asked) setDraft(asked.items.length > 0 ? asked : emptyGroup([emptyRow()]));
  }, [asked, q]);

  // A relative period is fixed when the search starts, so that its pages and its summary are about the same time.
  const periodKey = JSON.stringify(period);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` is a new start of the same search.
  const variables = useMemo(
    () => ({ condition: conditionInput(asked ?? emptyGroup()), period: periodInput(JSON.parse(periodKey)) }),
    [asked, periodKey, turn],
  );
  const pages = usePages(EventsDocument, { ...variables, order, first: PAGE }, (d) => d.events, !asked);
  const [summary, askSummary] = useQuery({
    query: SummaryDocument,
    variables: { ...variables, interval: { buckets: BARS } },
    pause: !asked,
  });

  const go = (change: { group?: Group; period?: Period; event?: string | null; order?: string }) =>
    setParams((old) => {
      const next = new URLSearchParams(old);
      if (change.group) {
        const written = writeCondition(change.group);
        if (written) next.set("q", written);
        else next.delete("q");
      }
      if (change.period) writePeriod(change.period, next);
      if (change.order) next.set("order", change.order);
      if (change.event) next.set("event", change.event);
      else if (change.event === null || change.group || change.period) next.delete("event");
      return next;
    });

  /** The same search over what has come in since. */
  function again() {
    setTurn((n) => n + 1);
    pages.reload();
    askSummary();
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    go({ group: draft });
    again();
  }
  const addRow = (row: Row) => go({ group: alsoMatch(asked ?? emptyGroup(), row) });
  const edited = parsed(text);

  return (
    <>
      <form
        className="head"
        style={{ alignItems: "flex-start" }}
        onSubmit={submit}
        aria-label={t("pages.search")}
      >
        <h1 className="unseen">{t("pages.search")}</h1>
        <div className="stack" style={{ flex: 1, minWidth: 0, gap: 6 }}>
          <ConditionForm
            value={draft}
            onChange={(group) => {
              setDraft(group);
              setText(writeCondition(group));
            }}
          />
          <div className="row">
            <PeriodPicker value={period} onChange={(p) => go({ period: p })} />
          </div>
          <div className="row" style={{ flexWrap: "nowrap", alignItems: "flex-start" }}>
            <TextInput
              aria-label={t("search.text")}
              style={{ flex: 1 }}
              ff="monospace"
              placeholder={t("search.textHint")}
              value={text}
              error={
                edited.issue &&
                t("search.syntax", { expected: edited.issue.expected, at: edited.issue.at + 1 })
              }
              onChange={(e) => {
                const typed = e.currentTarget.value;
                setText(typed);
                const { group } = parsed(typed);
                if (group) setDraft(group);
              }}
            />
            <Button
              variant="default"
              onClick={() => go({ order: order === "NEWEST_FIRST" ? "oldest" : "newest" })}
            >
              {t(order === "NEWEST_FIRST" ? "search.newest" : "search.oldest")}
            </Button>
            <Button variant="default" onClick={() => go({ group: emptyGroup(), period: {} })}>
              {t("search.clear")}
            </Button>
            <Button type="submit" leftSection={<Icon name="search" size={14} />} disabled={!!edited.issue}>
              {t("search.submit")}
            </Button>
          </div>
          {linkIssue && (
            <div role="alert" style={{ color: "var(--level-critical)" }}>
              {t("search.syntax", { expected: linkIssue.expected, at: linkIssue.at + 1 })}
            </div>
          )}
        </div>
      </form>
      <div className="split">
        <div className="main">
          {summary.data && summary.data.summary.total.value > 0 && (
            <SummaryStrip
              summary={summary.data.summary}
              onCode={(code) => addRow(match("EventID", String(code)))}
              onBrush={(from, to) => go({ period: { from, to } })}
            />
          )}
          {!pages.error && (
            <State loading={false} error={summary.error} empty={false} nothing={null} retry={again} />
          )}
          <Results pages={pages} selected={selected} onSelect={(event) => go({ event })} />
        </div>
        {selected && (
          <div className="side">
            <EventPanel key={selected} id={selected} onClose={() => go({ event: null })} onMatch={addRow} />
          </div>
        )}
      </div>
    </>
  );
}

import "./search.css";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { EventsDocument, SummaryDocument } from "../api/generated";
import { usePages } from "../api/pages";
import { useLanguage } from "../i18n";
import { useAddress } from "../shared/address";
import { also, conditionInput, emptyGroup, type Group, type Item, match } from "../shared/condition";
import { readCondition, writeCondition } from "../shared/conditionText";
import { EventPanel } from "../shared/EventPanel";
import { type Period, periodInput, readPeriod, writePeriod } from "../shared/period";
import { ShareButton } from "../shared/ShareButton";
import { State } from "../shared/State";
import { useUnread } from "../shared/useSyntax";
import { ColumnMenu } from "./ColumnMenu";
import { askedFields, readColumns, readSort, type Sort, sortInput, writeSort } from "./columns";
import { ExportMenu } from "./ExportMenu";
import { Facets } from "./Facets";
import { MakeRule } from "./MakeRule";
import { Results } from "./Results";
import { Saved } from "./Saved";
import { SearchForm } from "./SearchForm";
import { SummaryStrip } from "./SummaryStrip";

const PAGE = 100;
const BARS = 90;
const FACETS = ["Computer", "Image", "User", "DestinationIp", "DestinationPort", "QueryName"];

interface Change {
  group?: Group;
  period?: Period;
  event?: string | null;
  sort?: Sort;
  columns?: string[];
  facets?: string[] | null;
  /** Whether a rule is being made of the search. */
  rule?: boolean;
}

/** The address holds the whole search; the form edits a draft of it until it is submitted. */
export function SearchPage() {
  const { t } = useTranslation();
  const [params, setParams] = useAddress();
  const q = params.get("q") ?? "";
  const period = readPeriod(params);
  const sort = readSort(params.get("sort"));
  const columns = readColumns(params.get("cols"));
  const facets = params.has("facets")
    ? (params.get("facets") ?? "").split(",").filter((f) => /^\w{1,80}$/.test(f))
    : undefined;
  const selected = params.get("event") ?? undefined;
  const { group: asked, issue } = useMemo(() => readCondition(q), [q]);
  const unread = useUnread()(issue);
  const [turn, setTurn] = useState(0);

  // A relative period is fixed when the search starts, so that its pages and its summary are about the same time.
  const periodKey = JSON.stringify(period);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` is a new start of the same search.
  const variables = useMemo(
    () => ({ condition: asked && conditionInput(asked), period: periodInput(JSON.parse(periodKey)) }),
    [asked, periodKey, turn],
  );
  const fields = askedFields(columns);
  const listed = { ...variables, ...sortInput(sort), fields, language: useLanguage(), first: PAGE };
  const pages = usePages(EventsDocument, listed, (d) => d.events, !asked);
  const [summary, askSummary] = useQuery({
    query: SummaryDocument,
    variables: { ...variables, interval: { buckets: BARS } },
    pause: !asked,
  });

  const go = (change: Change, how?: { replace: boolean }) =>
    setParams((next) => {
      const put = (name: string, value: string | undefined) =>
        value === undefined ? next.delete(name) : next.set(name, value);
      if (change.group) put("q", writeCondition(change.group) || undefined);
      if (change.period) writePeriod(change.period, next);
      if (change.sort) put("sort", writeSort(change.sort));
      if (change.columns) put("cols", change.columns.join(","));
      if (change.facets !== undefined) put("facets", change.facets?.join(","));
      if (change.rule !== undefined) put("rule", change.rule ? "new" : undefined);
      if (change.event !== undefined) put("event", change.event ?? undefined);
      else if (change.group || change.period) next.delete("event");
    }, how);

  /** The same search over what has come in since. */
  function again() {
    setTurn((n) => n + 1);
    pages.reload();
    askSummary();
  }
  // What cannot be read is nothing to add to.
  const add = asked && ((item: Item) => go({ group: also(asked, item) }));

  return (
    <>
      <SearchForm
        q={q}
        period={period}
        onPeriod={(p) => go({ period: p })}
        onSubmit={(group) => {
          go({ group });
          again();
        }}
        onClear={() => go({ group: emptyGroup(), period: {} })}
        wrong={unread}
      />
      <div className="bar-tools row">
        <button
          type="button"
          className="chip"
          aria-pressed={!!facets}
          onClick={() => go({ facets: facets ? null : FACETS })}
        >
          {t("facets.name")}
        </button>
        <div className="row push">
          <ColumnMenu columns={columns} onChange={(c) => go({ columns: c })} />
          <Saved condition={asked} wrong={unread} period={period} />
          <MakeRule
            condition={asked}
            opened={params.get("rule") === "new"}
            onOpen={(opened) => go({ rule: opened })}
          />
          <ShareButton />
          <ExportMenu
            query={asked && { ...variables, ...sortInput(sort) }}
            wrong={unread}
            columns={columns}
          />
        </div>
      </div>
      <div className="split">
        {facets && add && (
          <Facets
            {...variables}
            shown={period}
            fields={facets}
            onFields={(f) => go({ facets: f })}
            onMatch={add}
          />
        )}
        <div className="main">
          {add && summary.data && summary.data.summary.total.value > 0 && (
            <SummaryStrip
              summary={summary.data.summary}
              old={summary.fetching}
              onCode={(code) => add(match("EventID", String(code)))}
              onBrush={(from, to) => go({ period: { from, to } })}
            />
          )}
          {add && !pages.error && (
            <State loading={false} error={summary.error} empty={false} nothing={null} retry={again} />
          )}
          <Results
            label={t("search.results")}
            pages={pages}
            columns={columns}
            sort={sort}
            onSort={(s) => go({ sort: s })}
            selected={selected}
            onSelect={(event, byKey) => go({ event }, { replace: byKey })}
            onMatch={add}
            period={period}
            nothing={unread}
          />
        </div>
        {selected && (
          <div className="side">
            <EventPanel
              key={selected}
              id={selected}
              onClose={() => go({ event: null })}
              onMatch={add}
              period={period}
            />
          </div>
        )}
      </div>
    </>
  );
}

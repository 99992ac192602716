import "./statistics.css";
import { Autocomplete, Button, SegmentedControl, TextInput } from "@mantine/core";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "wouter";
import { useFields } from "../api/fields";
import { also, emptyGroup, type Group, type Item } from "../shared/condition";
import { readCondition, writeCondition } from "../shared/conditionText";
import { PeriodPicker } from "../shared/PeriodPicker";
import { type Period, readPeriod, writePeriod } from "../shared/period";
import { MONO } from "../shared/theme";
import { useSyntax, useUnread } from "../shared/useSyntax";
import { HeatMap } from "./HeatMap";
import { baselineOf, KIND_NAMES, KINDS, type Kind, readOrders, VIEWS, type View, writeOrders } from "./kinds";
import { Statistic } from "./Statistic";

const readView = (text: string | null): View => VIEWS.find((v) => v === text) ?? "top";

/** A second period in the address: `from..to`. */
const readBaseline = (text: string | null): Period => {
  const [from, to] = (text ?? "").split("..");
  return readPeriod(new URLSearchParams({ from: from ?? "", to: to ?? "" }));
};

/** The most frequent, rarest, new and changed values of fields, per period. */
export default function StatisticsPage() {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const view = readView(params.get("view"));
  const only = params.get("only");
  const own = (params.get("field") ?? "").split("+").filter((f) => /^\w{1,80}$/.test(f));
  const period = readPeriod(params);
  const chosen = readBaseline(params.get("with"));
  const q = params.get("q") ?? "";
  const { group: asked = emptyGroup(), issue } = readCondition(q);
  const unread = useUnread()(issue);
  const orders = readOrders(params.get("order"));
  const periodKey = JSON.stringify([period, view]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: "the last 24 h" are those before it was chosen.
  const now = useMemo(Date.now, [periodKey]);
  const baseline = view === "new" || view === "compare" ? baselineOf(view, period, chosen, now) : undefined;

  const set = (values: Record<string, string | undefined>, next?: Period) =>
    setParams((old) => {
      const params = new URLSearchParams(old);
      for (const [name, value] of Object.entries(values))
        if (value) params.set(name, value);
        else params.delete(name);
      if (next) writePeriod(next, params);
      return params;
    });
  const narrow = (group: Group) => set({ q: writeCondition(group) });
  const onMatch = (item: Item) => narrow(also(asked, item));
  const found = KIND_NAMES.find((k) => k === only);
  const kinds: [string, Kind, string][] = [
    ...(own.length > 0 ? [["own", { fields: own }, own.join(" → ")] as [string, Kind, string]] : []),
    ...KIND_NAMES.map((k) => [k, KINDS[k], t(`kinds.${k}`)] as [string, Kind, string]),
  ];
  const shown = kinds.filter(([name]) => !only || (found ?? "own") === name);

  return (
    <>
      <header className="head">
        <h1>{t("pages.statistics")}</h1>
        <SegmentedControl
          aria-label={t("statistics.view")}
          value={view}
          onChange={(v) => set({ view: v === "top" ? undefined : v, order: undefined })}
          data={VIEWS.map((v) => ({ value: v, label: t(`statistics.views.${v}`) }))}
        />
        <PeriodPicker value={period} onChange={(p) => set({}, p)} />
        {view === "compare" && (
          <PeriodPicker
            fixed
            label={t("statistics.compareWith")}
            value={chosen.from || chosen.to ? chosen : (baseline ?? {})}
            onChange={(p) => set({ with: p.from || p.to ? `${p.from ?? ""}..${p.to ?? ""}` : undefined })}
          />
        )}
        <OwnField own={own} onChange={(f) => set({ field: f.join("+") || undefined })} />
        <Narrow q={q} asked={asked} onChange={narrow} />
      </header>
      <div className="body">
        {unread ? (
          <div className="state" role="alert" style={{ color: "var(--level-critical)" }}>
            {unread}
          </div>
        ) : (view === "new" || view === "compare") && !baseline ? (
          <div className="state" role="status">
            {t("statistics.needsPeriod")}
          </div>
        ) : view === "heat" ? (
          <HeatMap asked={asked} period={period} />
        ) : (
          <>
            {only && (
              <Button variant="default" mb="sm" onClick={() => set({ only: undefined })}>
                {t("statistics.all")}
              </Button>
            )}
            <div className={only ? undefined : `cards ${view}`}>
              {shown.map(([name, kind, title]) => (
                <Statistic
                  key={`${name} ${view} ${only}`}
                  title={title}
                  kind={kind}
                  view={view}
                  asked={asked}
                  period={period}
                  baseline={baseline}
                  now={now}
                  order={orders.get(name)}
                  onOrder={(order) => set({ order: writeOrders(new Map(orders).set(name, order)) })}
                  whole={!!only}
                  onWhole={() => set({ only: name })}
                  onMatch={onMatch}
                />
              ))}
            </div>
          </>
        )}
      </div>
    </>
  );
}

/** Any other field, or up to three whose values are combined. */
function OwnField({ own, onChange }: { own: string[]; onChange: (fields: string[]) => void }) {
  const { t } = useTranslation();
  const fields = [...new Set(useFields().flatMap((f) => (f.criterion ? [] : f.name)))];
  const [text, setText] = useState("");
  const add = (name: string) => {
    if (fields.includes(name) && !own.includes(name)) onChange([...own, name].slice(0, 3));
    setText("");
  };
  return (
    <span className="row" style={{ gap: 4 }}>
      <Autocomplete
        w={150}
        aria-label={t("statistics.field")}
        placeholder={t("statistics.field")}
        data={fields.filter((f) => !own.includes(f))}
        value={text}
        onChange={setText}
        onOptionSubmit={add}
        onKeyDown={(e) => e.key === "Enter" && add(text)}
        maxDropdownHeight={260}
      />
      {own.map((field) => (
        <button
          key={field}
          type="button"
          className="chip"
          title={t("facets.remove", { field })}
          onClick={() => onChange(own.filter((f) => f !== field))}
        >
          {field} ×
        </button>
      ))}
    </span>
  );
}

/** Which events count: conditions that hold for the whole page, exclusions among them. */
function Narrow({ q, asked, onChange }: { q: string; asked: Group; onChange: (group: Group) => void }) {
  const { t } = useTranslation();
  const syntax = useSyntax();
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  const { group, issue } = readCondition(text);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (group) onChange(group);
  };
  return (
    <form className="row" style={{ flex: "1 1 320px", gap: 4 }} onSubmit={submit}>
      <TextInput
        style={{ flex: "1 1 260px" }}
        styles={MONO}
        aria-label={t("statistics.narrow")}
        placeholder={t("statistics.narrowHint")}
        value={text}
        error={issue && syntax(issue)}
        onChange={(e) => setText(e.currentTarget.value)}
      />
      {asked.join === "and" &&
        asked.items.map((item, i) => {
          const name = writeCondition(item);
          return (
            <button
              key={name}
              type="button"
              className="chip mono"
              title={t("statistics.drop", { name })}
              onClick={() => onChange({ ...asked, items: asked.items.filter((_, n) => n !== i) })}
            >
              <span className="cut" style={{ maxWidth: 220 }}>
                {name}
              </span>{" "}
              ×
            </button>
          );
        })}
    </form>
  );
}

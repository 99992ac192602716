import { Autocomplete, SegmentedControl, TextInput } from "@mantine/core";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { Link, useSearchParams } from "wouter";
import { type TermOrder, TermsDocument } from "../api/generated";
import { conditionInput, emptyGroup, type Item, match } from "../shared/condition";
import { useNumber } from "../shared/format";
import { searchLink } from "../shared/links";
import { PeriodPicker } from "../shared/PeriodPicker";
import { type Period, periodInput, readPeriod, writePeriod } from "../shared/period";
import { State } from "../shared/State";

const FIELDS = ["DestinationIp", "DestinationPort", "Image", "EventType", "QueryName"] as const;
const MORE = [
  "ParentImage",
  "DestinationHostname",
  "User",
  "TargetObject",
  "ImageLoaded",
  "PipeName",
  "SHA256",
  "RuleName",
];
const SHOWN = 20;

/** The most frequent and the rarest values of fields, per period and host. */
export function StatisticsPage() {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const order: TermOrder = params.get("order") === "rare" ? "RARE" : "TOP";
  const host = params.get("host") ?? "";
  const own = params.get("field") ?? "";
  const period = readPeriod(params);
  const [hostText, setHostText] = useState(host);
  const [fieldText, setFieldText] = useState(own);
  useEffect(() => setHostText(host), [host]);
  useEffect(() => setFieldText(own), [own]);

  const set = (name: string, value: string) =>
    setParams((old) => {
      const next = new URLSearchParams(old);
      if (value) next.set(name, value);
      else next.delete(name);
      return next;
    });
  const setPeriod = (p: Period) =>
    setParams((old) => {
      const next = new URLSearchParams(old);
      writePeriod(p, next);
      return next;
    });
  const submit = (name: string, value: string) => (e: FormEvent) => {
    e.preventDefault();
    set(name, value.trim());
  };

  return (
    <>
      <header className="head">
        <h1>{t("pages.statistics")}</h1>
        <SegmentedControl
          aria-label={t("statistics.order")}
          value={order}
          onChange={(v) => set("order", v === "RARE" ? "rare" : "")}
          data={[
            { value: "TOP", label: t("statistics.top") },
            { value: "RARE", label: t("statistics.rare") },
          ]}
        />
        <PeriodPicker value={period} onChange={setPeriod} />
        <form onSubmit={submit("host", hostText)}>
          <TextInput
            w={150}
            aria-label={t("statistics.host")}
            placeholder={t("statistics.host")}
            value={hostText}
            onChange={(e) => setHostText(e.currentTarget.value)}
            onBlur={() => hostText.trim() !== host && set("host", hostText.trim())}
          />
        </form>
        <form onSubmit={submit("field", fieldText)}>
          <Autocomplete
            w={170}
            aria-label={t("statistics.field")}
            placeholder={t("statistics.field")}
            data={MORE}
            value={fieldText}
            onChange={setFieldText}
            onOptionSubmit={(v) => set("field", v)}
          />
        </form>
      </header>
      <div className="body">
        <div className="cards">
          {[...(own ? [own] : []), ...FIELDS].map((field) => (
            <Terms key={field} field={field} order={order} host={host} period={period} />
          ))}
        </div>
      </div>
    </>
  );
}

interface Props {
  field: string;
  order: TermOrder;
  host: string;
  period: Period;
}

function Terms({ field, order, host, period }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const periodKey = JSON.stringify(period);
  const variables = useMemo(
    () => ({
      field,
      order,
      first: SHOWN,
      period: periodInput(JSON.parse(periodKey)),
      condition: host ? conditionInput(match("Computer", host)) : undefined,
    }),
    [field, order, host, periodKey],
  );
  const [{ data, error, fetching }, reload] = useQuery({ query: TermsDocument, variables });
  const terms = data?.terms;
  const highest = Math.max(1, ...(terms?.values.map((v) => v.count) ?? []));
  const drill = (value: string): Item => {
    const row = match(field, value);
    return host ? emptyGroup([match("Computer", host), row]) : row;
  };
  const known = FIELDS.find((f) => f === field);
  return (
    <section className="panel" aria-label={field}>
      <div className="row pad" style={{ borderBottom: "1px solid var(--line)", flexWrap: "nowrap" }}>
        <h2 style={{ whiteSpace: "nowrap" }}>{known ? t(`statistics.fields.${known}`) : field}</h2>
        <span className="dim mono cut">{known && field}</span>
        {terms && (
          <span className="dim" style={{ marginLeft: "auto", whiteSpace: "nowrap" }}>
            {t("statistics.distinct", { shown: number(terms.values.length), total: number(terms.distinct) })}
          </span>
        )}
      </div>
      <State
        loading={fetching}
        error={error}
        empty={!terms || terms.values.length === 0}
        nothing={t("statistics.nothing")}
        retry={() => reload()}
      />
      {terms && terms.values.length > 0 && (
        <table className="dense">
          <thead>
            <tr>
              <th scope="col">{t("statistics.value")}</th>
              <th scope="col" className="num">
                {t("statistics.events")}
              </th>
            </tr>
          </thead>
          <tbody>
            {terms.values.map((term) => (
              <tr key={term.value}>
                <td style={{ maxWidth: 0, width: "85%" }}>
                  <Link
                    className="mono cut"
                    style={{ display: "block" }}
                    title={term.value}
                    href={searchLink(drill(term.value), period)}
                  >
                    {term.value || t("statistics.emptyValue")}
                  </Link>
                  <div className="bar" style={{ width: `${Math.max(0.5, (100 * term.count) / highest)}%` }} />
                </td>
                <td className="num">{number(term.count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

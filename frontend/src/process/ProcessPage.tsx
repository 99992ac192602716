import "./process.css";
import { Button, TextInput } from "@mantine/core";
import { type FormEvent, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { Link, useSearchParams } from "wouter";
import { ProcessCodesDocument, ProcessEventsDocument, ProcessFactsDocument } from "../api/generated";
import { usePages } from "../api/pages";
import { useLanguage } from "../i18n";
import { conditionInput } from "../shared/condition";
import { EventPanel } from "../shared/EventPanel";
import { useNumber } from "../shared/format";
import { EventIcon, Icon } from "../shared/Icon";
import { graphLink, hostLink, searchLink } from "../shared/links";
import { PeriodPicker } from "../shared/PeriodPicker";
import { periodInput, readPeriod, writePeriod } from "../shared/period";
import { Starts } from "../shared/Starts";
import { State } from "../shared/State";
import { MONO } from "../shared/theme";
import { Activity } from "./Activity";
import { type Filter, filtered, plainGuid } from "./activity";
import { Compare } from "./Compare";
import { Chain, Facts } from "./Facts";
import { Others } from "./Others";

const PAGE = 200;

/** One process: where it comes from, what it is, and all that it did and that was done to it, in order of time. */
export default function ProcessPage() {
  const { t } = useTranslation();
  const number = useNumber();
  const [params, setParams] = useSearchParams();
  const [guid, other] = [params.get("guid") ?? "", params.get("with") ?? ""];
  const plain = plainGuid(guid);
  const [code, event] = [params.get("code"), params.get("event") ?? undefined];
  const filter: Filter = {
    code: code && /^\d+$/.test(code) ? Number(code) : undefined,
    keyword: params.get("q") ?? undefined,
    hash: params.get("hash") ?? undefined,
  };
  const period = readPeriod(params);
  // The last so-and-so long begins when it is chosen: a moment of its own each time would be another question each time.
  const periodKey = JSON.stringify(period);
  const during = useMemo(() => periodInput(JSON.parse(periodKey)), [periodKey]);
  const set = (changes: Record<string, string | undefined>, replace = false) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old);
        for (const [name, value] of Object.entries(changes)) {
          if (value) next.set(name, value);
          else next.delete(name);
        }
        return next;
      },
      { replace },
    );
  const [{ data, error, fetching }, reload] = useQuery({
    query: ProcessFactsDocument,
    variables: { guid },
    pause: !guid,
  });
  const [second, reloadSecond] = useQuery({
    query: ProcessFactsDocument,
    variables: { guid: other },
    pause: !other,
  });
  const process = guid ? data?.process : undefined;
  const base = conditionInput(filtered(plain, {}));
  const [codes, reloadCodes] = useQuery({
    query: ProcessCodesDocument,
    variables: { condition: base, period: during },
    pause: !guid,
  });
  const language = useLanguage();
  const search = filtered(plain, filter);
  const pages = usePages(
    ProcessEventsDocument,
    { condition: conditionInput(search), period: during, language, order: "OLDEST_FIRST", first: PAGE },
    (d) => d.events,
    !guid || Boolean(other),
  );
  return (
    <>
      <header className="head">
        <h1>{t("pages.process")}</h1>
        <Entry
          key={guid}
          label={t("process.open")}
          value={guid}
          onEnter={(value) => setParams({ guid: value })}
        />
        {process && (
          <Entry
            key={`with ${other}`}
            label={t("process.compareWith")}
            value={other}
            onEnter={(value) => set({ with: value || undefined })}
          />
        )}
        {other && (
          <Button variant="default" onClick={() => set({ with: undefined })}>
            {t("process.stopCompare")}
          </Button>
        )}
        {process && (
          <PeriodPicker
            value={period}
            onChange={(p) =>
              setParams((old) => {
                const next = new URLSearchParams(old);
                writePeriod(p, next);
                return next;
              })
            }
          />
        )}
      </header>
      {!process && (
        <State
          loading={fetching}
          error={error}
          empty
          nothing={guid ? t("process.gone") : t("process.guidHint")}
          retry={() => {
            reload();
            reloadCodes();
            pages.reload();
          }}
        />
      )}
      {!guid && <Starts as="process" />}
      {process && (
        <div className="head tools">
          <Chain process={process} period={period} />
          <div className="row push">
            <Button
              component={Link}
              href={graphLink(process.id, period)}
              leftSection={<Icon name="graph" size={14} />}
            >
              {t("process.graph")}
            </Button>
            <Button
              component={Link}
              variant="default"
              href={searchLink(search, period)}
              leftSection={<Icon name="search" size={14} />}
            >
              {t("process.search")}
            </Button>
            {process.host && (
              <Button
                component={Link}
                variant="default"
                href={hostLink(process.host, period)}
                leftSection={<Icon name="hosts" size={14} />}
              >
                {t("event.openHost")}
              </Button>
            )}
          </div>
        </div>
      )}
      {process && other && (
        <>
          <State
            loading={second.fetching}
            error={second.error}
            empty={!second.data?.process}
            nothing={t("process.gone")}
            retry={() => reloadSecond()}
          />
          {second.data?.process &&
            (second.data.process.id === process.id ? (
              <div className="notice">{t("process.sameGuid")}</div>
            ) : (
              <Compare first={process} second={second.data.process} period={during} />
            ))}
        </>
      )}
      {process && !other && (
        <div className="split">
          <div className="main">
            <div className="stack pad">
              <div className="row">
                <Entry
                  key={`q ${filter.keyword}`}
                  label={t("process.keyword")}
                  hint={t("process.keywordHint")}
                  value={filter.keyword ?? ""}
                  onEnter={(q) => set({ q: q || undefined })}
                />
                <Entry
                  key={`hash ${filter.hash}`}
                  label={t("process.hash")}
                  hint={t("process.hashHint")}
                  value={filter.hash ?? ""}
                  onEnter={(hash) => set({ hash: hash || undefined })}
                />
                <span className="dim" role="status" data-testid="activity">
                  {pages.total &&
                    t("page.shown", { shown: number(pages.items.length), total: number(pages.total.value) })}
                </span>
              </div>
              <fieldset className="codes" aria-label={t("process.codes")}>
                <button
                  type="button"
                  className="chip"
                  aria-pressed={filter.code === undefined}
                  onClick={() => set({ code: undefined })}
                >
                  {t("process.allCodes")}
                </button>
                {codes.data?.summary.codes.map((c) => (
                  <button
                    key={c.code}
                    type="button"
                    className="chip"
                    aria-pressed={filter.code === c.code}
                    onClick={() => set({ code: filter.code === c.code ? undefined : String(c.code) })}
                  >
                    <EventIcon code={c.code} size={13} /> {c.code} {c.name} <b>{number(c.count)}</b>
                  </button>
                ))}
              </fieldset>
              <State
                loading={codes.fetching}
                error={codes.error}
                empty={false}
                nothing={null}
                retry={() => reloadCodes()}
              />
            </div>
            <Activity
              guid={plain}
              pages={pages}
              selected={event} // Walking through the rows is no way that one goes back step by step.
              onSelect={(id) => set({ event: id }, event !== undefined)}
            />
          </div>
          <div className="side">
            {event ? (
              <EventPanel key={event} id={event} onClose={() => set({ event: undefined })} period={period} />
            ) : (
              <section aria-label={t("process.facts")} className="stack pad">
                <h2 className="wrap">{process.label}</h2>
                <Facts process={process} />
                <Others process={process} period={period} />
              </section>
            )}
          </div>
        </div>
      )}
    </>
  );
}

interface EntryProps {
  label: string;
  hint?: string;
  value: string;
  onEnter: (value: string) => void;
}

/** A field whose text counts when it is entered. */
function Entry({ label, hint, value, onEnter }: EntryProps) {
  const [text, setText] = useState(value);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onEnter(text.trim());
  };
  return (
    <form onSubmit={submit} style={{ flex: hint ? "1 1 150px" : "0 1 312px", maxWidth: 312 }}>
      <TextInput
        styles={hint ? undefined : MONO}
        aria-label={label}
        placeholder={hint ?? label}
        value={text}
        onChange={(e) => setText(e.currentTarget.value)}
        onBlur={() => text.trim() !== value && hint && onEnter(text.trim())}
      />
    </form>
  );
}

import "./hosts.css";
import { NativeSelect, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "wouter";
import { HostsDocument } from "../api/generated";
import { usePages } from "../api/pages";
import { useClock } from "../shared/clock";
import { CATEGORIES } from "../shared/colours";
import { useNumber } from "../shared/format";
import { PagesEnd } from "../shared/PagesEnd";
import { PeriodPicker } from "../shared/PeriodPicker";
import { PRESETS, readPeriod } from "../shared/period";
import { Scroll } from "../shared/Scroll";
import { type Change, changed, hostsWanted } from "./address";
import { HostPanel, TABS } from "./HostPanel";

const PAGE = 100;
/** The hosts that sent events in the period, and what one of them did. */
export default function HostsPage() {
  const { t } = useTranslation();
  const number = useNumber();
  const { time, label } = useClock();
  const [params, setParams] = useSearchParams();
  const period = readPeriod(params);
  const selected = params.get("host") ?? undefined;
  const silent = params.get("silent") ?? "";
  const order = params.get("order") ?? "name";
  const found = params.get("name") ?? "";
  const key = JSON.stringify([period, silent, order, found]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for what is read; the time is that of its change.
  const variables = useMemo(
    () => ({ ...hostsWanted({ period, silent, name: found, order }, Date.now()), first: PAGE }),
    [key],
  );
  const pages = usePages(HostsDocument, variables, (d) => d.hosts);
  const set = (change: Change, how?: { replace: boolean }) => setParams((old) => changed(old, change), how);
  const highest = Math.max(1, ...pages.items.map((h) => h.events));
  const head = (by: string, text: string, numeric = false) => {
    const active = order.replace("-", "") === by;
    const down = order.startsWith("-");
    return (
      <th
        scope="col"
        className={numeric ? "num" : undefined}
        aria-sort={active ? (down ? "descending" : "ascending") : undefined}
      >
        <button
          type="button"
          className="sort"
          title={t("search.sortBy", { name: text })}
          onClick={() => set({ order: (active ? !down : by !== "name") ? `-${by}` : by })}
        >
          {text}
          <span aria-hidden="true">{active && (down ? " ▼" : " ▲")}</span>
        </button>
      </th>
    );
  };
  return (
    <>
      <header className="head">
        <h1>{t("pages.hosts")}</h1>
        <NameFilter value={found} onChange={(name) => set({ name }, { replace: true })} />
        <PeriodPicker value={period} onChange={(p) => set({ period: p })} />
        <NativeSelect
          aria-label={t("hosts.silent")}
          value={silent}
          onChange={(e) => set({ silent: e.currentTarget.value })}
          data={[
            { value: "", label: t("hosts.silentAny") },
            ...PRESETS.map((p) => ({ value: p, label: t("hosts.silentFor", { length: t(`period.${p}`) }) })),
          ]}
        />
        <span className="push dim" role="status">
          {pages.total && t("hosts.shown", { count: pages.total.value, shown: number(pages.total.value) })}
        </span>
      </header>
      {silent && (period.last || period.from) && (
        <div className="notice" role="status">
          {t("hosts.silentWhole")}
        </div>
      )}
      <Scroll className="sized" style={{ flex: 1, overflow: "auto", minHeight: 0 }} label={t("hosts.list")}>
        {selected && (
          <HostPanel
            key={selected}
            name={selected}
            period={period}
            tab={TABS.find((tab) => tab === params.get("tab")) ?? "shares"}
            category={CATEGORIES.find((c) => c === params.get("category"))}
            params={params}
            onChange={set}
          />
        )}
        <table className="dense hosts">
          <thead>
            <tr>
              {head("name", t("column.host"))}
              {head("events", t("hosts.events"), true)}
              <th scope="col" className="wide" style={{ width: "16%" }}>
                <span className="unseen">{t("hosts.share")}</span>
              </th>
              <th scope="col" className="num">
                {t("hosts.hits")}
              </th>
              <th scope="col">{t("hosts.sysmon")}</th>
              <th scope="col" className="num">
                {t("hosts.configChanges")}
              </th>
              <th scope="col" className="num wide">
                {t("hosts.codes")}
              </th>
              {head("first", `${t("hosts.first")} (${label})`)}
              {head("last", `${t("hosts.last")} (${label})`)}
            </tr>
          </thead>
          <tbody>
            {pages.items.map((host) => (
              <tr key={host.name} aria-selected={host.name === selected}>
                <td>
                  <button
                    type="button"
                    className="plain"
                    onClick={() => set({ host: host.name, event: null, sort: null })}
                  >
                    {host.name}
                  </button>
                </td>
                <td className="num">{number(host.events)}</td>
                <td className="wide" style={{ verticalAlign: "middle" }}>
                  <div className="bar" style={{ width: `${(100 * host.events) / highest}%` }} />
                </td>
                <td
                  className="num"
                  style={host.hits > 0 ? { color: "var(--level-high)", fontWeight: 650 } : undefined}
                >
                  {number(host.hits)}
                </td>
                <td>{host.sysmonVersion ?? <span className="dim">{t("hosts.unknown")}</span>}</td>
                <td className="num">{number(host.configurationChanges)}</td>
                <td className="num wide">{number(host.codes.length)}</td>
                <td className="mono">{time(host.firstSeen, false)}</td>
                <td className="mono">{time(host.lastSeen, false)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <PagesEnd pages={pages} nothing={t(silent || found ? "hosts.noneFits" : "hosts.nothing")} />
      </Scroll>
    </>
  );
}

/** A part of the name, put into the address when the typing rests. */
function NameFilter({ value, onChange }: { value: string; onChange: (name: string) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  const written = useRef(value);
  useEffect(() => {
    if (value !== written.current) setText(value);
    written.current = value;
  }, [value]);
  const write = useDebouncedCallback((name: string) => {
    written.current = name;
    onChange(name);
  }, 250);
  return (
    <TextInput
      w={150}
      aria-label={t("hosts.find")}
      placeholder={t("hosts.find")}
      value={text}
      onChange={(e) => {
        setText(e.currentTarget.value);
        write(e.currentTarget.value.trim());
      }}
    />
  );
}

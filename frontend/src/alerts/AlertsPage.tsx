import { ActionIcon, Button, MultiSelect, TextInput, Tooltip } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "wouter";
import { type HitPartsFragment, HitsDocument } from "../api/generated";
import { usePages } from "../api/pages";
import { useLanguage } from "../i18n";
import { categoryColour, LEVELS, levelColour } from "../shared/colours";
import { match } from "../shared/condition";
import { EventPanel } from "../shared/EventPanel";
import { baseName, useNumber, utc } from "../shared/format";
import { EventIcon, Icon } from "../shared/Icon";
import { Level } from "../shared/Level";
import { graphLink, searchLink } from "../shared/links";
import { PagesEnd } from "../shared/PagesEnd";
import { Scroll } from "../shared/Scroll";
import { mergeHits } from "./merge";
import { useHitStream } from "./stream";

const PAGE = 100;

/** Rule hits, newest first; new ones appear by themselves. */
export function AlertsPage() {
  const { t } = useTranslation();
  const number = useNumber();
  const [params, setParams] = useSearchParams();
  const levels = params.getAll("level");
  const host = params.get("host") ?? "";
  const rule = params.get("rule") ?? "";
  const [hostText, setHostText] = useState(host);
  useEffect(() => setHostText(host), [host]);
  const selected = params.get("event") ?? undefined;
  const filter = {
    ...(levels.length > 0 && { levels }),
    ...(host && { host }),
    ...(rule && { ruleId: rule }),
  };
  const japanese = useLanguage() === "JA";
  const says = ({ event }: HitPartsFragment) => (japanese ? event?.japanese : event?.description);
  const pages = usePages(HitsDocument, { filter, first: PAGE }, (d) => d.hits);
  const { fresh, link, missed, markSeen, forgetMissed, unseen, gaps } = useHitStream();
  const { reload } = pages;
  const known = useRef(gaps);
  useEffect(() => {
    if (gaps !== known.current) reload();
    known.current = gaps;
  }, [gaps, reload]);
  useEffect(() => {
    if (unseen > 0) markSeen();
  }, [unseen, markSeen]);

  const wanted = (hit: HitPartsFragment) =>
    (levels.length === 0 || levels.includes(hit.level)) &&
    (!host || hit.host.toLowerCase() === host.toLowerCase()) &&
    (!rule || hit.ruleId === rule);
  const { hits, added } = mergeHits(fresh.filter(wanted), pages.items);
  const total = (pages.total?.value ?? 0) + (pages.loading ? 0 : added);

  const set = (change: Record<string, string[]>) =>
    setParams((old) => {
      const next = new URLSearchParams(old);
      for (const [name, values] of Object.entries(change)) {
        next.delete(name);
        for (const value of values) if (value) next.append(name, value);
      }
      return next;
    });

  return (
    <>
      <header className="head">
        <h1>{t("pages.alerts")}</h1>
        <span className="chip" role="status">
          <span aria-hidden="true" className={`lamp ${link}`} />
          {t(`alerts.${link}`)}
        </span>
        <MultiSelect
          size="xs"
          aria-label={t("alerts.levels")}
          placeholder={levels.length === 0 ? t("alerts.allLevels") : undefined}
          data={LEVELS.map((l) => ({ value: l, label: t(`level.${l}`) }))}
          value={levels}
          onChange={(level) => set({ level })}
          miw={150}
        />
        <form
          onSubmit={(e) => {
            e.preventDefault();
            set({ host: [hostText.trim()] });
          }}
        >
          <TextInput
            aria-label={t("alerts.host")}
            placeholder={t("alerts.host")}
            value={hostText}
            onChange={(e) => setHostText(e.currentTarget.value)}
            onBlur={() => hostText.trim() !== host && set({ host: [hostText.trim()] })}
          />
        </form>
        {rule && (
          <button type="button" className="chip" onClick={() => set({ rule: [] })}>
            {t("alerts.oneRule")} <Icon name="close" size={11} title={t("alerts.allRules")} />
          </button>
        )}
        <span className="push dim" role="status">
          {t("page.shown", { shown: number(hits.length), total: number(total) })}
        </span>
      </header>
      {missed > 0 && (
        <div className="notice row" role="alert">
          {t("alerts.missed", { count: missed, shown: number(missed) })}
          <Button
            variant="default"
            onClick={() => {
              forgetMissed();
              pages.reload();
            }}
          >
            {t("state.reload")}
          </Button>
        </div>
      )}
      <div className="split">
        <Scroll className="main sized" style={{ overflow: "auto" }} label={t("pages.alerts")}>
          <table className="dense">
            <thead>
              <tr>
                <th scope="col">{t("alerts.level")}</th>
                <th scope="col">{t("column.time")} (UTC)</th>
                <th scope="col">{t("alerts.rule")}</th>
                <th scope="col">{t("column.host")}</th>
                <th scope="col">{t("column.code")}</th>
                <th scope="col" className="wide">
                  {t("column.image")}
                </th>
                <th scope="col">{t("column.description")}</th>
                <th scope="col">
                  <span className="unseen">{t("event.actions")}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {hits.map((hit) => (
                <tr
                  key={hit.id}
                  aria-selected={hit.eventId === selected}
                  style={{ boxShadow: `inset 3px 0 ${levelColour(hit.level)}` }}
                >
                  <td>
                    <Level level={hit.level} />
                  </td>
                  <td className="mono" style={{ whiteSpace: "nowrap" }}>
                    {utc(hit.time)}
                  </td>
                  <td style={{ minWidth: 200 }}>
                    <button type="button" className="plain" onClick={() => set({ event: [hit.eventId] })}>
                      {hit.ruleTitle}
                    </button>
                  </td>
                  <td title={hit.host}>
                    <div className="cut" style={{ maxWidth: 150 }}>
                      {hit.host}
                    </div>
                  </td>
                  <td style={{ whiteSpace: "nowrap", position: "relative" }} title={hit.event?.name}>
                    {hit.event && (
                      <>
                        <EventIcon
                          code={hit.event.code}
                          size={14}
                          colour={categoryColour(hit.event.category)}
                        />{" "}
                        <span className="wide-text">{hit.event.name}</span>
                      </>
                    )}
                  </td>
                  <td className="wide" title={hit.event?.image ?? undefined}>
                    {baseName(hit.event?.image)}
                  </td>
                  <td className="mono" style={{ maxWidth: 0, width: "40%", minWidth: 120 }}>
                    <div className="two-lines" title={says(hit) ?? undefined}>
                      {says(hit)}
                    </div>
                  </td>
                  <td style={{ whiteSpace: "nowrap" }}>
                    {hit.event?.process && (
                      <Tooltip label={t("event.openGraph")}>
                        <ActionIcon
                          component={Link}
                          href={graphLink(hit.event.process.id)}
                          aria-label={t("alerts.graphOf", { rule: hit.ruleTitle })}
                        >
                          <Icon name="graph" size={15} />
                        </ActionIcon>
                      </Tooltip>
                    )}
                    <Tooltip label={t("alerts.searchHost")}>
                      <ActionIcon
                        component={Link}
                        href={searchLink(match("Computer", hit.host), around(hit.time))}
                        aria-label={t("alerts.searchHostOf", { rule: hit.ruleTitle })}
                      >
                        <Icon name="search" size={15} />
                      </ActionIcon>
                    </Tooltip>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <PagesEnd pages={pages} empty={hits.length === 0} nothing={t("alerts.nothing")} />
        </Scroll>
        {selected && (
          <div className="side">
            <EventPanel key={selected} id={selected} onClose={() => set({ event: [] })} />
          </div>
        )}
      </div>
    </>
  );
}

/** Five minutes before and after. */
function around(time: string) {
  const at = Date.parse(time);
  return { from: new Date(at - 300_000).toISOString(), to: new Date(at + 300_000).toISOString() };
}

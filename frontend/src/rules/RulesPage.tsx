import { SegmentedControl, Select, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "wouter";
import { client, refusal } from "../api/client";
import { EnableRuleDocument, RulesDocument } from "../api/generated";
import { usePages } from "../api/pages";
import { useSession } from "../api/session";
import { LEVELS } from "../shared/colours";
import { useNumber } from "../shared/format";
import { Level } from "../shared/Level";
import { PagesEnd } from "../shared/PagesEnd";
import { Scroll } from "../shared/Scroll";
import { ImportRules } from "./ImportRules";
import { RulePanel } from "./RulePanel";

const PAGE = 100;

/** All Sigma rules with what came of them: matching, switched off, or refused with the reason. */
export function RulesPage() {
  const { t } = useTranslation();
  const number = useNumber();
  const session = useSession();
  const mayWrite = session?.role !== "VIEWER";
  const [params, setParams] = useSearchParams();
  const text = params.get("text") ?? "";
  const level = params.get("level") ?? "";
  const state = params.get("state") ?? "all";
  const selected = params.get("rule") ?? undefined;
  const [typed, setTyped] = useState(text);
  /** Switches moved since the page was read. */
  const [moved, setMoved] = useState<Record<string, boolean>>({});
  const [failure, setFailure] = useState<string>();
  const filter = {
    ...(text && { text }),
    ...(level && { level: [level] }),
    ...(state === "enabled" && { enabled: true }),
    ...(state === "disabled" && { enabled: false }),
    ...(state === "refused" && { refused: true }),
  };
  const pages = usePages(RulesDocument, { filter, first: PAGE }, (d) => d.rules);
  const set = (name: string, value: string) =>
    setParams((old) => {
      const next = new URLSearchParams(old);
      if (value) next.set(name, value);
      else next.delete(name);
      return next;
    });

  async function enable(id: string, enabled: boolean) {
    setFailure(undefined);
    setMoved((m) => ({ ...m, [id]: enabled }));
    const { data, error } = await client.mutation(EnableRuleDocument, { input: { id, enabled } }).toPromise();
    const refused = refusal(error, data?.enableRule.errors);
    if (refused) {
      setFailure(refused);
      setMoved((m) => ({ ...m, [id]: !enabled }));
    }
  }

  return (
    <>
      <header className="head">
        <h1>{t("pages.rules")}</h1>
        <form
          onSubmit={(e) => {
            e.preventDefault();
            set("text", typed.trim());
          }}
        >
          <TextInput
            w={200}
            aria-label={t("rules.find")}
            placeholder={t("rules.find")}
            value={typed}
            onChange={(e) => setTyped(e.currentTarget.value)}
            onBlur={() => typed.trim() !== text && set("text", typed.trim())}
          />
        </form>
        <Select
          w={130}
          aria-label={t("alerts.level")}
          value={level}
          onChange={(v) => set("level", v ?? "")}
          data={[
            { value: "", label: t("alerts.allLevels") },
            ...LEVELS.map((l) => ({ value: l, label: t(`level.${l}`) })),
          ]}
        />
        <SegmentedControl
          aria-label={t("rules.state")}
          value={state}
          onChange={(v) => set("state", v === "all" ? "" : v)}
          data={(["all", "enabled", "disabled", "refused"] as const).map((s) => ({
            value: s,
            label: t(`rules.${s}`),
          }))}
        />
        {mayWrite && <ImportRules onDone={pages.reload} />}
        <span className="push dim" role="status">
          {t("page.shown", { shown: number(pages.items.length), total: number(pages.total?.value ?? 0) })}
        </span>
      </header>
      {failure && (
        <div className="notice" role="alert">
          {failure}
        </div>
      )}
      <div className="split">
        <Scroll className="main" style={{ overflow: "auto" }} label={t("rules.list")}>
          <table className="dense">
            <thead>
              <tr>
                <th scope="col">{t("rules.on")}</th>
                <th scope="col">{t("alerts.level")}</th>
                <th scope="col">{t("alerts.rule")}</th>
                <th scope="col">{t("rules.logsource")}</th>
                <th scope="col">{t("rules.status")}</th>
                <th scope="col" className="num">
                  {t("hosts.hits")}
                </th>
              </tr>
            </thead>
            <tbody>
              {pages.items.map((rule) => (
                <tr key={rule.id} aria-selected={rule.id === selected}>
                  <td>
                    <Switch
                      size="xs"
                      aria-label={t("rules.enable", { title: rule.title })}
                      disabled={!mayWrite || rule.refused !== null}
                      checked={rule.refused === null && (moved[rule.id] ?? rule.enabled)}
                      onChange={(e) => void enable(rule.id, e.currentTarget.checked)}
                    />
                  </td>
                  <td>
                    <Level level={rule.level} />
                  </td>
                  <td>
                    <button type="button" className="plain" onClick={() => set("rule", rule.id)}>
                      {rule.title}
                    </button>
                    {rule.refused !== null && (
                      <div style={{ color: "var(--level-high)" }}>
                        {t("rules.refusedBecause", { why: rule.refused })}
                      </div>
                    )}
                    {rule.blocked !== null && (
                      <div style={{ color: "var(--level-high)" }}>
                        {t("rules.blockedBecause", { why: rule.blocked })}
                      </div>
                    )}
                    {rule.supersededBy.length > 0 && (
                      <div>{t("rules.supersededBy", { rules: rule.supersededBy.join(", ") })}</div>
                    )}
                  </td>
                  <td className="mono">{rule.logsource}</td>
                  <td>{rule.status}</td>
                  <td className="num">
                    {rule.hits > 0 ? (
                      <Link href={`/alerts?rule=${encodeURIComponent(rule.ruleId)}`}>
                        {number(rule.hits)}
                      </Link>
                    ) : (
                      0
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <PagesEnd pages={pages} nothing={t("rules.nothing")} />
        </Scroll>
        {selected && (
          <div className="side">
            <RulePanel key={selected} id={selected} onClose={() => set("rule", "")} />
          </div>
        )}
      </div>
    </>
  );
}

import { ActionIcon } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { RuleDocument } from "../api/generated";
import { Icon } from "../shared/Icon";
import { Level } from "../shared/Level";
import { State } from "../shared/State";

/** One rule with its text. */
export function RulePanel({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation();
  const [{ data, error, fetching }] = useQuery({ query: RuleDocument, variables: { id } });
  const rule = data?.rule;
  return (
    <section aria-label={t("alerts.rule")}>
      <div className="head" style={{ position: "sticky", top: 0, flexWrap: "nowrap" }}>
        <h2>{rule?.title ?? t("alerts.rule")}</h2>
        <ActionIcon className="push" onClick={onClose} aria-label={t("rules.close")}>
          <Icon name="close" />
        </ActionIcon>
      </div>
      <State loading={fetching} error={error} empty={!rule} nothing={t("rules.gone")} />
      {rule && (
        <div className="stack pad">
          <div className="row">
            <Level level={rule.level} />
            {rule.tags.map((tag) => (
              <span key={tag} className="chip">
                {tag}
              </span>
            ))}
          </div>
          <div className="wrap">{rule.description}</div>
          <dl className="facts">
            <dt>{t("rules.id")}</dt>
            <dd className="mono">{rule.ruleId}</dd>
            <dt>{t("rules.version")}</dt>
            <dd className="mono">{rule.version}</dd>
            <dt>{t("rules.origin")}</dt>
            <dd>{rule.origin}</dd>
            <dt>{t("rules.logsource")}</dt>
            <dd className="mono">{rule.logsource}</dd>
          </dl>
          <section aria-label={t("rules.text")} className="panel pad">
            <pre className="mono wrap" style={{ margin: 0 }}>
              {rule.text}
            </pre>
          </section>
        </div>
      )}
    </section>
  );
}

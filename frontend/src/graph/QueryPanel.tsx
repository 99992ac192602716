import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useCopy } from "../shared/copy";
import { useNumber } from "../shared/format";
import { type Asked, forgotten } from "./ask";
import { Panel } from "./Panel";

/** The queries behind the clicks, newest first, to be read, copied and run elsewhere. */
export function QueryPanel({ asked, onClose }: { asked: readonly Asked[]; onClose: () => void }) {
  const { t } = useTranslation();
  const number = useNumber();
  const copy = useCopy();
  const lost = forgotten(asked);
  return (
    <Panel
      name={t("graph.queries")}
      title={t("graph.queries")}
      second={t("graph.queriesAbout")}
      closeName={t("graph.closeDetails")}
      onClose={onClose}
    >
      <div className="stack pad">
        {asked.length === 0 && <div className="dim">{t("graph.noQueries")}</div>}
        {lost > 0 && (
          <div className="notice">{t("graph.queriesLost", { count: lost, kept: number(asked.length) })}</div>
        )}
        {asked.map((a) => {
          const variables = JSON.stringify(a.variables, null, 2);
          return (
            <details key={a.number} className="panel pad">
              <summary>
                <b>{a.name}</b>{" "}
                <span className="dim">
                  {t("graph.took", { ms: number(Math.round(a.milliseconds)) })}
                  {a.failed && ` · ${t("state.failed")}`}
                </span>
              </summary>
              <pre className="code">{a.text}</pre>
              <pre className="code">{variables}</pre>
              <Button
                size="compact-xs"
                variant="default"
                onClick={() => void copy(JSON.stringify({ query: a.text, variables: a.variables }))}
              >
                {t("graph.copyQuery")}
              </Button>
            </details>
          );
        })}
      </div>
    </Panel>
  );
}

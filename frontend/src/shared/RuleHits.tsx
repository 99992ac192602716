import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { Link } from "wouter";
import { type ConditionInput, type HitFilterInput, RuleHitsDocument } from "../api/generated";
import { fromInput, type Item } from "./condition";
import { useNumber } from "./format";
import { Level } from "./Level";
import { hitsLink } from "./links";
import { State } from "./State";

interface Props {
  condition?: ConditionInput | undefined;
  filter: HitFilterInput;
  /** Takes a rule, as the search that says the same; without it a click leads to the hits. */
  onRule?: (item: Item) => void;
}

const SHOWN = 20;

/** The rules that have hit most, of those events only that fulfil the condition. */
export function RuleHits({ condition, filter, onRule }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const variables = { condition, filter, first: SHOWN };
  const [{ data, error, fetching }, reload] = useQuery({ query: RuleHitsDocument, variables });
  const hits = data?.ruleHits;
  return (
    <>
      <State loading={fetching && !hits} error={error} empty={!hits} nothing={null} retry={() => reload()} />
      {hits?.items.length === 0 && <div className="dim">{t("ruleHits.nothing")}</div>}
      <ul className="rulehits" aria-busy={fetching && !!hits}>
        {hits?.items.map(({ ruleId, rule, count, condition: said }) => {
          const title = rule?.title ?? ruleId;
          return (
            <li key={ruleId}>
              {rule && <Level level={rule.level} />}
              {onRule && said ? (
                <button
                  type="button"
                  className="plain cut"
                  title={t("ruleHits.add", { title })}
                  onClick={() => onRule(fromInput(said as ConditionInput))}
                >
                  {title}
                </button>
              ) : (
                <Link className="cut" title={title} href={hitsLink(ruleId, filter.host ?? undefined)}>
                  {title}
                </Link>
              )}
              <span className="num dim">{number(count)}</span>
            </li>
          );
        })}
      </ul>
      {hits && hits.leftOut > 0 && (
        <div className="dim">
          {t("ruleHits.leftOut", { count: hits.leftOut, number: number(hits.leftOut) })}
        </div>
      )}
      {hits && hits.lookedAt < hits.total.value && (
        <div className="dim">
          {t("ruleHits.part", { seen: number(hits.lookedAt), total: number(hits.total.value) })}
        </div>
      )}
    </>
  );
}

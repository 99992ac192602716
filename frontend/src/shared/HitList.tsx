import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { useClock } from "./clock";
import { activityOf } from "./entity";
import { useNumber } from "./format";
import { Level } from "./Level";
import { searchLink } from "./links";

interface Hit {
  id: string;
  ruleId: string;
  ruleTitle: string;
  level: string;
  time: string;
  eventId: string;
}

/** The hits of a process by rule, newest first; a rule leads to the event that it has hit last. */
export function HitList({ hits, guid }: { hits: Hit[]; guid: string | undefined }) {
  const { t } = useTranslation();
  const clock = useClock();
  const number = useNumber();
  const rules = new Map<string, { last: Hit; count: number }>();
  for (const hit of hits) {
    const known = rules.get(hit.ruleId);
    if (!known) rules.set(hit.ruleId, { last: hit, count: 1 });
    else
      rules.set(hit.ruleId, { last: hit.time > known.last.time ? hit : known.last, count: known.count + 1 });
  }
  return (
    <ul className="plainlist hitlist" aria-label={t("process.hits")}>
      {[...rules.values()].map(({ last, count }) => (
        <li key={last.id}>
          <Level level={last.level} />{" "}
          {guid ? (
            <Link href={searchLink(activityOf(guid), undefined, last.eventId)}>{last.ruleTitle}</Link>
          ) : (
            last.ruleTitle
          )}{" "}
          {count > 1 && <b className="num">× {number(count)}</b>}{" "}
          <span className="dim mono nowrap">
            {clock.time(last.time)} {clock.label}
          </span>
        </li>
      ))}
    </ul>
  );
}

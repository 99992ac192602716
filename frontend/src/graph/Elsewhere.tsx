import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { Link } from "wouter";
import {
  type ConditionInput,
  HostsOfDocument,
  type NodePartsFragment,
  type PeriodInput,
} from "../api/generated";
import { useNumber } from "../shared/format";
import { hostLink, searchLink } from "../shared/links";
import type { Period } from "../shared/period";
import { State } from "../shared/State";
import { searchFor } from "./conditions";
import { CHOICES, upTo } from "./reading";
import type { GraphState } from "./useGraph";

/** Hosts with events of a hash, address, domain or user, counted by the event store. */
export function HostsOf({
  condition,
  period,
  span,
}: {
  condition: ConditionInput | undefined;
  period: PeriodInput | undefined;
  span: Period;
}) {
  const { t } = useTranslation();
  const number = useNumber();
  const [{ data, error, fetching }, reload] = useQuery({
    query: HostsOfDocument,
    variables: { condition, period },
  });
  const terms = data?.terms;
  return (
    <section aria-label={t("graph.hosts")}>
      <h2>
        {t("graph.hosts")} {terms && number(terms.distinct)}
      </h2>
      <State
        loading={fetching}
        error={error}
        empty={!terms?.values.length}
        nothing={t("reason.NO_DATA")}
        retry={() => reload()}
      />
      {terms && terms.values.length > 0 && (
        <table className="dense">
          <thead>
            <tr>
              <th scope="col">{t("column.host")}</th>
              <th scope="col" className="num">
                {t("graph.events")}
              </th>
            </tr>
          </thead>
          <tbody>
            {terms.values.map(({ value, count }) => (
              <tr key={value}>
                <td>
                  <Link href={hostLink(value, span)}>{value}</Link>
                </td>
                <td className="num">{number(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {terms && terms.distinct > terms.values.length && (
        <div className="dim">{t("graph.leftOut", { count: terms.distinct - terms.values.length })}</div>
      )}
    </section>
  );
}

interface Props {
  of: NodePartsFragment;
  found: NodePartsFragment[];
  graph: GraphState;
  span: Period;
  onSelect: (id: string) => void;
}

/** The file, pipe or key of the same name on other hosts: each can be drawn beside this one. */
export function Elsewhere({ of, found, graph, span, onSelect }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const { shown, more } = upTo(CHOICES, found);
  const search = searchFor(of);
  const draw = (node: NodePartsFragment) => {
    graph.drawChain(["beside", of.id, node.id], [of, node]);
    onSelect(node.id);
  };
  return (
    <section aria-label={t("graph.elsewhere")}>
      <h2>
        {t("graph.elsewhere")} {more ? t("graph.moreThan", { count: shown.length }) : number(shown.length)}
      </h2>
      {more && (
        <div className="dim">
          {t("graph.moreElsewhere", { count: shown.length })}{" "}
          {search && (
            <Link className="inline" href={searchLink(search, span)}>
              {t("graph.searchAll")}
            </Link>
          )}
        </div>
      )}
      <ul className="plainlist">
        {shown.map((node) => (
          <li key={node.id} className="row">
            {node.host}
            <Button
              className="push"
              size="compact-xs"
              variant="default"
              disabled={graph.drawing.nodes.has(node.id)}
              aria-label={t("graph.drawOf", { host: node.host ?? "" })}
              onClick={() => draw(node)}
            >
              {t("graph.draw")}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

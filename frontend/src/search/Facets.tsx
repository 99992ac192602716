import { Autocomplete, CloseButton } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { useFields } from "../api/fields";
import { type ConditionInput, type PeriodInput, TermsDocument } from "../api/generated";
import { type Item, only } from "../shared/condition";
import { pathEnd, useNumber } from "../shared/format";
import type { Period } from "../shared/period";
import { RuleHits } from "../shared/RuleHits";
import { Scroll } from "../shared/Scroll";
import { State } from "../shared/State";
import { ValueButton } from "../shared/ValueMenu";

interface Props {
  condition: ConditionInput | undefined;
  period: PeriodInput | undefined;
  /** The period as the address has it. */
  shown: Period;
  /** Fields, as the address holds them. */
  fields: string[];
  onFields: (fields: string[]) => void;
  onMatch: (item: Item) => void;
}

const SHOWN = 8;

/** The most frequent values of some fields over all events found; a click narrows the search. */
export function Facets({ fields, onFields, ...props }: Props) {
  const { t } = useTranslation();
  const known = useFields().filter((f) => !f.criterion);
  const [text, setText] = useState("");
  const add = (name: string) => {
    if (known.some((f) => f.name === name) && !fields.includes(name)) onFields([...fields, name]);
    setText("");
  };
  return (
    <Scroll className="facets" label={t("facets.name")}>
      <section className="facet" aria-label={t("ruleHits.name")}>
        <h2>{t("ruleHits.name")}</h2>
        <RuleHits condition={props.condition} filter={{ period: props.period }} onRule={props.onMatch} />
      </section>
      {fields.map((field) => (
        <Facet
          key={field}
          field={field}
          {...props}
          onRemove={() => onFields(fields.filter((f) => f !== field))}
        />
      ))}
      <Autocomplete
        m={8}
        aria-label={t("facets.add")}
        placeholder={t("facets.add")}
        value={text}
        onChange={setText}
        onOptionSubmit={add}
        onKeyDown={(e) => e.key === "Enter" && add(text)}
        data={[...new Set(known.map((f) => f.name))].filter((f) => !fields.includes(f))}
        maxDropdownHeight={240}
      />
    </Scroll>
  );
}

function Facet({
  field,
  condition,
  period,
  shown,
  onMatch,
  onRemove,
}: Omit<Props, "fields" | "onFields"> & { field: string; onRemove: () => void }) {
  const { t } = useTranslation();
  const number = useNumber();
  const [{ data, error, fetching }, reload] = useQuery({
    query: TermsDocument,
    variables: { field, condition, period, order: "TOP", first: SHOWN },
  });
  const terms = data?.terms;
  return (
    <section className="facet" aria-label={field} aria-busy={fetching && !!terms}>
      <div className="row" style={{ flexWrap: "nowrap" }}>
        <h2 className="cut">{field}</h2>
        <span className="dim push num">{terms && number(terms.distinct)}</span>
        <CloseButton size={24} aria-label={t("facets.remove", { field })} onClick={onRemove} />
      </div>
      <State
        loading={fetching && !terms}
        error={error}
        empty={!terms}
        nothing={null}
        retry={() => reload()}
      />
      {terms?.values.length === 0 && <div className="dim">{t("facets.nothing")}</div>}
      <ul>
        {terms?.values.map((term) => (
          <li key={term.value}>
            <button
              type="button"
              className="plain cut"
              title={term.value}
              onClick={() => onMatch(only(field, term.value))}
            >
              {pathEnd(term.value) || t("values.empty")}
            </button>
            <span className="num dim">{number(term.count)}</span>
            <ValueButton of={{ field, value: term.value }} period={shown} onMatch={onMatch} />
          </li>
        ))}
      </ul>
    </section>
  );
}

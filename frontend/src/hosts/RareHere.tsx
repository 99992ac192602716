import { Checkbox, NativeSelect } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { ValuesDocument } from "../api/generated";
import { conditionInput, match } from "../shared/condition";
import { useNumber } from "../shared/format";
import { type Period, periodInput } from "../shared/period";
import { State } from "../shared/State";
import { readValueSort, type ValueSort, ValuesTable, writeValueSort } from "../shared/ValuesTable";
import type { Change } from "./address";

const KINDS = {
  processes: ["Image"],
  pairs: ["ParentImage", "Image"],
  images: ["ImageLoaded"],
  hashes: ["SHA256"],
  addresses: ["DestinationIp"],
  domains: ["QueryName"],
  files: ["TargetFilename"],
  registry: ["TargetObject"],
} as const;
type Kind = keyof typeof KINDS;
const KIND_NAMES = Object.keys(KINDS) as Kind[];
const SHOWN = 50;
const FEWEST_ELSEWHERE: ValueSort = { order: "BASELINE", descending: false };

interface Props {
  host: string;
  period: Period;
  /** Of the page. */
  params: URLSearchParams;
  onChange: (change: Change) => void;
}

/** What this host has and the others do not, or hardly. */
export function RareHere({ host, period, params, onChange }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const kind = KIND_NAMES.find((k) => k === params.get("rare")) ?? "processes";
  const onlyNew = params.get("everywhere") !== "1";
  const { order, descending } = readValueSort(params.get("sort"), FEWEST_ELSEWHERE);
  const fields = useMemo(() => [...KINDS[kind]], [kind]);
  const periodKey = JSON.stringify(period);
  const variables = useMemo(() => {
    const here = match("Computer", host);
    const within = periodInput(JSON.parse(periodKey));
    return {
      fields,
      condition: conditionInput(here),
      period: within,
      baseline: { condition: conditionInput({ ...here, not: true }), period: within },
      onlyNew,
      order,
      descending,
      first: SHOWN,
    };
  }, [fields, host, periodKey, onlyNew, order, descending]);
  const [{ data, error, fetching }, reload] = useQuery({ query: ValuesDocument, variables });
  const found = data?.values;
  return (
    <div className="stack">
      <div className="row">
        <NativeSelect
          aria-label={t("hosts.rareOf")}
          value={kind}
          onChange={(e) => onChange({ rare: e.currentTarget.value })}
          data={KIND_NAMES.map((k) => ({ value: k, label: t(`kinds.${k}`) }))}
        />
        <Checkbox
          label={t("hosts.onlyHere")}
          checked={onlyNew}
          onChange={(e) => onChange({ everywhere: e.currentTarget.checked ? null : "1" })}
        />
        {found && (
          <span className="dim" role="status">
            {t("values.distinct", { shown: number(found.values.length), total: number(found.distinct) })}
          </span>
        )}
      </div>
      <State
        loading={fetching}
        error={error}
        empty={!found || found.values.length === 0}
        nothing={t("hosts.nothingRare")}
        retry={() => reload()}
      />
      {found && found.values.length > 0 && (
        <div aria-busy={fetching}>
          <ValuesTable
            fields={fields}
            rows={found.values}
            columns={["firstSeen", "baseline", "baselineHosts"]}
            baselineName={t("hosts.elsewhere")}
            sort={{ order, descending }}
            onSort={(s) => onChange({ sort: writeValueSort(s) })}
            within={[match("Computer", host)]}
            period={period}
            whole
          />
        </div>
      )}
    </div>
  );
}

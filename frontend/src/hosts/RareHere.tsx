import { Checkbox, NativeSelect } from "@mantine/core";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { ValuesDocument } from "../api/generated";
import { conditionInput, match } from "../shared/condition";
import { useNumber } from "../shared/format";
import { type Period, periodInput } from "../shared/period";
import { State } from "../shared/State";
import { type ValueSort, ValuesTable } from "../shared/ValuesTable";

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
const SHOWN = 50;

/** What this host has and the others do not, or hardly. */
export function RareHere({ host, period }: { host: string; period: Period }) {
  const { t } = useTranslation();
  const number = useNumber();
  const [kind, setKind] = useState<Kind>("processes");
  const [onlyNew, setOnlyNew] = useState(true);
  const [sort, setSort] = useState<ValueSort>({ order: "BASELINE", descending: false });
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
      ...sort,
      first: SHOWN,
    };
  }, [fields, host, periodKey, onlyNew, sort]);
  const [{ data, error, fetching }, reload] = useQuery({ query: ValuesDocument, variables });
  const found = data?.values;
  return (
    <div className="stack">
      <div className="row">
        <NativeSelect
          aria-label={t("hosts.rareOf")}
          value={kind}
          onChange={(e) => setKind(e.currentTarget.value as Kind)}
          data={(Object.keys(KINDS) as Kind[]).map((k) => ({ value: k, label: t(`kinds.${k}`) }))}
        />
        <Checkbox
          label={t("hosts.onlyHere")}
          checked={onlyNew}
          onChange={(e) => setOnlyNew(e.currentTarget.checked)}
        />
        {found && (
          <span className="dim" role="status">
            {t("values.distinct", { shown: number(found.values.length), total: number(found.distinct) })}
          </span>
        )}
      </div>
      <State
        loading={fetching && !found}
        error={error}
        empty={!found || found.values.length === 0}
        nothing={t("hosts.nothingRare")}
        retry={() => reload()}
      />
      {found && found.values.length > 0 && (
        <ValuesTable
          fields={fields}
          rows={found.values}
          columns={["firstSeen", "baseline", "baselineHosts"]}
          baselineName={t("hosts.elsewhere")}
          sort={sort}
          onSort={setSort}
          within={[match("Computer", host)]}
          period={period}
          whole
        />
      )}
    </div>
  );
}

import { SegmentedControl } from "@mantine/core";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type CombinedError, type OperationResult, useQuery } from "urql";
import { client } from "../api/client";
import {
  type EdgeType,
  type NodeKind,
  type PeriodInput,
  ProcessCodesDocument,
  ProcessTouchedDocument,
  type ProcessTouchedQuery,
} from "../api/generated";
import { conditionInput } from "../shared/condition";
import { useNumber } from "../shared/format";
import { NodeIcon } from "../shared/Icon";
import { Scroll } from "../shared/Scroll";
import { State } from "../shared/State";
import { compare, filtered, plainGuid, type Touched } from "./activity";
import { FactValue, guidOf, type ProcessNode, useFacts } from "./Facts";

const PAGE = 500;
const PAGES = 8;

interface Read {
  touched: Touched[];
  total: number;
  loading: boolean;
  error?: CombinedError | undefined;
}

/** Everything that edges lead to from a process, up to a bound that is told. */
function useTouched(id: string, period: PeriodInput | undefined): [Read, () => void] {
  const [turn, setTurn] = useState(0);
  const [read, setRead] = useState<Read>({ touched: [], total: 0, loading: true });
  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` asks again.
  useEffect(() => {
    let stopped = false;
    setRead({ touched: [], total: 0, loading: true });
    void (async () => {
      let touched: Touched[] = [];
      let after: string | undefined;
      for (let page = 0; page < PAGES; page += 1) {
        const result: OperationResult<ProcessTouchedQuery> = await client
          .query(ProcessTouchedDocument, { id, period, first: PAGE, after })
          .toPromise();
        if (stopped) return;
        const found = result.data?.graphNode?.neighbours;
        if (!found) return setRead({ touched, total: touched.length, loading: false, error: result.error });
        touched = [
          ...touched,
          ...found.edges.map((e) => ({ type: e.edge.type, kind: e.node.kind, label: e.node.label })),
        ];
        after = (found.pageInfo.hasNextPage && found.pageInfo.endCursor) || undefined;
        setRead({ touched, total: found.total.value, loading: after !== undefined && page + 1 < PAGES });
        if (after === undefined) return;
      }
    })();
    return () => {
      stopped = true;
    };
  }, [id, period, turn]);
  return [read, () => setTurn((n) => n + 1)];
}

function useCodes(guid: string, period: PeriodInput | undefined) {
  const condition = conditionInput(filtered(plainGuid(guid), {}));
  const [{ data, error, fetching }, reload] = useQuery({
    query: ProcessCodesDocument,
    variables: { condition, period },
  });
  const codes = new Map(data?.summary.codes.map((c) => [c.code, c]));
  return { codes, known: data !== undefined, error, fetching, reload: () => reload() };
}

interface Props {
  first: ProcessNode;
  second: ProcessNode;
  /** The same object as long as it is the same period. */
  period: PeriodInput | undefined;
}

/** Two processes side by side: what they are, how much of what they did, and what each of them touched. */
export function Compare({ first, second, period }: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  const [show, setShow] = useState<"all" | "differences" | "shared">("differences");
  const [[a, readA], [b, readB]] = [useTouched(first.id, period), useTouched(second.id, period)];
  const [ofA, ofB] = [useCodes(guidOf(first), period), useCodes(guidOf(second), period)];
  const [codesA, codesB] = [ofA.codes, ofB.codes];
  const facts = useFacts();
  const byName = (of: ProcessNode) => new Map(facts(of).map((fact) => [fact.name, fact]));
  const [left, right] = [byName(first), byName(second)];
  const names = [...new Set([...left.keys(), ...right.keys()])];
  const lines = names.map((name) => [name, left.get(name), right.get(name)] as const);
  const touched = useMemo(() => compare(a.touched, b.touched), [a.touched, b.touched]);
  const shown = touched.filter((c) => show === "all" || (show === "shared") === (c.first && c.second));
  const codes = [...new Set([...codesA.keys(), ...codesB.keys()])].sort((x, y) => x - y);
  const yes = (is: boolean) => (
    <>
      <span aria-hidden="true">{is ? "●" : "–"}</span>
      <span className="unseen">{is ? t("process.yes") : t("process.no")}</span>
    </>
  );
  return (
    <Scroll label={t("process.comparison")} style={{ overflow: "auto", flex: 1 }}>
      <table className="dense compared">
        <caption className="pad" style={{ textAlign: "left" }}>
          {t("process.facts")}
        </caption>
        <thead>
          <tr>
            <th scope="col">{t("process.field")}</th>
            <th scope="col" style={{ width: "42%" }}>
              {first.label}
            </th>
            <th scope="col" style={{ width: "42%" }}>
              {second.label}
            </th>
          </tr>
        </thead>
        <tbody>
          {lines.map(([name, x, y]) => (
            <tr key={name} className={x?.value === y?.value ? undefined : "differs"}>
              <th scope="row" style={{ position: "static" }}>
                {name}
              </th>
              <td className="mono wrap acting">
                <FactValue fact={x} of={first} />
              </td>
              <td className="mono wrap acting">
                <FactValue fact={y} of={second} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <table className="dense">
        <caption className="pad" style={{ textAlign: "left" }}>
          {t("process.codes")}
        </caption>
        <thead>
          <tr>
            <th scope="col">{t("column.code")}</th>
            <th scope="col" className="num">
              {t("process.first")}
            </th>
            <th scope="col" className="num">
              {t("process.second")}
            </th>
          </tr>
        </thead>
        <tbody>
          {codes.map((code) => {
            const [x, y] = [codesA.get(code), codesB.get(code)];
            return (
              <tr key={code} className={ofA.known && ofB.known && (!x || !y) ? "differs" : undefined}>
                <td>
                  {code} {(x ?? y)?.name}
                </td>
                <td className="num">{ofA.known ? number(x?.count ?? 0) : "?"}</td>
                <td className="num">{ofB.known ? number(y?.count ?? 0) : "?"}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <State
        loading={ofA.fetching || ofB.fetching}
        error={ofA.error ?? ofB.error}
        empty={!ofA.known || !ofB.known || codes.length === 0}
        nothing={t("process.noCodes")}
        retry={() => {
          if (ofA.error) ofA.reload();
          if (ofB.error) ofB.reload();
        }}
      />
      <div className="row pad">
        <h2>{t("process.behaviour")}</h2>
        <SegmentedControl
          aria-label={t("process.show")}
          value={show}
          onChange={(value) => setShow(value as typeof show)}
          data={[
            { value: "differences", label: t("process.differences") },
            { value: "shared", label: t("process.shared") },
            { value: "all", label: t("process.all") },
          ]}
        />
        <span role="status" className="dim">
          {t("page.shown", { shown: number(shown.length), total: number(touched.length) })}
        </span>
      </div>
      {[a, b].map(
        (read, i) =>
          !read.loading &&
          read.total > read.touched.length && (
            <div key={i === 0 ? first.id : second.id} className="notice">
              {t("process.readFirst", { count: read.touched.length, total: number(read.total) })}
            </div>
          ),
      )}
      <State
        loading={a.loading || b.loading}
        error={a.error ?? b.error}
        empty={shown.length === 0}
        nothing={t(`process.touchedNothing.${touched.length === 0 ? "all" : show}`)}
        retry={() => {
          if (a.error) readA();
          if (b.error) readB();
        }}
      />
      {shown.length > 0 && (
        <table className="dense">
          <thead>
            <tr>
              <th scope="col">{t("graph.relation")}</th>
              <th scope="col">{t("graph.label")}</th>
              <th scope="col">{t("process.inFirst")}</th>
              <th scope="col">{t("process.inSecond")}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((c) => (
              <tr key={`${c.type} ${c.kind} ${c.label}`}>
                <td style={{ whiteSpace: "nowrap" }}>{t(`edge.${c.type as EdgeType}`)}</td>
                <td className="mono wrap">
                  <NodeIcon kind={c.kind as NodeKind} size={14} /> {c.label}
                </td>
                <td>{yes(c.first)}</td>
                <td>{yes(c.second)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Scroll>
  );
}

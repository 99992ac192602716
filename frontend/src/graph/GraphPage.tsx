import "./graph.css";
import {
  ActionIcon,
  Button,
  SegmentedControl,
  TextInput,
  Tooltip,
  useComputedColorScheme,
} from "@mantine/core";
import { type FormEvent, useCallback, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "wouter";
import type { NodeKind } from "../api/generated";
import { NODE_COLOURS } from "../shared/colours";
import { baseName, useNumber, utc } from "../shared/format";
import { Icon, NodeIcon } from "../shared/Icon";
import { PeriodPicker } from "../shared/PeriodPicker";
import { periodInput, readPeriod, writePeriod } from "../shared/period";
import { State } from "../shared/State";
import { Canvas, type CanvasHandle } from "./Canvas";
import { Details } from "./Details";
import type { DrawnNode } from "./model";
import { Twin } from "./Twin";
import { useDrawing } from "./useDrawing";

/** A process with its chain, or the processes of a host; every node opens its neighbours. */
export default function GraphPage() {
  const { t } = useTranslation();
  const number = useNumber();
  const dark = useComputedColorScheme("dark") === "dark";
  const [params, setParams] = useSearchParams();
  const start = {
    node: params.get("node") ?? undefined,
    guid: params.get("guid") ?? undefined,
    host: params.get("host") ?? undefined,
  };
  const period = readPeriod(params);
  const periodKey = JSON.stringify(period);
  const during = useMemo(() => periodInput(JSON.parse(periodKey)), [periodKey]);
  const graph = useDrawing(start, during);
  const { drawing, origin, around, expand } = graph;
  const [chosen, setChosen] = useState<{ of: string | undefined; id: string | undefined }>();
  const selected = chosen && chosen.of === origin ? chosen.id : origin;
  const select = useCallback((id: string | undefined) => setChosen({ of: origin, id }), [origin]);
  const [view, setView] = useState("graph");
  const [find, setFind] = useState("");
  const [typed, setTyped] = useState("");
  const canvas = useRef<CanvasHandle>(null);

  const found = useMemo(() => {
    const needle = find.trim().toLowerCase();
    if (!needle) return undefined;
    const matching = [...drawing.nodes.values()].filter(
      (n) =>
        n.label.toLowerCase().includes(needle) ||
        n.properties.some((p) => p.value.toLowerCase().includes(needle)),
    );
    return new Set(matching.map((n) => n.id));
  }, [find, drawing]);

  const badge = useCallback(
    (id: string) => {
      const count = around.get(id)?.degrees.reduce((sum, d) => sum + d.total, 0);
      return count === undefined ? undefined : t("graph.badge", { count });
    },
    [around, t],
  );
  const caption = useCallback(
    (node: DrawnNode) => {
      const how =
        node.kind === "PROCESS" ? utc(node.firstSeen, false).slice(11) : node.via && t(`edge.${node.via}`);
      const worst = around.get(node.id)?.worst;
      return {
        name: baseName(node.label),
        full: node.label,
        second: [how, badge(node.id)].filter(Boolean).join(" · "),
        hit: worst && `--level-${worst}`,
      };
    },
    [around, badge, t],
  );
  const expandAll = useCallback(
    (id: string) => {
      select(id);
      void expand(id);
    },
    [expand, select],
  );

  function openGuid(event: FormEvent) {
    event.preventDefault();
    const text = typed.trim();
    if (text) setParams({ guid: text.startsWith("{") ? text : `{${text}}` });
  }
  const findNext = () => {
    const first = found?.values().next().value;
    if (first) {
      select(first);
      canvas.current?.show(first);
    }
  };
  const kinds = (Object.keys(NODE_COLOURS) as NodeKind[]).filter((k) =>
    [...drawing.nodes.values()].some((n) => n.kind === k),
  );
  const isEmpty = drawing.nodes.size === 0;
  const asked = start.node || start.guid || start.host;
  const nothing = !asked
    ? t("graph.start")
    : graph.reason === "GONE"
      ? t("graph.gone")
      : graph.reason
        ? t(`reason.${graph.reason}`)
        : t("reason.NO_DATA");

  return (
    <>
      <header className="head">
        <h1>{t("pages.graph")}</h1>
        {start.host && <span className="chip">{t("graph.treeOf", { host: start.host })}</span>}
        <SegmentedControl
          aria-label={t("graph.view")}
          value={view}
          onChange={setView}
          data={[
            { value: "graph", label: t("graph.asGraph") },
            { value: "table", label: t("graph.asTable") },
          ]}
        />
        <TextInput
          w={170}
          aria-label={t("graph.find")}
          placeholder={t("graph.find")}
          value={find}
          onChange={(e) => setFind(e.currentTarget.value)}
          onKeyDown={(e) => e.key === "Enter" && findNext()}
          rightSection={found && <span className="dim">{found.size}</span>}
        />
        <form onSubmit={openGuid}>
          <TextInput
            w={200}
            ff="monospace"
            aria-label={t("graph.openGuid")}
            placeholder="ProcessGuid"
            value={typed}
            onChange={(e) => setTyped(e.currentTarget.value)}
          />
        </form>
        <PeriodPicker
          value={period}
          onChange={(p) =>
            setParams((old) => {
              const next = new URLSearchParams(old);
              writePeriod(p, next);
              return next;
            })
          }
        />
        {view === "graph" && (
          <div className="row push" style={{ gap: 2 }}>
            <Tooltip label={t("graph.zoomIn")}>
              <ActionIcon onClick={() => canvas.current?.zoom(1.5)} aria-label={t("graph.zoomIn")}>
                <Icon name="plus" />
              </ActionIcon>
            </Tooltip>
            <Tooltip label={t("graph.zoomOut")}>
              <ActionIcon onClick={() => canvas.current?.zoom(1 / 1.5)} aria-label={t("graph.zoomOut")}>
                <Icon name="minus" />
              </ActionIcon>
            </Tooltip>
            <Tooltip label={t("graph.fit")}>
              <ActionIcon onClick={() => canvas.current?.fit()} aria-label={t("graph.fit")}>
                <Icon name="fit" />
              </ActionIcon>
            </Tooltip>
          </div>
        )}
      </header>
      <div className="split">
        <div className="main">
          <State loading={graph.loading} error={graph.error} empty={isEmpty} nothing={nothing} />
          {!isEmpty && view === "graph" && (
            <Canvas
              ref={canvas}
              drawing={drawing}
              selected={selected}
              found={found}
              caption={caption}
              origin={origin}
              dark={dark}
              onSelect={select}
              onExpand={expandAll}
            />
          )}
          {!isEmpty && view === "table" && (
            <Twin
              drawing={drawing}
              selected={selected}
              badge={badge}
              onSelect={select}
              onExpand={expandAll}
            />
          )}
          {!isEmpty && (
            <div className="legend">
              {kinds.map((kind) => (
                <span key={kind} className="row" style={{ gap: 4 }}>
                  <span className="disc" style={{ background: NODE_COLOURS[kind] }}>
                    <NodeIcon kind={kind} size={10} colour="#fff" />
                  </span>
                  {t(`node.${kind}`)}
                </span>
              ))}
              <span className="dim" style={{ marginLeft: "auto" }} role="status">
                {t("graph.size", { nodes: number(drawing.nodes.size), edges: number(drawing.edges.size) })}
                {graph.rest &&
                  graph.rest.shown < graph.rest.total &&
                  ` · ${t("graph.processes", { shown: number(graph.rest.shown), total: number(graph.rest.total) })}`}
              </span>
              {graph.rest?.cursor && graph.rest.shown < graph.rest.total && (
                <Button
                  size="compact-xs"
                  variant="default"
                  loading={graph.loading}
                  onClick={() => void graph.moreOfTree()}
                >
                  {t("page.more")}
                </Button>
              )}
            </div>
          )}
        </div>
        {selected && drawing.nodes.has(selected) && (
          <div className="side">
            <Details
              key={selected}
              id={selected}
              period={during}
              drawing={drawing}
              readings={graph.readings}
              onExpand={(id, edge, direction) => void expand(id, edge, direction)}
              onClose={() => select(undefined)}
            />
          </div>
        )}
      </div>
    </>
  );
}

import "./graph.css";
import { Button, SegmentedControl, TextInput, useComputedColorScheme } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { type FormEvent, type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useSearchParams } from "wouter";
import { errorText } from "../api/client";
import { useClock } from "../shared/clock";
import { useNumber } from "../shared/format";
import { PeriodPicker } from "../shared/PeriodPicker";
import { periodInput, readPeriod, writePeriod } from "../shared/period";
import { ShareButton } from "../shared/ShareButton";
import { Starts } from "../shared/Starts";
import { State } from "../shared/State";
import { moveStep } from "./again";
import { Canvas, type CanvasHandle } from "./Canvas";
import { Choices } from "./Choices";
import { useCaption } from "./caption";
import { download, toJson, toPng, toSvg } from "./export";
import { collapse, move, remove, unfold } from "./fold";
import { Help } from "./Help";
import { Legend } from "./Legend";
import { arrange } from "./model";
import { LAYOUTS, type Layout } from "./place";
import { Side } from "./Side";
import { readExploration, writeExploration } from "./steps";
import { litBy, TimeBrush } from "./TimeBrush";
import { Toolbar } from "./Toolbar";
import { Twin } from "./Twin";
import { useGraph } from "./useGraph";
import { usePaths } from "./usePaths";

const SETTLED_MS = 250;

/** A process with its chain, the processes of a host, or any node; every node opens its neighbours. */
export default function GraphPage() {
  const { t } = useTranslation();
  const clock = useClock();
  const number = useNumber();
  const dark = useComputedColorScheme("dark") === "dark";
  const [params, setParams] = useSearchParams();
  const [, navigate] = useLocation();
  const start = {
    node: params.get("node") ?? undefined,
    name: params.get("name") ?? params.get("guid") ?? undefined,
    host: params.get("host") ?? undefined,
  };
  const period = readPeriod(params);
  const periodKey = JSON.stringify(period);
  const during = useMemo(() => periodInput(JSON.parse(periodKey)), [periodKey]);
  const graph = useGraph(start, during);
  const { drawing, origin, around, expand, openGroup, splitGroup, change, undo, redo } = graph;
  const [chosen, setChosen] = useState<{ of: string | undefined; id: string | undefined }>();
  const [edge, setEdge] = useState<string>();
  const wanted = chosen && chosen.of === origin ? chosen.id : origin;
  // A group that was split goes on as the first of its parts.
  const selected =
    !wanted || drawing.nodes.has(wanted) || drawing.groups.has(wanted)
      ? wanted
      : [...drawing.groups.keys()].find((key) => key.startsWith(wanted));
  const select = useCallback(
    (id: string | undefined) => {
      setEdge(undefined);
      setChosen({ of: origin, id });
    },
    [origin],
  );
  // The address says how it is looked at when it is opened; from then on it follows.
  const [look] = useState(() => readExploration(location.hash).look);
  const [view, setView] = useState<string>(look.view ?? "graph");
  const [find, setFind] = useState(look.find ?? "");
  const [hits, setHits] = useState(look.hits ?? false);
  /** The rule whose hits are highlighted; any, when empty. */
  const [rule, setRule] = useState(look.rule ?? "");
  const [queries, setQueries] = useState(false);
  const [help, setHelp] = useState(false);
  const [brush, setBrush] = useState(look.brush);
  // Browsers refuse an address that changes with every move of a pointer.
  const [settled] = useDebouncedValue(brush, SETTLED_MS);
  const [typed, setTyped] = useState("");
  const canvas = useRef<CanvasHandle>(null);
  const finder = useRef<HTMLInputElement>(null);
  const twin = useRef<HTMLElement>(null);
  /** The view was changed by a key inside of it: the focus goes along. */
  const follow = useRef(false);
  useEffect(() => {
    if (!follow.current) return;
    follow.current = false;
    if (view === "table") twin.current?.focus();
    else canvas.current?.focus();
  }, [view]);
  const paths = usePaths(graph, during);
  const shown = JSON.stringify(start);
  const wasShown = useRef(shown);
  useEffect(() => {
    // Another graph has other times.
    if (wasShown.current !== shown) setBrush(undefined);
    wasShown.current = shown;
  }, [shown]);
  const { ready } = graph;
  const { hash, held } = useMemo(() => {
    const at = selected === origin ? undefined : selected;
    return writeExploration(drawing.steps, {
      at,
      find,
      hits,
      rule,
      brush: settled,
      view: view === "table" ? "table" : "graph",
    });
  }, [drawing.steps, selected, origin, find, hits, rule, settled, view]);
  const leaving = useRef(false);
  useEffect(() => {
    if (ready && !leaving.current)
      history.replaceState(history.state, "", location.pathname + location.search + hash);
  }, [ready, hash]);
  useEffect(() => {
    // Another exploration of the same graph, pasted into the address: the browser loads nothing by itself.
    const pasted = ({ oldURL, newURL }: HashChangeEvent) => {
      if (oldURL.split("#")[0] !== newURL.split("#")[0]) return;
      leaving.current = true;
      history.replaceState(history.state, "", newURL);
      location.reload();
    };
    window.addEventListener("hashchange", pasted);
    return () => window.removeEventListener("hashchange", pasted);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what the address has said is chosen by it.
  useEffect(() => {
    if (ready && look.at && (drawing.nodes.has(look.at) || drawing.groups.has(look.at))) select(look.at);
  }, [ready]);

  const found = useMemo(() => {
    const needle = find.trim().toLowerCase();
    if (!needle) return undefined;
    const matching = [...drawing.nodes.values()].filter(
      (n) =>
        n.label.toLowerCase().includes(needle) ||
        n.properties.some((p) => p.value.toLowerCase().includes(needle)),
    );
    return matching.map((n) => n.id);
  }, [find, drawing]);
  /** What is highlighted: what every choice that was made leaves. */
  const lit = useMemo(() => {
    const sets: ReadonlySet<string>[] = [];
    if (found) sets.push(new Set(found));
    const isHit = (id: string) => (rule ? around.get(id)?.rules.has(rule) : around.get(id)?.worst);
    if (hits) sets.push(new Set([...drawing.nodes.keys()].filter(isHit)));
    if (brush) sets.push(litBy(drawing, brush));
    if (paths.nodes) sets.push(paths.nodes);
    const [first, ...others] = sets;
    return first && new Set([...first].filter((id) => others.every((s) => s.has(id))));
  }, [found, hits, rule, brush, paths.nodes, drawing, around]);

  /** Rules that have hit what is drawn: title and number of nodes, by id. */
  const rules = useMemo(() => {
    const all = new Map<string, { title: string; count: number }>();
    for (const id of drawing.nodes.keys())
      for (const [of, title] of around.get(id)?.rules ?? [])
        all.set(of, { title, count: (all.get(of)?.count ?? 0) + 1 });
    return all;
  }, [drawing.nodes, around]);

  const badge = useCallback(
    (id: string) => {
      const put = drawing.collapsed.get(id);
      if (put) return t("graph.hidden", { count: put.nodes.size + put.groups.size });
      const count = around.get(id)?.degrees.reduce((sum, d) => sum + d.total, 0);
      return count === undefined ? undefined : t("graph.badge", { count });
    },
    [around, drawing.collapsed, t],
  );
  // A path is seen as a whole.
  useEffect(() => {
    if (paths.nodes) canvas.current?.fit(paths.nodes);
  }, [paths.nodes]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is chosen later does not lead away from where one looks.
  useEffect(() => {
    if (hits && lit) canvas.current?.reveal(lit);
  }, [hits, rule]);
  const caption = useCaption(drawing, around, badge);
  /** What is chosen, for those who cannot see it. */
  const spoken = useMemo(() => {
    const [node, group] = [drawing.nodes.get(selected ?? ""), drawing.groups.get(selected ?? "")];
    if (node) return [node.label, t(`node.${node.kind}`), badge(node.id)].filter(Boolean).join(", ");
    return group && [caption(group).full, t("graph.group")].join(", ");
  }, [drawing, selected, badge, caption, t]);
  const open = useCallback(
    (id: string) => {
      select(id);
      const group = drawing.groups.get(id);
      void (!group ? expand(id) : group.rest ? splitGroup(id, group.rest.by) : openGroup(id));
    },
    [drawing.groups, expand, openGroup, splitGroup, select],
  );
  const fold = (id: string) =>
    drawing.collapsed.has(id)
      ? change(["unfold", id], (d) => unfold(d, id))
      : change(["fold", id], (d) => collapse(d, id));
  const drop = (id: string) => {
    select(drawing.nodes.get(id)?.by ?? drawing.groups.get(id)?.by);
    change(["drop", id], (d) => remove(d, id));
  };
  const layOut = (layout: Layout, again = false) =>
    change([again ? "arrange" : "layout", layout], (d) => arrange(d, layout, again));
  const show = (id: string) => {
    select(id);
    canvas.current?.show(id);
  };
  const findNext = (step: number) => {
    if (!found || found.length === 0) return;
    const at = selected ? found.indexOf(selected) : -1;
    const next = found[(Math.max(at, step > 0 ? -1 : 0) + step + found.length) % found.length];
    if (next) show(next);
  };
  const exportAs = async (kind: "svg" | "png" | "json") => {
    const style = getComputedStyle(document.documentElement);
    const svg = () =>
      toSvg(
        drawing,
        (type) => t(`edge.${type as "SPAWNED"}`),
        (variable) => style.getPropertyValue(variable).trim(),
      );
    const name = `graph-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.${kind}`;
    if (kind === "json")
      download(name, new Blob([toJson(drawing, { ...start, period })], { type: "application/json" }));
    else if (kind === "svg") download(name, new Blob([svg()], { type: "image/svg+xml" }));
    else {
      const png = await toPng(svg());
      if (png) download(name, png);
    }
  };
  function onCommand(event: KeyboardEvent) {
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) {
      event.preventDefault();
      return key === "y" || event.shiftKey ? redo() : undo();
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const commands: Record<string, () => void> = {
      e: () => selected && open(selected),
      c: () => selected && fold(selected),
      delete: () => selected && drop(selected),
      z: () => (event.shiftKey ? redo() : undo()),
      y: redo,
      n: () => findNext(event.shiftKey ? -1 : 1),
      "/": () => finder.current?.focus(),
      p: () => selected && paths.choose(selected),
      l: () => layOut(LAYOUTS[(LAYOUTS.indexOf(drawing.layout) + 1) % LAYOUTS.length] ?? "tree"),
      h: () => setHits((on) => !on),
      t: () => {
        follow.current = true;
        setView(view === "table" ? "graph" : "table");
      },
      q: () => setQueries((on) => !on),
      "?": () => setHelp(true),
    };
    const command = commands[key];
    if (!command) return;
    event.preventDefault();
    command();
  }
  function openName(event: FormEvent) {
    event.preventDefault();
    const text = typed.trim();
    if (text) setParams({ name: text });
  }

  const isEmpty = drawing.nodes.size === 0;
  const asked = start.node || start.name || start.host;
  const nothing = !asked
    ? t("graph.start")
    : graph.reason === "GONE"
      ? t(start.name ? "graph.noName" : "graph.gone", { name: start.name })
      : t(`reason.${graph.reason ?? "NO_DATA"}`);

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
        <form onSubmit={openName}>
          <TextInput
            w={230}
            ff="monospace"
            aria-label={t("graph.openName")}
            placeholder={t("graph.openHint")}
            value={typed}
            onChange={(e) => setTyped(e.currentTarget.value)}
          />
        </form>
        <PeriodPicker
          value={period}
          onChange={(p) => {
            const next = new URLSearchParams(params);
            writePeriod(p, next);
            // What was opened is opened again, as it is in the other period.
            navigate(`/graph?${next}${hash}`);
          }}
        />
      </header>
      {!isEmpty && (
        <div className="head tools">
          <TextInput
            ref={finder}
            w={190}
            aria-label={t("graph.find")}
            placeholder={t("graph.find")}
            value={find}
            onChange={(e) => setFind(e.currentTarget.value)}
            onKeyDown={(e) => {
              if (e.key === "Enter") findNext(e.shiftKey ? -1 : 1);
              if (e.key === "Escape") {
                setFind("");
                canvas.current?.focus();
              }
            }}
            rightSection={found && <span className="dim">{number(found.length)}</span>}
          />
          <Toolbar
            layout={drawing.layout}
            onLayout={layOut}
            canUndo={graph.canUndo}
            canRedo={graph.canRedo}
            onUndo={undo}
            onRedo={redo}
            onZoom={(factor) => canvas.current?.zoom(factor)}
            onFit={() => canvas.current?.fit()}
            onPan={(x, y) => canvas.current?.pan(x, y)}
            onMove={selected ? (x, y) => canvas.current?.move(x, y) : undefined}
            hits={hits}
            onHits={() => setHits(!hits)}
            rules={rules}
            rule={rule}
            onRule={setRule}
            queries={queries}
            onQueries={() => setQueries(!queries)}
            onExport={(kind) => void exportAs(kind)}
            onHelp={() => setHelp(true)}
          />
          <div className="row push">
            <ShareButton
              note={
                held < drawing.steps.length
                  ? t("graph.shareNote", { held, all: drawing.steps.length })
                  : undefined
              }
            />
          </div>
        </div>
      )}
      <Help opened={help} onClose={() => setHelp(false)} />
      <div className="split">
        <div className="main">
          {graph.choices.length > 0 ? (
            <Choices found={graph.choices} span={period} />
          ) : (
            <State
              loading={graph.loading}
              error={graph.error}
              empty={isEmpty}
              nothing={nothing}
              retry={graph.reload}
            />
          )}
          {!asked && <Starts as="graph" />}
          {graph.missed > 0 && (
            <div className="notice" role="status">
              {t("graph.missed", { count: graph.missed, number: number(graph.missed) })}
            </div>
          )}
          {graph.uncounted && !isEmpty && (
            <div className="notice row" role="alert">
              {t("graph.uncounted")} {errorText(graph.uncounted)}
              <Button size="compact-xs" variant="default" onClick={graph.recount}>
                {t("state.retry")}
              </Button>
            </div>
          )}
          {!isEmpty && view === "graph" && (
            <>
              <Canvas
                ref={canvas}
                drawing={drawing}
                selected={selected}
                edge={edge}
                lit={lit}
                litEdges={paths.edges}
                caption={caption}
                origin={origin}
                dark={dark}
                onSelect={select}
                onSelectEdge={setEdge}
                onExpand={open}
                onMove={(id, place) => change(moveStep(id, place), (d) => move(d, id, place))}
                write={(time) => `${clock.time(time, false)} ${clock.label}`}
                onCommand={onCommand}
              />
              <span className="unseen" role="status">
                {spoken}
              </span>
            </>
          )}
          {!isEmpty && view === "table" && (
            <Twin
              ref={twin}
              drawing={drawing}
              around={around}
              lit={lit}
              selected={selected}
              badge={badge}
              onSelect={select}
              onSelectEdge={setEdge}
              onExpand={open}
              onCommand={onCommand}
            />
          )}
          {!isEmpty && <TimeBrush drawing={drawing} value={brush} onChange={setBrush} />}
          {!isEmpty && <Legend graph={graph} lit={lit} />}
        </div>
        <Side
          graph={graph}
          period={during}
          span={period}
          selected={selected}
          edge={edge}
          queries={queries}
          paths={paths}
          onQueries={() => setQueries(false)}
          onSelect={show}
          onClose={() => select(undefined)}
          onFold={fold}
          onRemove={drop}
        />
      </div>
    </>
  );
}

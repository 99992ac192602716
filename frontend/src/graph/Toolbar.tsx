import { ActionIcon, Menu, NativeSelect, SegmentedControl, Tooltip } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { LAYOUTS, type Layout } from "./place";

type IconName = Parameters<typeof Icon>[0]["name"];

interface Props {
  layout: Layout;
  onLayout: (layout: Layout, again?: boolean) => void;
  canUndo: boolean;
  canRedo: boolean;
  onUndo: () => void;
  onRedo: () => void;
  onZoom: (factor: number) => void;
  onFit: () => void;
  /** Looks further in that direction. */
  onPan: (x: number, y: number) => void;
  /** Moves what is chosen; absent when nothing is. */
  onMove: ((x: number, y: number) => void) | undefined;
  hits: boolean;
  onHits: () => void;
  rules: ReadonlyMap<string, { title: string; count: number }>;
  /** Rule whose hits are highlighted; any, when empty. */
  rule: string;
  onRule: (rule: string) => void;
  queries: boolean;
  onQueries: () => void;
  onExport: (kind: "svg" | "png" | "json") => void;
  onHelp: () => void;
}

const SIDES = [
  ["left", -1, 0],
  ["right", 1, 0],
  ["up", 0, -1],
  ["down", 0, 1],
] as const;

function Tool({
  name,
  icon,
  keys,
  onClick,
  disabled,
  pressed,
}: {
  name: string;
  icon: IconName;
  keys?: string;
  onClick: () => void;
  disabled?: boolean;
  pressed?: boolean;
}) {
  return (
    <Tooltip label={keys ? `${name} (${keys})` : name}>
      <ActionIcon
        onClick={onClick}
        disabled={disabled}
        aria-label={name}
        aria-keyshortcuts={keys}
        aria-pressed={pressed}
        variant={pressed ? "filled" : "subtle"}
      >
        <Icon name={icon} />
      </ActionIcon>
    </Tooltip>
  );
}

/** What can be done with the whole drawing. */
export function Toolbar(p: Props) {
  const { t } = useTranslation();
  const number = useNumber();
  return (
    <div className="row" role="toolbar" aria-label={t("graph.tools")} style={{ gap: 2 }}>
      <SegmentedControl
        aria-label={t("graph.layout")}
        value={p.layout}
        onChange={(value) => p.onLayout(value as Layout)}
        data={LAYOUTS.map((value) => ({ value, label: t(`graph.layouts.${value}`) }))}
      />
      <Tool name={t("graph.arrange")} icon="arrange" onClick={() => p.onLayout(p.layout, true)} />
      <Tool name={t("graph.undo")} icon="undo" keys="Z" onClick={p.onUndo} disabled={!p.canUndo} />
      <Tool name={t("graph.redo")} icon="redo" keys="Y" onClick={p.onRedo} disabled={!p.canRedo} />
      <Tool name={t("graph.hits")} icon="alerts" keys="H" onClick={p.onHits} pressed={p.hits} />
      {p.hits && (
        <NativeSelect
          w={170}
          aria-label={t("graph.ofRule")}
          value={p.rule}
          onChange={(e) => p.onRule(e.currentTarget.value)}
          data={[
            { value: "", label: t("graph.anyRule") },
            ...[...p.rules].map(([value, { title, count }]) => ({
              value,
              label: `${title} (${number(count)})`,
            })),
          ]}
        />
      )}
      <Tool name={t("graph.zoomIn")} icon="plus" keys="+" onClick={() => p.onZoom(1.5)} />
      <Tool name={t("graph.zoomOut")} icon="minus" keys="-" onClick={() => p.onZoom(1 / 1.5)} />
      <Tool name={t("graph.fit")} icon="fit" keys="F" onClick={p.onFit} />
      <Menu position="bottom-end" withinPortal closeOnItemClick={false}>
        <Menu.Target>
          <ActionIcon aria-label={t("graph.shift")} title={t("graph.shift")}>
            <Icon name="move" />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{t("graph.look")}</Menu.Label>
          {SIDES.map(([side, x, y]) => (
            <Menu.Item key={side} onClick={() => p.onPan(x, y)}>
              {t(`graph.side.${side}`)}
            </Menu.Item>
          ))}
          <Menu.Label>{t("graph.moveChosen")}</Menu.Label>
          {SIDES.map(([side, x, y]) => (
            <Menu.Item key={side} disabled={!p.onMove} onClick={() => p.onMove?.(x, y)}>
              {t(`graph.side.${side}`)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon aria-label={t("graph.export")} title={t("graph.export")}>
            <Icon name="export" />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {(["svg", "png", "json"] as const).map((kind) => (
            <Menu.Item key={kind} onClick={() => p.onExport(kind)}>
              {t(`graph.exports.${kind}`)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Tool name={t("graph.queries")} icon="code" keys="Q" onClick={p.onQueries} pressed={p.queries} />
      <Tool name={t("graph.help")} icon="question" keys="?" onClick={p.onHelp} />
    </div>
  );
}

import { ActionIcon, Menu } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { client, errorText } from "../api/client";
import { useFields } from "../api/fields";
import { FindNodesDocument, NodesOfValueDocument } from "../api/generated";
import { useSession } from "../api/session";
import { conditionInput, type Item, match, only } from "./condition";
import { useCopy } from "./copy";
import { isGuid, isInGraph, nodeOf } from "./entity";
import { Icon } from "./Icon";
import { carriersLink, graphLink, hostLink, newRuleLink, processLink, searchLink } from "./links";
import { type Period, periodInput } from "./period";

/** A value of an event, wherever it is shown. */
export interface Value {
  field: string;
  value: string;
  /** Host of the event, where there is one. */
  host?: string | undefined;
  /** The process that the event tells of, where there is one. */
  guid?: string | undefined;
}

interface Props {
  of: Value;
  period?: Period | undefined;
  /** Adds a row to the search in place; without it a new search is opened. */
  onMatch?: ((item: Item) => void) | undefined;
}

/** The way a condition names a field of an event. */
export function useRow() {
  const known = useFields();
  return (field: string, value: string) =>
    only(known.some((f) => f.name === field) ? field : `data.${field}`, value);
}

/** Everything that can be done with a value. */
function Items({ of: { field, value, host, guid }, period, onMatch }: Props) {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const [missing, setMissing] = useState<string>();
  const row = useRow()(field, value);
  const mayMakeRules = useSession()?.role !== "VIEWER";
  const copy = useCopy();
  const toProcess = isGuid(field) ? value : guid;
  const toHost = field === "Computer" ? value : host;

  async function openGraph() {
    const condition = conditionInput(row);
    const variables = { condition, period: period && periodInput(period) };
    const { data, error } = await client.query(NodesOfValueDocument, variables).toPromise();
    const event = data?.events.nodes[0];
    let node = nodeOf(event?.graphNodes ?? [], field, value);
    let failed = error;
    if (!node && event && !error) {
      // An event may name what it makes no node of, as the image of a parent: another event has.
      const named = await client.query(FindNodesDocument, { name: value, first: 100 }).toPromise();
      const there = named.data?.findNodes.filter((n) => !n.host || n.host === (host ?? event.host));
      node = nodeOf(there ?? [], field, value);
      failed = named.error;
    }
    if (node) go(graphLink(node.id));
    else setMissing(errorText(failed) ?? t("value.notInGraph"));
  }

  const item = (name: Parameters<typeof Icon>[0]["name"], text: string, act: () => void, stay = false) => (
    <Menu.Item leftSection={<Icon name={name} size={14} />} onClick={act} closeMenuOnClick={!stay}>
      {text}
    </Menu.Item>
  );
  return (
    <>
      <Menu.Label>
        {field}: <span className="mono">{value.length > 60 ? `${value.slice(0, 60)}…` : value}</span>
      </Menu.Label>
      {onMatch && item("plus", t("value.add"), () => onMatch(row))}
      {onMatch && item("minus", t("value.exclude"), () => onMatch({ ...row, not: true }))}
      {item("search", t("value.search"), () => go(searchLink(row, period)))}
      {mayMakeRules && item("rules", t("value.rule"), () => go(newRuleLink(row)))}
      {toProcess && item("process", t("value.process"), () => go(processLink(toProcess)))}
      {isInGraph(field) && item("graph", missing ?? t("value.graph"), () => void openGraph(), true)}
      {toHost && item("hosts", t("value.host", { host: toHost }), () => go(hostLink(toHost, period)))}
      {toHost &&
        item("table", t("value.events", { host: toHost }), () =>
          go(searchLink(match("Computer", toHost), period)),
        )}
      {!toHost && item("hosts", t("value.hosts"), () => go(carriersLink("Computer", row, period)))}
      {!toProcess &&
        item("process", t("value.processes"), () => go(carriersLink("Image+ProcessGuid", row, period)))}
      {item("copy", t("value.copy"), () => void copy(value))}
    </>
  );
}

/** A button that opens the menu of a value. */
export function ValueButton(props: Props) {
  const { t } = useTranslation();
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon aria-label={t("value.menu", { field: props.of.field, value: props.of.value })}>
          <Icon name="dots" size={14} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Items {...props} />
      </Menu.Dropdown>
    </Menu>
  );
}

/** The menu of a value at a place of the window, until it is closed. */
export function ValueMenuAt({
  at,
  onClose,
  ...props
}: Props & { at: { x: number; y: number }; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    // The key that opens it must not count as one outside of it.
    <Menu
      opened
      onClose={onClose}
      hideDetached={false}
      trapFocus
      clickOutsideEvents={["mousedown", "touchstart"]}
    >
      <Menu.Target>
        {/* biome-ignore lint/a11y/useFocusableInteractive: only the place of the menu. */}
        {/* biome-ignore lint/a11y/useSemanticElements: only the place of the menu. */}
        <span
          role="button"
          aria-label={t("value.menu", { field: props.of.field, value: props.of.value })}
          style={{ position: "fixed", left: at.x, top: at.y, width: 1, height: 1 }}
        />
      </Menu.Target>
      <Menu.Dropdown>
        <Items {...props} />
      </Menu.Dropdown>
    </Menu>
  );
}

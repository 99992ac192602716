import { ActionIcon, Button, Checkbox, Modal, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMutation, useQuery } from "urql";
import { Link } from "wouter";
import { refusal } from "../api/client";
import {
  type ConditionInput,
  DeleteSavedSearchDocument,
  SavedSearchesDocument,
  SaveSearchDocument,
} from "../api/generated";
import { useSession } from "../api/session";
import { conditionInput, fromInput, type Group } from "../shared/condition";
import { writeCondition } from "../shared/conditionText";
import { Icon } from "../shared/Icon";
import { searchLink } from "../shared/links";
import { useLength } from "../shared/PeriodPicker";
import type { Period } from "../shared/period";
import { State } from "../shared/State";

interface Props {
  /** The search in the address, or why it cannot be read. */
  condition: Group | undefined;
  wrong: string | undefined;
  period: Period;
}

/** Searches to come back to: one's own, and those that others share. */
export function Saved(props: Props) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  return (
    <>
      <Button variant="default" leftSection={<Icon name="star" size={14} />} onClick={() => setOpened(true)}>
        {t("saved.name")}
      </Button>
      <Modal
        opened={opened}
        onClose={() => setOpened(false)}
        title={t("saved.title")}
        size="lg"
        closeButtonProps={{ "aria-label": t("saved.close") }}
      >
        <Content {...props} onClose={() => setOpened(false)} />
      </Modal>
    </>
  );
}

function Content({ condition, wrong: unread, period, onClose }: Props & { onClose: () => void }) {
  const { t } = useTranslation();
  const length = useLength();
  const mayShare = useSession()?.role !== "VIEWER";
  const [{ data, error, fetching }, reload] = useQuery({ query: SavedSearchesDocument });
  const [saving, save] = useMutation(SaveSearchDocument);
  const [removing, remove] = useMutation(DeleteSavedSearchDocument);
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const [find, setFind] = useState("");
  const all = data?.savedSearches ?? [];
  const own = all.find((s) => s.own && s.name === name.trim());
  const wrong =
    refusal(saving.error, saving.data?.saveSearch.errors) ??
    refusal(removing.error, removing.data?.deleteSavedSearch.errors);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (!condition) return;
    const { last, from, to } = period;
    const input = {
      ...(own && { id: own.id }),
      name,
      shared,
      condition: conditionInput(condition),
      ...(last ? { last } : { period: { from, to } }),
    };
    const { data } = await save({ input });
    if (data?.saveSearch.search) setName("");
    reload({ requestPolicy: "network-only" });
  }
  async function drop(id: string) {
    await remove({ id });
    reload({ requestPolicy: "network-only" });
  }

  const low = find.toLowerCase();
  const shownPeriod = (s: (typeof all)[number]): Period =>
    s.last ? { last: s.last } : { ...(s.from && { from: s.from }), ...(s.to && { to: s.to }) };
  const list = all.map((s) => ({ ...s, group: fromInput(s.condition as ConditionInput | null) }));
  const found = list.filter((s) =>
    [s.name, s.owner, writeCondition(s.group)].some((text) => text.toLowerCase().includes(low)),
  );
  return (
    <div className="stack">
      <form className="row" onSubmit={submit} style={{ alignItems: "flex-end" }}>
        <TextInput
          style={{ flex: 1 }}
          label={t("saved.saveAs")}
          value={name}
          maxLength={200}
          data-autofocus
          onChange={(e) => setName(e.currentTarget.value)}
        />
        {mayShare && (
          <Checkbox
            label={t("saved.share")}
            checked={shared}
            mb={6}
            onChange={(e) => setShared(e.currentTarget.checked)}
          />
        )}
        <Button type="submit" disabled={!condition || name.trim() === ""} loading={saving.fetching}>
          {t(own ? "saved.replace" : "saved.save")}
        </Button>
      </form>
      {condition ? (
        <div className="mono wrap dim">{writeCondition(condition) || t("saved.everything")}</div>
      ) : (
        <div role="alert" style={{ color: "var(--level-critical)" }}>
          {unread}
        </div>
      )}
      {wrong && (
        <div role="alert" style={{ color: "var(--level-critical)" }}>
          {wrong}
        </div>
      )}
      {all.length > 6 && (
        <TextInput
          aria-label={t("saved.find")}
          placeholder={t("saved.find")}
          value={find}
          onChange={(e) => setFind(e.currentTarget.value)}
        />
      )}
      <State
        loading={fetching}
        error={error}
        empty={found.length === 0}
        nothing={t(all.length > 0 ? "saved.noneFits" : "saved.nothing")}
        retry={() => reload({ requestPolicy: "network-only" })}
      />
      <ul className="saved">
        {found.map((s) => (
          <li key={s.id}>
            <div style={{ flex: 1, minWidth: 0 }}>
              <Link href={searchLink(s.group, shownPeriod(s))} onClick={onClose}>
                {s.name}
              </Link>{" "}
              <span className="dim">
                {s.last && `· ${length(s.last)} `}
                {s.shared && `· ${t("saved.sharedBy", { name: s.owner })}`}
              </span>
              <div className="mono dim cut">{writeCondition(s.group) || t("saved.everything")}</div>
            </div>
            {s.own && (
              <ActionIcon aria-label={t("saved.delete", { name: s.name })} onClick={() => void drop(s.id)}>
                <Icon name="close" size={14} />
              </ActionIcon>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

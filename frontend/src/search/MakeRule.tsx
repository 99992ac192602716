import { Button, Modal, NativeSelect, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMutation } from "urql";
import { Link } from "wouter";
import { refusal } from "../api/client";
import { CreateRuleDocument } from "../api/generated";
import { useSession } from "../api/session";
import { LEVELS } from "../shared/colours";
import { conditionInput, type Group } from "../shared/condition";
import { writeCondition } from "../shared/conditionText";
import { Icon } from "../shared/Icon";
import { ruleLink } from "../shared/links";

interface Props {
  /** The search in the address. */
  condition: Group | undefined;
  opened: boolean;
  onOpen: (opened: boolean) => void;
}

/** The search as a rule that matches from now on. */
export function MakeRule({ condition, opened, onOpen }: Props) {
  const { t } = useTranslation();
  const input = condition && conditionInput(condition);
  if (useSession()?.role === "VIEWER") return null;
  return (
    <>
      <Button
        variant="default"
        leftSection={<Icon name="rules" size={14} />}
        disabled={!input}
        onClick={() => onOpen(true)}
      >
        {t("makeRule.name")}
      </Button>
      <Modal
        opened={opened && !!input}
        onClose={() => onOpen(false)}
        title={t("makeRule.title")}
        closeButtonProps={{ "aria-label": t("saved.close") }}
      >
        {condition && <Content condition={condition} />}
      </Modal>
    </>
  );
}

function Content({ condition }: { condition: Group }) {
  const { t } = useTranslation();
  const [title, setTitle] = useState("");
  const [level, setLevel] = useState<string>("medium");
  const [made, make] = useMutation(CreateRuleDocument);
  const rule = made.data?.createRule.rule;
  const wrong = refusal(made.error, made.data?.createRule.errors);

  function submit(event: FormEvent) {
    event.preventDefault();
    const input = conditionInput(condition);
    if (input) void make({ input: { condition: input, title, level } });
  }
  return (
    <form className="stack" onSubmit={submit}>
      <div className="mono wrap dim">{writeCondition(condition)}</div>
      <TextInput
        label={t("makeRule.of")}
        value={title}
        maxLength={200}
        data-autofocus
        onChange={(e) => setTitle(e.currentTarget.value)}
      />
      <NativeSelect
        label={t("alerts.level")}
        value={level}
        onChange={(e) => setLevel(e.currentTarget.value)}
        data={LEVELS.map((l) => ({ value: l, label: t(`level.${l}`) }))}
      />
      <div className="dim">{t("makeRule.hint")}</div>
      {wrong && (
        <div role="alert" style={{ color: "var(--level-critical)" }}>
          {wrong}
        </div>
      )}
      <div className="row" role="status">
        <Button type="submit" disabled={title.trim() === "" || !!rule} loading={made.fetching}>
          {t("makeRule.make")}
        </Button>
        {rule && <Link href={ruleLink(rule.ruleId)}>{t("makeRule.made", { title: rule.title })}</Link>}
      </div>
    </form>
  );
}

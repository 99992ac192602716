import {
  ActionIcon,
  Autocomplete,
  Button,
  NativeSelect,
  SegmentedControl,
  Textarea,
  TextInput,
} from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useFields } from "../api/fields";
import type { Operator } from "../api/generated";
import {
  CRITERIA,
  emptyGroup,
  emptyRow,
  type Group,
  type Item,
  OPERATORS,
  type Row,
  usualOperator,
} from "../shared/condition";
import { Icon } from "../shared/Icon";
import { MONO } from "../shared/theme";

interface Props {
  value: Group;
  onChange: (group: Group) => void;
}

/** The search as rows and nested groups. */
export function ConditionForm({ value, onChange }: Props) {
  // The list of suggestions refuses a name that stands in it twice.
  const fields = [...new Set(useFields().map((f) => f.name))].filter((name) => !CRITERIA.includes(name));
  return <GroupForm value={value} onChange={onChange} fields={fields} depth={0} />;
}

function GroupForm({
  value,
  onChange,
  onRemove,
  fields,
  depth,
}: Props & { onRemove?: () => void; fields: string[]; depth: number }) {
  const { t } = useTranslation();
  const replace = (index: number, item: Item | undefined) =>
    onChange({ ...value, items: value.items.flatMap((old, i) => (i === index ? (item ?? []) : old)) });
  const add = (item: Item) => onChange({ ...value, items: [...value.items, item] });

  return (
    <fieldset className={depth > 0 ? "group nested" : "group"} aria-label={t("search.group")}>
      <div className="row">
        {depth > 0 && <Not value={value.not} onChange={(not) => onChange({ ...value, not })} />}
        <SegmentedControl
          aria-label={t("search.join")}
          value={value.join}
          onChange={(join) => onChange({ ...value, join: join === "or" ? "or" : "and" })}
          data={[
            { value: "and", label: t("search.and") },
            { value: "or", label: t("search.or") },
          ]}
        />
        <Button variant="subtle" leftSection={<Icon name="plus" size={14} />} onClick={() => add(emptyRow())}>
          {t("search.addRow")}
        </Button>
        <Button
          variant="subtle"
          leftSection={<Icon name="plus" size={14} />}
          onClick={() => add({ ...emptyGroup([emptyRow()]), join: value.join === "and" ? "or" : "and" })}
        >
          {t("search.addGroup")}
        </Button>
        {onRemove && (
          <ActionIcon onClick={onRemove} aria-label={t("search.removeGroup")}>
            <Icon name="close" size={14} />
          </ActionIcon>
        )}
      </div>
      {value.items.map((item, index) => {
        const props = {
          onRemove: () => replace(index, undefined),
          fields,
        };
        return item.kind === "group" ? (
          <GroupForm
            key={place(index)}
            {...props}
            value={item}
            onChange={(i) => replace(index, i)}
            depth={depth + 1}
          />
        ) : (
          <RowForm key={place(index)} {...props} value={item} onChange={(i) => replace(index, i)} />
        );
      })}
    </fieldset>
  );
}

/** Rows have no identity but their place. */
const place = (index: number) => `row ${index}`;

interface RowProps {
  value: Row;
  onChange: (row: Row) => void;
  onRemove: () => void;
  fields: string[];
}

function RowForm({ value, onChange, onRemove, fields }: RowProps) {
  const { t } = useTranslation();
  const several = value.values.length > 1;
  return (
    <div className="row" style={{ flexWrap: "nowrap" }}>
      <Not value={value.not} onChange={(not) => onChange({ ...value, not })} />
      <Autocomplete
        aria-label={t("search.field")}
        style={{ flex: "0 1 170px", minWidth: 100 }}
        value={value.field}
        data={[
          { group: t("search.criteria"), items: CRITERIA },
          { group: t("search.fields"), items: fields },
        ]}
        maxDropdownHeight={320}
        comboboxProps={{ width: 260, position: "bottom-start" }}
        onChange={(field) =>
          onChange({ ...value, field, ...(value.values.length === 0 && { operator: usualOperator(field) }) })
        }
      />
      <NativeSelect
        aria-label={t("search.operator")}
        style={{ flex: "0 1 128px", minWidth: 90 }}
        value={value.operator}
        data={OPERATORS.map((o) => ({ value: o, label: t(`operator.${o}`) }))}
        onChange={(e) => onChange({ ...value, operator: e.currentTarget.value as Operator })}
      />
      {several ? (
        <Textarea
          aria-label={t("search.values")}
          style={{ flex: 1, minWidth: 120 }}
          styles={MONO}
          autosize
          maxRows={4}
          value={value.values.join("\n")}
          onChange={(e) => onChange({ ...value, values: e.currentTarget.value.split("\n") })}
        />
      ) : (
        <TextInput
          aria-label={t("search.value")}
          style={{ flex: 1, minWidth: 120 }}
          styles={MONO}
          disabled={value.operator === "EXISTS"}
          placeholder={t(placeholder(value.field))}
          value={value.values[0] ?? ""}
          onChange={(e) => onChange({ ...value, values: [e.currentTarget.value] })}
          onPaste={(e) => {
            // A pasted list means any of its lines.
            const lines = e.clipboardData
              .getData("text")
              .split(/\r?\n/)
              .map((l) => l.trim());
            const values = lines.filter((l) => l !== "");
            if (values.length < 2) return;
            e.preventDefault();
            onChange({ ...value, values });
          }}
        />
      )}
      {!several && value.operator !== "EXISTS" && (
        <ActionIcon
          onClick={() => onChange({ ...value, values: [value.values[0] ?? "", ""] })}
          aria-label={t("search.moreValues")}
          title={t("search.moreValues")}
        >
          <Icon name="more" size={14} />
        </ActionIcon>
      )}
      <ActionIcon onClick={onRemove} aria-label={t("search.removeRow")}>
        <Icon name="close" size={14} />
      </ActionIcon>
    </div>
  );
}

const EXAMPLES = ["ip", "port", "host", "process", "file", "registryKey", "registryValue", "hash"] as const;

function placeholder(field: string) {
  const known = EXAMPLES.find((e) => e === field);
  return known ? (`example.${known}` as const) : "search.value";
}

function Not({ value, onChange }: { value: boolean; onChange: (not: boolean) => void }) {
  const { t } = useTranslation();
  return (
    <Button
      variant={value ? "filled" : "default"}
      color={value ? "red.9" : undefined}
      px={8}
      style={{ flex: "none" }}
      aria-pressed={value}
      onClick={() => onChange(!value)}
    >
      {t("search.not")}
    </Button>
  );
}

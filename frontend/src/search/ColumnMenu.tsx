import { ActionIcon, Autocomplete, Button, Popover } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFields } from "../api/fields";
import { Icon } from "../shared/Icon";
import { isOwn, MAX_COLUMNS, OWN_COLUMNS } from "./columns";

interface Props {
  columns: string[];
  onChange: (columns: string[]) => void;
}

/** Which columns the table has, and in which order. */
export function ColumnMenu({ columns, onChange }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const fields = [...new Set(useFields().flatMap((f) => (f.criterion ? [] : f.name)))];
  const title = (name: string) => (isOwn(name) ? t(`column.${name}`) : name);
  // The list refuses a name that stands in it twice: an own column goes before the field of its name.
  const own = OWN_COLUMNS.map(title);
  const free = [...OWN_COLUMNS, ...fields.filter((f) => !own.includes(f))].filter(
    (n) => !columns.includes(n),
  );
  const add = (name: string) => {
    const found = free.find((f) => f === name || title(f) === name);
    if (found && columns.length < MAX_COLUMNS) onChange([...columns, found]);
    setText("");
  };
  const move = (index: number, by: number) => {
    const next = [...columns];
    const [name] = next.splice(index, 1);
    if (name) next.splice(index + by, 0, name);
    onChange(next);
  };
  return (
    <Popover position="bottom-end" shadow="md" trapFocus>
      <Popover.Target>
        <Button variant="default" leftSection={<Icon name="columns" size={14} />}>
          {t("columns.name")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown w={300} aria-label={t("columns.name")}>
        <ul className="columns">
          {columns.map((name, i) => (
            <li key={name}>
              <span className="cut">{title(name)}</span>
              <ActionIcon
                disabled={i < 2}
                aria-label={t("columns.left", { name: title(name) })}
                onClick={() => move(i, -1)}
              >
                <Icon name="less" size={12} />
              </ActionIcon>
              <ActionIcon
                disabled={i === 0 || i === columns.length - 1}
                aria-label={t("columns.right", { name: title(name) })}
                onClick={() => move(i, 1)}
              >
                <Icon name="more" size={12} />
              </ActionIcon>
              <ActionIcon
                disabled={name === "time"}
                aria-label={t("columns.remove", { name: title(name) })}
                onClick={() => onChange(columns.filter((c) => c !== name))}
              >
                <Icon name="close" size={12} />
              </ActionIcon>
            </li>
          ))}
        </ul>
        <Autocomplete
          aria-label={t("columns.add")}
          placeholder={t("columns.add")}
          value={text}
          onChange={setText}
          onOptionSubmit={add}
          onKeyDown={(e) => e.key === "Enter" && add(text)}
          data={free.map(title)}
          maxDropdownHeight={220}
          comboboxProps={{ withinPortal: false }}
          mt={6}
        />
        <Button variant="subtle" mt={6} onClick={() => onChange([...OWN_COLUMNS])}>
          {t("columns.reset")}
        </Button>
      </Popover.Dropdown>
    </Popover>
  );
}

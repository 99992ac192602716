import { Button, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { utc } from "./format";
import { type Period, PRESETS, parseTime } from "./period";

/** From and to as UTC text, or one of the presets. */
export function PeriodPicker({ value, onChange }: { value: Period; onChange: (period: Period) => void }) {
  const { t } = useTranslation();
  const all = !value.last && !value.from && !value.to;
  return (
    <fieldset
      className="row"
      style={{ border: 0, padding: 0, margin: 0, gap: 4 }}
      aria-label={t("period.name")}
    >
      <Button.Group>
        {PRESETS.map((preset) => (
          <Button
            key={preset}
            variant={value.last === preset ? "filled" : "default"}
            aria-pressed={value.last === preset}
            px={8}
            onClick={() => onChange({ last: preset })}
          >
            {t(`period.${preset}`)}
          </Button>
        ))}
        <Button variant={all ? "filled" : "default"} aria-pressed={all} px={8} onClick={() => onChange({})}>
          {t("period.all")}
        </Button>
      </Button.Group>
      <TimeInput
        label={t("period.from")}
        value={value.from}
        onChange={(from) => onChange({ to: value.to, from })}
      />
      <TimeInput
        label={t("period.to")}
        value={value.to}
        onChange={(to) => onChange({ from: value.from, to })}
      />
    </fieldset>
  );
}

const MONO = { input: { fontFamily: "var(--mono)" } };

interface TimeProps {
  label: string;
  value: string | undefined;
  onChange: (time: string | undefined) => void;
}

function TimeInput({ label, value, onChange }: TimeProps) {
  const { t } = useTranslation();
  const shown = utc(value).replace(/\.000$/, "");
  const [text, setText] = useState(shown);
  useEffect(() => setText(shown), [shown]);
  const wrong = text.trim() !== "" && !parseTime(text);
  const commit = () => {
    if (!wrong && text !== shown) onChange(parseTime(text));
  };
  return (
    <TextInput
      aria-label={`${label} (UTC)`}
      placeholder={t("period.placeholder")}
      leftSection={<span className="dim">{label}</span>}
      leftSectionWidth={42}
      rightSection={<span className="dim">UTC</span>}
      rightSectionWidth={36}
      w={236}
      styles={MONO}
      value={text}
      error={wrong ? t("period.wrong") : undefined}
      onChange={(e) => setText(e.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(e) => e.key === "Enter" && commit()}
    />
  );
}

import { Button, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useClock } from "./clock";
import { useNumber } from "./format";
import { type Period, PRESETS } from "./period";
import { MONO } from "./theme";

/** `24h` in the language of the page. */
export function useLength(): (length: string) => string {
  const { t } = useTranslation();
  const number = useNumber();
  return (length) => {
    const preset = PRESETS.find((p) => p === length);
    if (preset) return t(`period.${preset}`);
    const unit = UNIT_NAMES[length.at(-1) ?? ""];
    return unit ? t(unit, { shown: number(Number(length.slice(0, -1))) }) : length;
  };
}

const UNIT_NAMES: Record<string, "period.minutes" | "period.hours" | "period.days"> = {
  m: "period.minutes",
  h: "period.hours",
  d: "period.days",
};

interface Props {
  value: Period;
  onChange: (period: Period) => void;
  /** What the period is of, where there are two. */
  label?: string;
  /** Without the lengths that end now. */
  fixed?: boolean;
}

/** From and to as text in the zone chosen, or one of the presets. */
export function PeriodPicker({ value, onChange, label, fixed = false }: Props) {
  const { t } = useTranslation();
  const all = !value.last && !value.from && !value.to;
  const name = (end: string) => (label ? `${label}: ${end}` : end);
  return (
    <fieldset
      className="row"
      style={{ border: 0, padding: 0, margin: 0, gap: 4 }}
      aria-label={label ?? t("period.name")}
    >
      {label && <span className="dim">{label}</span>}
      {!fixed && (
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
      )}
      <div className="row" style={{ gap: 4 }}>
        <TimeInput
          label={t("period.from")}
          name={name(t("period.from"))}
          value={value.from}
          onChange={(from) => onChange({ to: value.to, from })}
        />
        <TimeInput
          label={t("period.to")}
          name={name(t("period.to"))}
          value={value.to}
          onChange={(to) => onChange({ from: value.from, to })}
        />
      </div>
    </fieldset>
  );
}

interface TimeProps {
  label: string;
  name: string;
  value: string | undefined;
  onChange: (time: string | undefined) => void;
}

function TimeInput({ label, name, value, onChange }: TimeProps) {
  const { t } = useTranslation();
  const clock = useClock();
  const shown = clock.time(value).replace(/\.000$/, "");
  const [text, setText] = useState(shown);
  useEffect(() => setText(shown), [shown]);
  const read = clock.read(text);
  const wrong = text.trim() !== "" && !read;
  const commit = () => {
    if (!wrong && text !== shown) onChange(read);
  };
  const zone = clock.zone === "utc" ? "UTC" : t("clock.localShort");
  return (
    <TextInput
      aria-label={`${name} (${clock.label})`}
      placeholder={t("period.placeholder")}
      leftSection={<span className="dim">{label}</span>}
      leftSectionWidth={42}
      rightSection={
        <span className="dim" title={clock.label}>
          {zone}
        </span>
      }
      rightSectionWidth={40}
      w={258}
      styles={MONO}
      value={text}
      error={wrong ? t("period.wrong") : undefined}
      onChange={(e) => setText(e.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(e) => e.key === "Enter" && commit()}
    />
  );
}

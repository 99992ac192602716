import { useTranslation } from "react-i18next";
import { LEVELS, levelColour } from "./colours";

/** Level of a Sigma rule, by word and colour. */
export function Level({ level }: { level: string }) {
  const { t } = useTranslation();
  const known = LEVELS.find((l) => l === level);
  return (
    <span className="level" style={{ color: levelColour(level) }}>
      {known ? t(`level.${known}`) : level || "-"}
    </span>
  );
}

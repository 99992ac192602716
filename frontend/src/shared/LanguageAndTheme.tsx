import { useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { setZone, useClock } from "./clock";
import { Icon } from "./Icon";

/** In the rail and on the log-in page. */
export function LanguageAndTheme() {
  const { t, i18n } = useTranslation();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("dark");
  const clock = useClock();
  const other = i18n.language === "ja" ? "en" : "ja";
  return (
    <>
      <button type="button" className="item" lang={other} onClick={() => i18n.changeLanguage(other)}>
        <span aria-hidden="true" style={{ fontSize: 14, fontWeight: 650 }}>
          {other === "ja" ? "あ" : "A"}
        </span>
        {other === "ja" ? "日本語" : "English"}
      </button>
      <button
        type="button"
        className="item"
        onClick={() => setZone(clock.zone === "utc" ? "local" : "utc")}
        title={t(clock.zone === "utc" ? "clock.toLocal" : "clock.toUtc", { zone: clock.label })}
      >
        <Icon name="clock" size={18} />
        {clock.zone === "utc" ? "UTC" : t("clock.local")}
      </button>
      <button
        type="button"
        className="item"
        onClick={() => setColorScheme(scheme === "dark" ? "light" : "dark")}
        title={t(scheme === "dark" ? "app.toLight" : "app.toDark")}
      >
        <Icon name="theme" size={18} />
        {t(scheme === "dark" ? "app.light" : "app.dark")}
      </button>
    </>
  );
}

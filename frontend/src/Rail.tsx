import { useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { useHitStream } from "./alerts/stream";
import { client } from "./api/client";
import { LogoutDocument } from "./api/generated";
import { endSession, type Session } from "./api/session";
import { Icon } from "./shared/Icon";

const PAGES = ["search", "alerts", "statistics", "hosts", "graph", "rules", "imports"] as const;

export function Rail({ session }: { session: Session }) {
  const { t } = useTranslation();
  const [path] = useLocation();
  const { unseen } = useHitStream();

  async function logOut() {
    await client.mutation(LogoutDocument, {}).toPromise();
    endSession();
  }

  return (
    <nav className="rail" aria-label={t("app.pages")}>
      <div className="brand">
        <img src="/icon.svg" width={30} height={30} alt="SysmonSearch" />
      </div>
      {PAGES.map((page) => (
        <Link key={page} href={`/${page}`} aria-current={path === `/${page}` ? "page" : undefined}>
          <Icon name={page} size={20} />
          {t(`pages.${page}`)}
          {page === "alerts" && unseen > 0 && (
            <span className="count">
              {unseen > 99 ? "99+" : unseen}
              <span className="skip">{t("alerts.unseen")}</span>
            </span>
          )}
        </Link>
      ))}
      <div className="foot">
        <LanguageAndTheme />
        <button
          type="button"
          className="item"
          onClick={logOut}
          title={t("app.logOutOf", { name: session.name })}
        >
          <Icon name="logout" size={18} />
          {t("app.logOut")}
        </button>
      </div>
    </nav>
  );
}

/** Also on the log-in page. */
export function LanguageAndTheme() {
  const { t, i18n } = useTranslation();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("dark");
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
        onClick={() => setColorScheme(scheme === "dark" ? "light" : "dark")}
        aria-label={t(scheme === "dark" ? "app.toLight" : "app.toDark")}
      >
        <Icon name="theme" size={18} />
        {t(scheme === "dark" ? "app.light" : "app.dark")}
      </button>
    </>
  );
}

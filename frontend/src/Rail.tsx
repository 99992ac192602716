import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { useHitStream } from "./alerts/stream";
import { client } from "./api/client";
import { LogoutDocument } from "./api/generated";
import { endSession, type Session } from "./api/session";
import { Icon } from "./shared/Icon";
import { LanguageAndTheme } from "./shared/LanguageAndTheme";

export const PAGES = [
  "search",
  "alerts",
  "statistics",
  "hosts",
  "graph",
  "process",
  "rules",
  "imports",
] as const;

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
              <span className="unseen">{t("alerts.unseen")}</span>
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

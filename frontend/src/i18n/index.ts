import i18next from "i18next";
import { initReactI18next, useTranslation } from "react-i18next";
import { en } from "./en";
import { ja } from "./ja";

const KEY = "sysmonsearch.language";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "page";
    resources: { page: typeof en };
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

void i18next.use(initReactI18next).init({
  resources: { en: { page: en }, ja: { page: ja } },
  ns: ["page"],
  defaultNS: "page",
  lng: stored() ?? (navigator.language.startsWith("ja") ? "ja" : "en"),
  supportedLngs: ["en", "ja"],
  fallbackLng: "en",
  interpolation: { escapeValue: false },
});

document.documentElement.lang = i18next.language;
i18next.on("languageChanged", (language) => {
  document.documentElement.lang = language;
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // A browser that keeps nothing: the choice holds until the page is closed.
  }
});

/** The language of the page as the API names it. */
export function useLanguage(): "EN" | "JA" {
  return useTranslation().i18n.language === "ja" ? "JA" : "EN";
}

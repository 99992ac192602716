import { useTranslation } from "react-i18next";
import type { SyntaxIssue } from "./conditionText";

/** What is wrong with the text of a search, in the language of the page. */
export function useSyntax(): (wrong: SyntaxIssue) => string {
  const { t } = useTranslation();
  return ({ expected, at }) => {
    const what = expected === "field" || expected === "value" ? t(`search.${expected}`) : expected;
    return t("search.syntax", { expected: what, at: at + 1 });
  };
}

/** That the search of an address cannot be read, and why; `undefined` where it can. */
export function useUnread(): (wrong: SyntaxIssue | undefined) => string | undefined {
  const { t } = useTranslation();
  const syntax = useSyntax();
  return (wrong) => wrong && t("search.unread", { why: syntax(wrong) });
}

import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Pages } from "../api/pages";
import { State } from "./State";

interface Props {
  pages: Pages<unknown>;
  /** Why there is nothing, and what to do about it. */
  nothing: string;
  /** Where the list shows more than the pages. */
  empty?: boolean;
}

/** The end of a list that is read page by page: what stands there in place of data, and the way to more. */
export function PagesEnd({ pages, nothing, empty = pages.items.length === 0 }: Props) {
  const { t } = useTranslation();
  const { loading, error, retry, more, loadMore } = pages;
  return (
    <>
      <State loading={loading} error={error} empty={empty} nothing={nothing} retry={retry} />
      {more && (
        <Button
          m="sm"
          style={{ alignSelf: "flex-start" }}
          variant="default"
          onClick={loadMore}
          loading={loading}
        >
          {t("page.more")}
        </Button>
      )}
    </>
  );
}

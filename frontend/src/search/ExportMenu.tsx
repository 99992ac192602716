import { Alert, Button, Menu } from "@mantine/core";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { session } from "../api/session";
import { Icon } from "../shared/Icon";

interface Props {
  /** The search in the API's form, or why there is none. */
  query: object | undefined;
  wrong: string | undefined;
  columns: string[];
}

/**
 * All events of the search as a file. A form brings it, not a script: the browser writes it to disk as it comes,
 * whatever its size.
 */
export function ExportMenu({ query, wrong, columns }: Props) {
  const { t } = useTranslation();
  const form = useRef<HTMLFormElement>(null);
  const [failed, setFailed] = useState<string>();

  function start(format: "NDJSON" | "CSV") {
    setFailed(undefined);
    const fields = form.current?.elements;
    const put = (name: string, value: string) => {
      const field = fields?.namedItem(name);
      if (field instanceof HTMLInputElement) field.value = value;
    };
    put("query", JSON.stringify({ ...query, format, columns }));
    put("access_token", session()?.token ?? "");
    form.current?.submit();
  }
  /** A file never arrives in the frame; a refusal does, which no frame may show. */
  const onLoad = (frame: HTMLIFrameElement) => {
    if (frame.contentDocument?.URL !== "about:blank") setFailed(t("export.failed"));
  };

  return (
    <>
      <Menu>
        <Menu.Target>
          <Button
            variant="default"
            leftSection={<Icon name="export" size={14} />}
            disabled={!query}
            title={wrong}
          >
            {t("export.name")}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => start("NDJSON")}>{t("export.ndjson")}</Menu.Item>
          <Menu.Item onClick={() => start("CSV")}>{t("export.csv")}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <form ref={form} method="post" action="/api/export" target="export" hidden>
        <input type="hidden" name="query" />
        <input type="hidden" name="access_token" />
      </form>
      <iframe name="export" title={t("export.name")} hidden onLoad={(e) => onLoad(e.currentTarget)} />
      {failed && (
        <Alert
          color="red"
          role="alert"
          withCloseButton
          closeButtonLabel={t("saved.close")}
          onClose={() => setFailed(undefined)}
          p="xs"
        >
          {failed}
        </Alert>
      )}
    </>
  );
}

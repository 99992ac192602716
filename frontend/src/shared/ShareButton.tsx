import { Button } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { useTranslation } from "react-i18next";
import { Icon } from "./Icon";

/** Copies the address, which holds everything that is shown, or what a note says of it. */
export function ShareButton({ note }: { note?: string }) {
  const { t } = useTranslation();
  const clipboard = useClipboard({ timeout: 3_000 });
  return (
    <>
      <Button
        variant="default"
        title={note}
        leftSection={<Icon name="link" size={14} />}
        onClick={() => clipboard.copy(location.href)}
      >
        {t(clipboard.copied ? "share.copied" : "share.name")}
      </Button>
      <span className={note ? "dim" : "unseen"} role="status">
        {clipboard.copied && (note ?? t("share.copied"))}
      </span>
    </>
  );
}

import { Button } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { copyText } from "./copy";
import { Icon } from "./Icon";

const SHOWN_MS = 3_000;

/** Copies the address, which holds everything that is shown, or what a note says of it. */
export function ShareButton({ note }: { note?: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState<boolean>();
  useEffect(() => {
    if (copied === undefined) return;
    const timer = setTimeout(() => setCopied(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <>
      <Button
        variant="default"
        title={note}
        leftSection={<Icon name="link" size={14} />}
        onClick={async () => setCopied(await copyText(location.href))}
      >
        {t(copied === undefined ? "share.name" : copied ? "share.copied" : "copy.failed")}
      </Button>
      <span className={note ? "dim" : "unseen"} role="status">
        {copied !== undefined && (copied ? (note ?? t("share.copied")) : t("copy.failed"))}
      </span>
    </>
  );
}

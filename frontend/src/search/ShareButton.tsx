import { Button } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { useTranslation } from "react-i18next";
import { Icon } from "../shared/Icon";

/** Copies the address, which holds everything that is shown. */
export function ShareButton() {
  const { t } = useTranslation();
  const clipboard = useClipboard({ timeout: 3_000 });
  return (
    <Button
      variant="default"
      leftSection={<Icon name="link" size={14} />}
      onClick={() => clipboard.copy(location.href)}
    >
      <span role="status">{t(clipboard.copied ? "share.copied" : "share.name")}</span>
    </Button>
  );
}

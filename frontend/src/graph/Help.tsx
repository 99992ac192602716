import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";

const KEYS = [
  ["↑ ↓ ← →", "walk"],
  ["W A S D", "pan"],
  ["Shift + ↑ ↓ ← →", "move"],
  ["Enter, E", "expand"],
  ["C", "collapse"],
  ["Delete", "remove"],
  ["Z, Y", "undo"],
  ["/, N", "find"],
  ["P", "path"],
  ["L", "layout"],
  ["H", "hits"],
  ["T", "table"],
  ["Q", "queries"],
  ["+ − F", "zoom"],
  ["Esc", "close"],
] as const;

/** The keys of the graph. */
export function Help({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("graph.help")}
      closeButtonProps={{ "aria-label": t("graph.closeHelp") }}
      transitionProps={{ duration: 0 }}
    >
      <dl className="facts">
        {KEYS.map(([keys, what]) => (
          <div key={what} style={{ display: "contents" }}>
            <dt className="mono">{keys}</dt>
            <dd>{t(`graph.keys.${what}`)}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}

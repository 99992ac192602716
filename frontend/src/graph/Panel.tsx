import { ActionIcon } from "@mantine/core";
import type { ReactNode } from "react";
import { Icon } from "../shared/Icon";

interface Props {
  name: string;
  title: ReactNode;
  second?: ReactNode;
  disc?: ReactNode;
  closeName: string;
  onClose: () => void;
  children: ReactNode;
}

/** What stands beside the graph. */
export function Panel({ name, title, second, disc, closeName, onClose, children }: Props) {
  return (
    <section aria-label={name}>
      <div className="head" style={{ position: "sticky", top: 0, zIndex: 2, flexWrap: "nowrap" }}>
        {disc}
        <div style={{ minWidth: 0 }}>
          <h2 className="wrap">{title}</h2>
          {second && <span className="dim">{second}</span>}
        </div>
        <ActionIcon className="push" onClick={onClose} aria-label={closeName}>
          <Icon name="close" />
        </ActionIcon>
      </div>
      {children}
    </section>
  );
}

import type { NodeKind } from "../api/generated";
import { EVENT_PATHS, NODE_PATHS, UI_PATHS } from "./paths";

interface Props {
  size?: number;
  /** What it says to a reader of the screen; without it the icon is decoration. */
  title?: string;
  colour?: string;
}

function Drawing({ path, size = 16, title, colour = "currentColor" }: Props & { path: string }) {
  const said = title ? ({ role: "img", "aria-label": title } as const) : ({ "aria-hidden": true } as const);
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: named by aria-label, or hidden.
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" {...said}>
      <path
        d={path}
        fill="none"
        stroke={colour}
        strokeWidth={1.9}
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}

export const Icon = ({ name, ...props }: Props & { name: keyof typeof UI_PATHS }) => (
  <Drawing path={UI_PATHS[name]} {...props} />
);

export const EventIcon = ({ code, ...props }: Props & { code: number }) => (
  <Drawing path={EVENT_PATHS[code] ?? UI_PATHS.question} {...props} />
);

export const NodeIcon = ({ kind, ...props }: Props & { kind: NodeKind }) => (
  <Drawing path={NODE_PATHS[kind]} {...props} />
);

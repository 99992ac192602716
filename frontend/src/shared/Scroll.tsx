import type { CSSProperties, KeyboardEvent, ReactNode, Ref } from "react";

interface Props {
  label: string;
  children: ReactNode;
  ref?: Ref<HTMLElement>;
  className?: string;
  style?: CSSProperties;
  onKeyDown?: (event: KeyboardEvent) => void;
}

/** A named part of the page that scrolls, reachable by keyboard. */
export function Scroll({ label, ref, ...props }: Props) {
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must take the focus to scroll by keys.
  return <section ref={ref} aria-label={label} tabIndex={0} {...props} />;
}

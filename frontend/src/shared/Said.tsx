import { useSaid } from "./say";

/** Where the page says what a click has done. It stands there empty too: only what changes is read out. */
export function Said() {
  const said = useSaid();
  return (
    <div className={said ? "said" : "unseen"} role="status">
      {said}
    </div>
  );
}

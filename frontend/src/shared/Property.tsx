import type { NodeKind } from "../api/generated";
import { useClock } from "./clock";
import { fieldOf } from "./entity";
import type { Period } from "./period";
import { ValueButton } from "./ValueMenu";

/** A moment as the graph writes it. */
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

interface Props {
  /** Name of the property of a node or an edge. */
  name: string;
  value: string | undefined;
  kind?: NodeKind | undefined;
  host?: string | null | undefined;
  period?: Period | undefined;
}

/** A value of the graph with everything that can be done with it, where events have a field of it. */
export function PropertyValue({ name, value, kind, host, period }: Props) {
  const clock = useClock();
  const field = fieldOf(name, kind);
  const isTime = value !== undefined && TIME.test(value);
  return (
    <>
      {isTime ? `${clock.time(value)} ${clock.label}` : value}
      {field && value && (
        <span className="actions">
          <ValueButton of={{ field, value, host: host ?? undefined }} period={period} />
        </span>
      )}
    </>
  );
}

import {
  type Direction,
  type EdgeType,
  type NeighbourGrouping,
  type NodePartsFragment,
  NodesDocument,
  PathsDocument,
  type PeriodInput,
} from "../api/generated";
import type { useAsk } from "./ask";
import { collapse, move, remove, unfold } from "./fold";
import { arrange, type Drawing } from "./model";
import { LAYOUTS, type Place } from "./place";
import type { Step } from "./steps";
import type { GraphState } from "./useGraph";
import { LONGEST } from "./usePaths";

type Acts = Pick<
  GraphState,
  "change" | "expand" | "readPage" | "openGroup" | "splitGroup" | "moreOfTree" | "drawChain"
>;

export const moveStep = (id: string, { column, row }: Place): Step => [
  "move",
  id,
  String(Math.round(column * 100) / 100),
  String(Math.round(row * 100) / 100),
];

/** Does a step of the address again, as if it were clicked. False when it changes nothing, as what it is about is gone. */
export async function again(
  step: Step,
  now: () => Drawing,
  act: Acts,
  ask: ReturnType<typeof useAsk>["ask"],
  period: PeriodInput | undefined,
): Promise<boolean> {
  const before = now();
  const [kind, id = "", second = "", third = ""] = step;
  const edge = (second || undefined) as EdgeType | undefined;
  const direction = (third || undefined) as Direction | undefined;
  switch (kind) {
    case "expand":
      if (before.nodes.has(id)) await act.expand(id, edge, direction);
      break;
    case "page":
      if (before.nodes.has(id) && edge && direction) await act.readPage(id, edge, direction);
      break;
    case "open":
      await act.openGroup(id);
      break;
    case "split":
      await act.splitGroup(id, second as NeighbourGrouping);
      break;
    case "fold":
      act.change(step, (d) => collapse(d, id));
      break;
    case "unfold":
      act.change(step, (d) => unfold(d, id));
      break;
    case "drop":
      if (before.nodes.has(id) || before.groups.has(id)) act.change(step, (d) => remove(d, id));
      break;
    case "move": {
      const place = { column: Number(second), row: Number(third) };
      if (Number.isFinite(place.column) && Number.isFinite(place.row))
        act.change(step, (d) => move(d, id, place));
      break;
    }
    case "layout":
    case "arrange": {
      const layout = LAYOUTS.find((l) => l === id);
      if (layout) act.change(step, (d) => arrange(d, layout, kind === "arrange"));
      break;
    }
    case "more":
      await act.moreOfTree();
      break;
    case "path": {
      const asking = { from: id, to: second, period, longest: LONGEST };
      const found = (await ask(PathsDocument, asking)).data?.paths.items[Number(third)];
      if (found) act.drawChain(step, found.nodes, found.edges);
      break;
    }
    case "beside": {
      const found = (await ask(NodesDocument, { ids: [id, second] })).data?.nodes;
      const nodes = found?.filter((n): n is NodePartsFragment & typeof n => !!n && "kind" in n);
      if (nodes?.length === 2) act.drawChain(step, nodes);
    }
  }
  return now() !== before;
}

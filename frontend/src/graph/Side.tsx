import type { PeriodInput } from "../api/generated";
import type { Period } from "../shared/period";
import { Details } from "./Details";
import { EdgePanel } from "./EdgePanel";
import { GroupPanel } from "./GroupPanel";
import { PathPanel } from "./PathPanel";
import { QueryPanel } from "./QueryPanel";
import type { GraphState } from "./useGraph";
import type { usePaths } from "./usePaths";

interface Props {
  graph: GraphState;
  period: PeriodInput | undefined;
  /** The same as the address has it. */
  span: Period;
  selected: string | undefined;
  edge: string | undefined;
  queries: boolean;
  paths: ReturnType<typeof usePaths>;
  onQueries: () => void;
  onSelect: (id: string) => void;
  onClose: () => void;
  onFold: (id: string) => void;
  onRemove: (id: string) => void;
}

/** What stands beside the graph: the queries, the paths, or what is chosen. */
export function Side(p: Props) {
  const { drawing } = p.graph;
  const edge = p.edge ? drawing.edges.get(p.edge) : undefined;
  const [from, to] = [edge && drawing.nodes.get(edge.from), edge && drawing.nodes.get(edge.to)];
  const group = p.selected ? drawing.groups.get(p.selected) : undefined;
  let panel = null;
  if (p.queries) panel = <QueryPanel asked={p.graph.asked} onClose={p.onQueries} />;
  else if (p.paths.search)
    panel = (
      <PathPanel
        search={p.paths.search}
        chosen={p.paths.chosen}
        onChoose={p.paths.pick}
        onSelect={p.onSelect}
        onClose={p.paths.clear}
      />
    );
  else if (edge && from && to)
    panel = (
      <EdgePanel
        key={p.edge}
        edge={edge}
        from={from}
        to={to}
        period={p.period}
        span={p.span}
        onSelect={p.onSelect}
        onClose={p.onClose}
      />
    );
  else if (group)
    panel = (
      <GroupPanel
        key={group.id}
        group={group}
        graph={p.graph}
        onRemove={() => p.onRemove(group.id)}
        onSelect={p.onSelect}
        onClose={p.onClose}
      />
    );
  else if (p.selected && drawing.nodes.has(p.selected))
    panel = (
      <Details
        key={p.selected}
        id={p.selected}
        period={p.period}
        span={p.span}
        graph={p.graph}
        pathFrom={p.paths.from}
        onPath={p.paths.choose}
        onCollapse={p.onFold}
        onRemove={p.onRemove}
        onSelect={p.onSelect}
        onClose={p.onClose}
      />
    );
  return panel && <div className="side">{panel}</div>;
}

import type { Direction, EdgeType } from "../api/generated";
import { drawnDegree } from "./fold";
import {
  addGroups,
  type Drawing,
  edgeKey,
  type Found,
  type Group,
  groupKey,
  grow,
  type Reading,
  shrinkGroup,
} from "./model";

/** Nodes of one name that are listed; one more is asked for, to know whether there are. */
export const CHOICES = 100;

/** The first so many, and whether there are more. */
export const upTo = <T>(most: number, found: T[]) => ({
  shown: found.slice(0, most),
  more: found.length > most,
});

export const readingKey = (id: string, edge: EdgeType, direction: Direction) => `${id} ${edge} ${direction}`;

type Neighbours = Pick<Group, "by" | "edge" | "direction">;

/** Groups that hold neighbours of this type, whole or in parts. */
export const groupsOf = (drawing: Drawing, { by, edge, direction }: Neighbours): Group[] =>
  [...drawing.groups.values()].filter((g) => g.by === by && g.edge === edge && g.direction === direction);

/** Whether so many neighbours are neither drawn, nor read page by page, nor in groups already. */
export const isUnopened = (drawing: Drawing, of: Neighbours, count: number): boolean =>
  !drawing.readings.has(readingKey(of.by, of.edge, of.direction)) &&
  groupsOf(drawing, of).length === 0 &&
  drawnDegree(drawing, of.by, of.edge, of.direction) < count;

/** The drawing with what an expansion has found; the same when all of it is there, which is no step. */
export function expanded(
  drawing: Drawing,
  id: string,
  found: Found[],
  groups: Omit<Group, "id" | "place">[],
  readings: [string, Reading][],
): Drawing {
  const isThere =
    found.every((f) => drawing.nodes.has(f.node.id) && drawing.edges.has(edgeKey(f.edge))) &&
    groups.every((g) => drawing.groups.has(groupKey(g)));
  if (isThere) return drawing;
  const grown = addGroups(grow(drawing, id, found), groups);
  return { ...grown, readings: new Map([...grown.readings, ...readings]) };
}

/** The drawing with a further page of neighbours; a group of them goes on behind that page. */
export function paged(drawing: Drawing, of: Neighbours, found: Found[], next: Reading): Drawing {
  const grown = grow(drawing, of.by, found);
  const readings = new Map(grown.readings).set(readingKey(of.by, of.edge, of.direction), next);
  return shrinkGroup({ ...grown, readings }, groupKey(of), found.length, next.more ? next.cursor : null);
}

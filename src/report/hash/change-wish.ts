import type { HashBackend } from "../../balance/selection/selection.ts";
import type { PoolChange } from "../../balance/what-if/pool-change.ts";
import { nameOf, parseBackends, parseReweigh, requireDistinct } from "./backend-text.ts";
import { QuestionError } from "./question-error.ts";

/** As the user typed it. */
export interface ChangeWish {
  add: readonly string[];
  remove: readonly string[];
  drain: readonly string[];
  reweigh: readonly string[];
}

/**
 * What is to be done to a set of backends; null where nothing is.
 *
 * @throws QuestionError where a backend is not there, is there already, or has two things done to it
 */
export function parseChange(wish: ChangeWish, backends: readonly HashBackend[]): PoolChange | null {
  const change: PoolChange = {
    add: wish.add.flatMap(parseBackends),
    remove: wish.remove.map((text) => nameOf(text, backends)),
    drain: wish.drain.map((text) => nameOf(text, backends)),
    reweigh: wish.reweigh.map((text) => parseReweigh(text, backends)),
  };
  requireDistinct([...backends, ...change.add]);
  const touched = [...change.remove, ...change.drain, ...change.reweigh.map(({ name }) => name)];
  const twice = touched.find((name, index) => touched.indexOf(name) < index);
  if (twice !== undefined) throw new QuestionError(`two changes of ${twice}: one at a time`);
  return touched.length + change.add.length === 0 ? null : change;
}

import type { Choices } from "../balance/choices.ts";
import { inferScheduler, type Scheduler } from "../balance/scheduler.ts";
import type { Connection } from "../path/connection.ts";
import type { Case, VipGroup } from "./case.ts";
import { membershipsOf } from "./members.ts";

/** A VIP's choices of backends (the first few thousand), and the backends that their indexes stand for. */
export interface VipChoices {
  choices: Choices;
  backends: readonly number[];
  /** In the order of the choices; those whose backend is known. */
  connections: readonly Connection[];
}

/** More choices than this tell nothing new of the rule that made them. */
const MAX_CHOICES = 2000;

/** A VIP's first choices and the rule that they follow: made once for all who ask. */
export function choicesOf(subject: Case, group: VipGroup): VipChoices & { scheduler: Scheduler } {
  let known = choicesOfGroup.get(group);
  if (!known) {
    const made = readChoices(subject, group);
    known = { ...made, scheduler: schedulerOf(subject, group, made) };
    choicesOfGroup.set(group, known);
  }
  return known;
}

/** Several balancers of one VIP choose each for itself: where all choices show no rule, those of each may. */
function schedulerOf(subject: Case, group: VipGroup, { choices, connections }: VipChoices): Scheduler {
  const all = inferScheduler(choices);
  // Choices that did not come to be known have no connection here to tell whose they are.
  if (all.name !== "unknown" || connections.length !== choices.backend.length) return all;
  for (const { memberOf } of membershipsOf(subject, group)) {
    const members = new Set(memberOf.values());
    if (members.size < 2) continue;
    const each = [...members].map((member) =>
      inferScheduler(part(choices, (i) => memberOf.get(connections[i]!) === member)),
    );
    const told = each.filter(({ name }) => name !== "unknown");
    const [first] = told;
    if (first === undefined || told.length < 2 || told.some(({ name }) => name !== first.name)) continue;
    return { ...first, confidence: Math.min(...told.map(({ confidence }) => confidence)) };
  }
  return all;
}

/** Those of the choices that are wanted, by their places. */
function part(choices: Choices, isWanted: (index: number) => boolean): Choices {
  const of = (_: number, index: number) => isWanted(index);
  return {
    ...choices,
    backend: choices.backend.filter(of),
    client: choices.client.filter(of),
    endpoint: choices.endpoint.filter(of),
    start: choices.start.filter(of),
    end: choices.end.filter(of),
    closing: choices.closing.filter(of),
  };
}

const choicesOfGroup = new WeakMap<VipGroup, VipChoices & { scheduler: Scheduler }>();

/** The choices that a VIP's balancers made, in their order: by the time of the SYN to the backend. */
function readChoices(subject: Case, group: VipGroup): VipChoices {
  const backends = [...group.byBackend.keys()];
  const index = new Map(backends.map((backend, i) => [backend, i]));
  const chosen = group.connections
    .slice(0, MAX_CHOICES)
    .map((connection) => ({ connection, time: choiceTime(subject, connection) }))
    .sort((a, b) => a.time - b.time);
  const { endpoints } = subject.connected;
  const weights = weightsOf(subject, group, backends);
  const column = (of: (connection: Connection) => number) => chosen.map(({ connection }) => of(connection));
  return {
    choices: {
      backend: Int32Array.from(column((connection) => index.get(connection.backend ?? -1) ?? -1)),
      client: Int32Array.from(column((connection) => endpoints.withPort(connection.client, 0))),
      endpoint: Int32Array.from(column((connection) => connection.client)),
      start: Float64Array.from(chosen.map(({ time }) => time)),
      end: Float64Array.from(column((connection) => connection.end)),
      closing: Float64Array.from(column((connection) => closingTime(subject, connection))),
      backends: backends.length,
      ...(weights ? { weights } : {}),
    },
    backends,
    connections: chosen.map(({ connection }) => connection).filter(({ backend }) => backend !== null),
  };
}

/** Weights that the topology gives a VIP's backends; undefined where it does not know them all. */
export function weightsOf(subject: Case, group: VipGroup, backends: readonly number[]): number[] | undefined {
  const known = subject.vipTopology(group)?.backends;
  if (!known) return undefined;
  const weights = backends.map((backend) => known.find((one) => one.backend === subject.text(backend))?.weight);
  return weights.every((weight) => weight !== undefined && weight > 0) ? (weights as number[]) : undefined;
}

function choiceTime(subject: Case, connection: Connection): number {
  if (connection.back === connection.front) return connection.start;
  const back = subject.back(connection);
  const time = Number.isNaN(back.up.synTime) ? back.start : back.up.synTime;
  return subject.reference(connection.back, time);
}

/** The first FIN of either side, as the backend's leg saw it. */
function closingTime(subject: Case, { back, end }: Connection): number {
  const { up, down } = subject.leg(back);
  const times = [up.finTime, down.finTime].filter((time) => !Number.isNaN(time));
  return times.length === 0 ? end : Math.min(end, subject.reference(back, Math.min(...times)));
}

/** How each VIP's backends were chosen. */
export function schedulersOf(subject: Case): Map<number, Scheduler> {
  const schedulers = new Map<number, Scheduler>();
  for (const group of subject.vips) {
    if (group.byBackend.size < 2) continue;
    schedulers.set(group.vip, choicesOf(subject, group).scheduler);
  }
  return schedulers;
}

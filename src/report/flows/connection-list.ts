import type { Connection } from "../../path/connection.ts";
import type { Analysis } from "../analysis.ts";
import { pointsOf } from "../capture-facts.ts";
import { joinedConnectionDocument, LazyJoinedConnection } from "../document/joined-connection.ts";
import { isChosen, knownIds } from "../finding-choice.ts";
import type { Page } from "../text/page.ts";
import { type ConnectionFilter, isWantedConnection } from "./connection-filter.ts";
import { connectionLine } from "./connection-line.ts";
import { connectionSortKey } from "./connection-sort.ts";
import { connectionTable } from "./connection-table.ts";
import { connectionCsv } from "./flow-csv.ts";
import type { FlowsDocument } from "./flow-document.ts";
import { isPoint } from "./leg-filter.ts";
import { type Selection, sortPlaces } from "./leg-sort.ts";

export interface ConnectionSelection extends Pick<Selection, "sort" | "reverse" | "limit"> {
  filter: Omit<ConnectionFilter, "affected"> & {
    /** Ids of findings, or families such as `path.*`, that the connections suffer from. */
    finding?: readonly string[] | undefined;
  };
}

/** What `flows` has to tell: the connections of a run that were asked for, in the order asked for. */
export class ConnectionList {
  private readonly analysis: Analysis;
  private readonly points: readonly string[];
  private matched = 0;
  /** Those that were selected. */
  chosen: readonly Connection[] = [];

  constructor(analysis: Analysis) {
    this.analysis = analysis;
    this.points = [...new Set(analysis.captures.flatMap(pointsOf))];
  }

  /** Why a selection makes no sense for these captures, in a line; null where it does. */
  objectionTo({ filter }: ConnectionSelection): string | null {
    const point = filter.point?.find((name) => !this.points.some((known) => isPoint(name, known)));
    if (point !== undefined) {
      return `--point ${point}: no such observation point; there are ${this.points.join(", ") || "none"}`;
    }
    const nodes = [...new Set(this.analysis.subject.connected.set.points.map(({ nodeName }) => nodeName))];
    const node = filter.node?.find((name) => !nodes.includes(name));
    if (node !== undefined) return `--node ${node}: no such node; there are ${nodes.join(", ") || "none"}`;
    const finding = filter.finding?.find((id) => !knownIds().some((known) => isChosen(known, { only: [id] })));
    return finding === undefined ? null : `--finding ${finding}: no such finding; l4scope explain lists them`;
  }

  select({ filter, sort, reverse, limit }: ConnectionSelection): void {
    const { subject, findings } = this.analysis;
    const { connections } = subject;
    const affected = filter.finding
      ? new Set(findings.filter(({ id }) => isChosen(id, { only: filter.finding })).flatMap((one) => one.connections))
      : null;
    const places: number[] = [];
    const keys = new Float64Array(connections.length);
    connections.forEach((connection, place) => {
      if (!isWantedConnection({ ...filter, affected }, subject, connection)) return;
      places.push(place);
      keys[place] = connectionSortKey(subject.connected.set, connection, sort);
    });
    this.matched = places.length;
    sortPlaces(places, keys, { sort, reverse });
    this.chosen = places.slice(0, limit).map((place) => connections[place]!);
  }

  table(page: Page): string {
    const lines = this.chosen.map((connection) => connectionLine(this.analysis, connection));
    const total = this.analysis.subject.connections.length;
    return connectionTable(lines, { matched: this.matched, total, startTitle: "start s" }, page);
  }

  /** Pieces of whole lines. */
  csv(): Generator<string> {
    return connectionCsv(this.chosen, (connection) => joinedConnectionDocument(this.analysis, connection));
  }

  document(): FlowsDocument {
    return {
      schema: "l4scope.flows/1",
      of: "connections",
      total: this.analysis.subject.connections.length,
      matched: this.matched,
      connections: this.chosen.map((connection) => new LazyJoinedConnection(this.analysis, connection)),
    };
  }
}

import type { Statement } from "better-sqlite3";
import { nsOfSeconds } from "./epoch-ns.ts";
import type { Sqlite } from "./sqlite.ts";
import type { FindingToStore } from "./store-input.ts";
import { connectionKey, connectionNumber } from "./stored-connection.ts";

/** Puts findings into their table, each once; what changed of one takes the place of what was. */
export class FindingRows {
  private readonly upsert: Statement;
  private readonly relate: Statement;

  constructor(database: Sqlite) {
    this.upsert = database
      .prepare(
        `INSERT INTO findings (run, key, finding, severity, worst, state, confidence, title, vip, backend, node, member,
           connections, opened_ns, last_ns, closed_ns, document)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (run, key) DO UPDATE SET severity = excluded.severity, worst = excluded.worst,
           state = excluded.state, confidence = excluded.confidence, title = excluded.title, vip = excluded.vip,
           backend = excluded.backend, node = excluded.node, member = excluded.member,
           connections = excluded.connections, opened_ns = excluded.opened_ns, last_ns = excluded.last_ns,
           closed_ns = excluded.closed_ns, document = excluded.document
         RETURNING id`,
      )
      .pluck();
    this.relate = database.prepare("INSERT OR IGNORE INTO finding_connections VALUES (?, ?)");
  }

  put(run: number, one: FindingToStore): void {
    const { key, state, worst, opened, lastSeen, closed, finding } = one;
    const { where, affected } = finding;
    const id = this.upsert.get(
      run,
      key,
      finding.id,
      finding.severity,
      worst,
      state,
      finding.confidence,
      finding.title,
      where.vip ?? null,
      where.backend ?? null,
      where.node ?? null,
      where.member ?? null,
      affected.connections,
      nsOfSeconds(opened),
      nsOfSeconds(lastSeen),
      nsOfSeconds(closed),
      JSON.stringify(finding),
    ) as number;
    const numbers = one.connections ?? affected.examples.map(connectionNumber);
    for (const number of numbers) if (number !== null) this.relate.run(id, connectionKey(run, number));
  }
}

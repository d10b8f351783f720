import type { Statement } from "better-sqlite3";
import { splitEndpoint } from "./journey.ts";
import type { Sqlite } from "./sqlite.ts";
import type { ConnectionToStore } from "./stored-connection.ts";

/** What is summed of a connection. */
export interface ClientsConnection {
  client: string;
  outcome: string;
  bytesUp: number;
  bytesDown: number;
}

interface Sums {
  connections: number;
  failed: number;
  bytesUp: number;
  bytesDown: number;
}

/**
 * Sums over the connections of each client, kept as rows come, change and go: they are gathered for one transaction and
 * added to what the file has, which takes a seventh of the time of a trigger for each row.
 */
export class ClientSums {
  private readonly changed = new Map<string, Sums>();
  private readonly upsert: Statement;
  private readonly clear: Statement;

  constructor(database: Sqlite) {
    this.upsert = database.prepare(
      `INSERT INTO clients (client, connections, failed, bytes_up, bytes_down) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET connections = connections + excluded.connections, failed = failed + excluded.failed,
         bytes_up = bytes_up + excluded.bytes_up, bytes_down = bytes_down + excluded.bytes_down`,
    );
    this.clear = database.prepare("DELETE FROM clients WHERE client = ? AND connections = 0");
  }

  /** A connection as it is told; one that is a health check, or has no time, is no client's. */
  count({ connection: { client, start, healthCheck, outcome, bytes } }: ConnectionToStore, by: 1 | -1): void {
    if (healthCheck || start === null) return;
    const { address } = splitEndpoint(client);
    this.countRow({ client: address, outcome, bytesUp: bytes.up, bytesDown: bytes.down }, by);
  }

  /** A row of the file. */
  countRow({ client, outcome, bytesUp, bytesDown }: ClientsConnection, by: 1 | -1): void {
    let sums = this.changed.get(client);
    if (sums === undefined) {
      sums = { connections: 0, failed: 0, bytesUp: 0, bytesDown: 0 };
      this.changed.set(client, sums);
    }
    sums.connections += by;
    if (outcome === "refused" || outcome === "reset" || outcome === "timeout") sums.failed += by;
    sums.bytesUp += by * bytesUp;
    sums.bytesDown += by * bytesDown;
  }

  /** Writes what changed; within the transaction that writes the connections. */
  flush(): void {
    for (const [client, { connections, failed, bytesUp, bytesDown }] of this.changed) {
      if (connections === 0 && failed === 0 && bytesUp === 0 && bytesDown === 0) continue;
      this.upsert.run(client, connections, failed, bytesUp, bytesDown);
      if (connections < 0) this.clear.run(client);
    }
    this.changed.clear();
  }

  /** Forgets what a transaction that failed would have written. */
  reset(): void {
    this.changed.clear();
  }
}

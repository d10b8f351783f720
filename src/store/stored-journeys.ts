import type { Statement } from "better-sqlite3";
import type { Journey } from "./journey.ts";
import type { Sqlite } from "./sqlite.ts";

/** Many, where a capture's names or MACs differ for each connection. */
const MAX_IN_MEMORY = 10_000;

/** Ways by their numbers in the store; those read last are kept in memory. */
export class StoredJourneys {
  private readonly read: Statement;
  private readonly known = new Map<number, Journey>();

  constructor(database: Sqlite) {
    this.read = database.prepare("SELECT document FROM journeys WHERE id = ?").pluck();
  }

  of(id: number): Journey {
    let journey = this.known.get(id);
    if (journey === undefined) {
      journey = JSON.parse(String(this.read.get(id))) as Journey;
      if (this.known.size >= MAX_IN_MEMORY) this.known.clear();
      this.known.set(id, journey);
    }
    return journey;
  }

  /** Forgets what is in memory: a transaction that failed may have taken it back. */
  reset(): void {
    this.known.clear();
  }
}

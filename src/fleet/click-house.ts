import type { ClickHouseClient } from "@clickhouse/client";
import type { FleetAddress } from "./fleet-address.ts";
import { FleetError } from "./fleet-error.ts";

/** A row to insert, by column; 64-bit numbers as decimal texts, which no double holds. */
export type FleetRow = Readonly<Record<string, string | number | null | readonly string[]>>;

/** What a SELECT gave: 64-bit numbers are decimal texts. */
export interface FleetResult {
  columns: readonly { name: string; type: string }[];
  rows: readonly (readonly unknown[])[];
}

export interface ReadLimits {
  /** After which the server gives up. */
  timeoutSeconds: number;
  /** Rows that the answer may have at most; what is more is cut. */
  rows: number;
}

const CONNECT_SECONDS = 10;
const INSERT_SECONDS = 60;

/**
 * The ClickHouse server of a fleet: every failure is a FleetError. It speaks SQL that ClickHouse has had since 2018
 * (Debian's 18.16), so no parameters are bound by the server: `literal` quotes values.
 */
export class ClickHouse {
  readonly address: FleetAddress;
  private readonly client: ClickHouseClient;

  /** Connects when it is first used. */
  static async of(address: FleetAddress): Promise<ClickHouse> {
    const { createClient, ClickHouseLogLevel } = await import("@clickhouse/client");
    const { url, user: username, password } = address;
    const client = createClient({
      url,
      username,
      password,
      request_timeout: INSERT_SECONDS * 1000,
      application: "l4scope",
      // what went wrong is said by whoever asked
      log: { level: ClickHouseLogLevel.OFF },
    });
    return new ClickHouse(address, client);
  }

  private constructor(address: FleetAddress, client: ClickHouseClient) {
    this.address = address;
    this.client = client;
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  /** Runs a statement that answers nothing. */
  async command(query: string): Promise<void> {
    await this.guarded(() => this.client.command({ query, abort_signal: AbortSignal.timeout(CONNECT_SECONDS * 1000) }));
  }

  /** Inserts all of the rows or, where they lie in one partition, none. */
  async insert(table: string, rows: readonly FleetRow[]): Promise<void> {
    if (rows.length === 0) return;
    const { database } = this.address;
    await this.guarded(() =>
      this.client.insert({ table: `${database}.${table}`, values: [...rows], format: "JSONEachRow" }),
    );
  }

  /** Runs a SELECT; the server refuses anything that would write. */
  async select(query: string, { timeoutSeconds, rows }: ReadLimits): Promise<FleetResult> {
    return this.guarded(async () => {
      const result = await this.client.query({
        query,
        format: "JSONCompact",
        clickhouse_settings: {
          readonly: "1",
          max_execution_time: timeoutSeconds,
          // one more than is wanted tells that there are more
          max_result_rows: String(rows + 1),
          result_overflow_mode: "break",
          output_format_json_quote_64bit_integers: 1,
        },
      });
      const { meta = [], data } = await result.json<unknown[]>();
      return { columns: meta, rows: data };
    });
  }

  private async guarded<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw this.fleetErrorOf(error);
    }
  }

  private fleetErrorOf(error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    const { url, user } = this.address;
    const code = (error as NodeJS.ErrnoException).code ?? "";
    const refusal = refusalOf(error);
    if (refusal !== null) {
      if (UNAUTHORIZED.has(refusal.code)) {
        const line = `${url}: does not let ${user} in; name another USER in --fleet, or set L4SCOPE_FLEET_PASSWORD`;
        return new FleetError(line, "run", { cause: error });
      }
      const kind = PASSING.has(refusal.code) ? "away" : "refused";
      return new FleetError(`${url}: ${refusal.text}`, kind, { cause: error });
    }
    const reason =
      REASONS[code] ?? (error.name === "TimeoutError" || /timeout/i.test(error.message) ? SLOW : error.message);
    return new FleetError(`${url}: ${reason}`, "away", { cause: error });
  }
}

const SLOW = "does not answer";
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there; is ClickHouse running, and is this its HTTP port (8123)?",
  ECONNRESET: "closed the connection",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "its name cannot be looked up now",
  EHOSTUNREACH: "no route to it",
  ETIMEDOUT: SLOW,
};

/** By ClickHouse's error codes (dbms/src/Common/ErrorCodes.cpp): authentication, unknown user, wrong password. */
const UNAUTHORIZED: ReadonlySet<number> = new Set([192, 193, 194, 516]);
/** Too many queries, memory limit, read-only table, too many parts, a shutdown: may pass. */
const PASSING: ReadonlySet<number> = new Set([159, 202, 209, 210, 236, 241, 242, 243, 252, 319]);

/** What the server said, without the decoration of its version: `Code: 62, e.displayText() = DB::Exception: …`. */
function refusalOf(error: Error): { code: number; text: string } | null {
  const named = error as { code?: unknown; type?: unknown };
  const [, code, told] =
    /^Code: (\d+)[,.] (?:e\.displayText\(\) = )?DB::Exception: ([\s\S]*)$/.exec(error.message) ?? [];
  if (code !== undefined && told !== undefined) return { code: Number(code), text: firstSentence(told) };
  // newer servers' answers, which the client has taken apart
  if (typeof named.type !== "string" || typeof named.code !== "string") return null;
  return { code: Number(named.code), text: firstSentence(error.message) };
}

/** Syntax errors name every word that could have stood there. */
function firstSentence(text: string): string {
  return text
    .replace(/, e\.what\(\) = [\s\S]*$/, "")
    .replace(/\. Expected (?:one of)?[\s\S]*$/, "")
    .replace(/\s*FORMAT JSONCompact\s*$/, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** A value as it stands in SQL. */
export function literal(value: string | number | bigint): string {
  if (typeof value !== "string") return String(value);
  return `'${value.replace(/[\\']/g, "\\$&").replace(/\0/g, "\\0")}'`;
}

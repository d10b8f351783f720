import type { ConnectionDocument } from "../report/analysis-contract.ts";

/** A connection to be kept: what a live session tells of one that is over, and a capture's analysis of each. */
export interface ConnectionToStore {
  connection: ConnectionDocument;
  /** Seconds from a request's first byte to its answer's; null or absent where it was not seen. */
  firstByte?: number | null;
  /** Its packets, to be kept as evidence. */
  pcapng?: Uint8Array | null;
}

/** A connection as the store has it. */
export interface StoredConnection {
  /** Its number in the table, unique over all runs. */
  key: number;
  run: number;
  connection: ConnectionDocument;
  firstByte: number | null;
}

/** A connection's key is its run times this, plus its number. */
export const RUN_FACTOR = 2 ** 32;

/** The number by which the table knows a connection of a run. */
export function connectionKey(run: number, number: number): number {
  return run * RUN_FACTOR + number;
}

/** 17 of `c17`; null for what is no such name. */
export function connectionNumber(id: string): number | null {
  const number = /^c(\d{1,10})$/.exec(id)?.[1];
  return number === undefined || Number(number) >= RUN_FACTOR ? null : Number(number);
}

/** `c17` of run and number in one; `r2/c17` where several runs are looked at. */
export function connectionIdOf(key: number, withRun: boolean): string {
  const name = `c${key % RUN_FACTOR}`;
  return withRun ? `r${Math.floor(key / RUN_FACTOR)}/${name}` : name;
}

import type { AddressWords, EndpointWords } from "./address.ts";
import { FORWARDING_MODES, type ForwardingMode } from "./vocabulary.ts";

/** One line of a balancer's connection table or log. */
export interface ImportedConnection {
  /** IP protocol number: 6 or 17. */
  protocol: number;
  client: EndpointWords;
  vip: EndpointWords;
  backend: EndpointWords;
  /** From where the backend sees the connection come: the client itself unless the balancer translates that, too. */
  source: EndpointWords;
  /** null where the table does not say. */
  mode: ForwardingMode | null;
  /** Epoch seconds, NaN where the log has no times or did not see it begin or end. */
  start: number;
  end: number;
  /** Index into `sources`: which file says so. */
  origin: number;
}

const WORDS = 23;
const ENDPOINTS = ["client", "vip", "backend", "source"] as const;

/** Connections of all imports in typed arrays: 110 bytes each, since a busy balancer has a million. */
export class ImportedConnections implements Iterable<ImportedConnection> {
  count = 0;
  /** Names of the files they came from. */
  readonly sources: string[] = [];
  private words: Int32Array = new Int32Array(0);
  private times: Float64Array = new Float64Array(0);

  /** @returns its position */
  add(connection: ImportedConnection): number {
    const at = this.count * WORDS;
    if (at + WORDS > this.words.length) this.grow();
    const { words } = this;
    ENDPOINTS.forEach((name, i) => {
      const { address, port } = connection[name];
      words.set(address, at + i * 5);
      words[at + i * 5 + 4] = port;
    });
    words[at + 20] = connection.protocol;
    words[at + 21] = connection.mode === null ? -1 : FORWARDING_MODES.indexOf(connection.mode);
    words[at + 22] = connection.origin;
    this.times[this.count * 2] = connection.start;
    this.times[this.count * 2 + 1] = connection.end;
    return this.count++;
  }

  at(index: number): ImportedConnection {
    const { words } = this;
    const at = index * WORDS;
    const endpoint = (i: number): EndpointWords => {
      const from = at + i * 5;
      const address: AddressWords = [words[from]!, words[from + 1]!, words[from + 2]!, words[from + 3]!];
      return { address, port: words[from + 4]! };
    };
    return {
      protocol: words[at + 20]!,
      client: endpoint(0),
      vip: endpoint(1),
      backend: endpoint(2),
      source: endpoint(3),
      mode: FORWARDING_MODES[words[at + 21]!] ?? null,
      start: this.times[index * 2]!,
      end: this.times[index * 2 + 1]!,
      origin: words[at + 22]!,
    };
  }

  /** Notes when a connection ended, which its log tells later than its beginning. */
  setEnd(index: number, end: number): void {
    this.times[index * 2 + 1] = end;
  }

  *[Symbol.iterator](): Generator<ImportedConnection> {
    for (let index = 0; index < this.count; index++) yield this.at(index);
  }

  private grow(): void {
    const capacity = Math.max(1024, this.count * 2);
    const words = new Int32Array(capacity * WORDS);
    words.set(this.words);
    this.words = words;
    const times = new Float64Array(capacity * 2);
    times.set(this.times);
    this.times = times;
  }
}

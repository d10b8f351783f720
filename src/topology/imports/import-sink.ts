import type { ImportedConnections } from "../imported-connections.ts";
import { LIMITS, within } from "../limits.ts";
import type { SourceProblem, TopologyBackend, TopologyVip, VirtualRouter } from "../topology.ts";
import type { Protocol } from "../vocabulary.ts";

/** Problems told one by one; a table of another tool's version would repeat the same one for every line. */
const MAX_PROBLEMS = 20;

/** Where an import puts what it reads. What it cannot read is a problem with its line; nothing is ever thrown. */
export class ImportSink {
  /** The file's name as the user gave it. */
  readonly source: string;
  readonly vips: TopologyVip[] = [];
  readonly virtualRouters: VirtualRouter[] = [];
  readonly problems: SourceProblem[] = [];
  /** Shared by all imports of a run. */
  readonly connections: ImportedConnections;
  /** Number of this source in `connections.sources`. */
  readonly origin: number;
  private readonly byKey = new Map<string, TopologyVip>();
  private readonly backendsByVip = new Map<TopologyVip, Set<string>>();
  private untold = 0;

  constructor(source: string, connections: ImportedConnections) {
    this.source = source;
    this.connections = connections;
    this.origin = connections.sources.push(source) - 1;
  }

  /** @param line counted from 1; 0 where the whole file is meant */
  problem(line: number, message: string): void {
    if (this.problems.length >= MAX_PROBLEMS) {
      this.untold++;
      return;
    }
    const text = message.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\u{fffd}");
    this.problems.push({ source: this.source, line, column: 0, message: text.slice(0, 300) });
  }

  /**
   * To be called when the import is done: says how many problems were not told, and leaves out numbers that no
   * topology has, such as an idle timeout of decades that means none.
   */
  finish(): void {
    for (const vip of this.vips) {
      vip.idleTimeoutSeconds = within(LIMITS.idleTimeoutSeconds, vip.idleTimeoutSeconds);
      for (const backend of vip.backends) {
        backend.weight = Math.min(backend.weight, LIMITS.weight.most);
        backend.maxConnections = within(LIMITS.maxConnections, backend.maxConnections);
      }
    }
    for (const router of this.virtualRouters) {
      router.priority = within(LIMITS.priority, router.priority);
      router.intervalSeconds = within(LIMITS.intervalSeconds, router.intervalSeconds);
    }
    if (this.untold === 0) return;
    this.problems.push({
      source: this.source,
      line: 0,
      column: 0,
      message: `${this.untold} more lines could not be read`,
    });
    this.untold = 0;
  }

  /** The VIP of this name, made where it is new. */
  vip(vip: string, protocol: Protocol | null): TopologyVip {
    const key = `${protocol} ${vip}`;
    let entry = this.byKey.get(key);
    if (entry === undefined) {
      entry = { vip, protocol, mode: null, scheduler: null, proxyHeader: null, idleTimeoutSeconds: null, backends: [] };
      this.byKey.set(key, entry);
      this.vips.push(entry);
    }
    return entry;
  }

  /** Adds a backend; one that is there already keeps what was said of it first. */
  backend(vip: TopologyVip, backend: string, more: Partial<Omit<TopologyBackend, "backend">> = {}): void {
    const known = this.backendsByVip.get(vip) ?? new Set();
    this.backendsByVip.set(vip, known);
    if (known.has(backend)) return;
    known.add(backend);
    vip.backends.push({ backend, weight: 1, isBackup: false, maxConnections: null, ...more });
  }
}

/** A part of a user's text inside a message. */
export function quoted(text: string): string {
  return text.length > 80 ? `"${text.slice(0, 79)}…"` : `"${text}"`;
}

import type { Interfaces } from "@oclif/core";
import { boolean, integer, option, string as stringFlag } from "@oclif/core/flags";
import type { SelectionMethod } from "../src/balance/selection/selection.ts";
import type { PoolChange } from "../src/balance/what-if/pool-change.ts";
import { UsageError } from "../src/cli/exit-codes.ts";
import type { AnalyzedCaptures } from "../src/offline/analyze-captures.ts";
import type { HashDocument } from "../src/report/hash/hash-contract.ts";
import type { ChosenMethod } from "../src/report/hash/method-choice.ts";
import type { MethodListDocument } from "../src/report/hash/method-list.ts";
import type { KeySet, Pool } from "../src/report/hash/question.ts";
import type { Page } from "../src/report/text/page.ts";
import type { Topology } from "../src/topology/topology.ts";
import { BaseCommand } from "./base.ts";

const several = { multiple: true, multipleNonGreedy: true } as const;
const POOL = { helpGroup: "BACKENDS" } as const;
const KEYS = { helpGroup: "CONNECTIONS" } as const;
const CHANGE = { helpGroup: "CHANGE", exclusive: ["grow"] };

const DEFAULT_KEYS = 100_000;
/** Of a set that grows: every step hashes them all again. */
const DEFAULT_GROWTH_KEYS = 20_000;

type HashFlags = Interfaces.InferredFlags<(typeof Hash)["flags"] & (typeof Hash)["baseFlags"]>;

export default class Hash extends BaseCommand {
  static override summary = "say how hashing spreads connections over backends, and what a change would move";

  static override description = [
    "Runs the load balancers' own hashing over backends and connections, and says how evenly each method shares, against the weights, and how many established connections a change would move and break: without connection tables, with one, when ECMP sends them to another load balancer, and with GLB's second chance.",
    "Backends come from --backend, a --topology file, an --import or a --capture; connections are made up (the same for the same --seed) or those of the capture, which then also tells which method is in use there. Without --method, all methods are compared; --list shows them with their options.",
    "BACKEND is ADDRESS:PORT or ADDRESS:PORT=WEIGHT; 10.2.0.11..20:8080 is ten of them.",
  ].join("\n\n");

  static override examples = [
    {
      description: "All methods side by side",
      command: "<%= config.bin %> <%= command.id %> --backend 10.2.0.11:8080=2 --backend 10.2.0.12..14:8080",
    },
    {
      description: "What draining one backend does, and the loss of one of four load balancers with it",
      command:
        "<%= config.bin %> <%= command.id %> --backend 10.2.0.11..20:8080 --drain 10.2.0.12:8080 --balancers 4..3",
    },
    {
      description: "With the backends, clients and connections of a capture",
      command: "<%= config.bin %> <%= command.id %> --capture lb1.pcap --vip 192.0.2.10:443",
    },
    {
      description: "Maglev against ketama while a set grows",
      command: "<%= config.bin %> <%= command.id %> --grow 10..20 --method katran-v2 --method ketama",
    },
    {
      description: "Where one connection goes, and why",
      command: "<%= config.bin %> <%= command.id %> --topology lb.yaml --explain 10.1.0.7:40001 --to 192.0.2.10:443",
    },
    {
      description: "Two sizes of one table",
      command:
        "<%= config.bin %> <%= command.id %> --backend 10.2.0.1..100:80 --method katran-v2:ringSize=4099 --method katran-v2",
    },
  ];

  static override flags = {
    backend: stringFlag({
      summary: "A backend, or a range of them.",
      helpValue: "BACKEND",
      exclusive: ["topology", "import"],
      ...several,
      ...POOL,
    }),
    topology: stringFlag({ summary: "Backends and weights of a topology file.", helpValue: "FILE", ...POOL }),
    import: stringFlag({
      summary: "The same of what a load balancer prints or is configured by.",
      helpValue: "FILE",
      ...several,
      ...POOL,
    }),
    capture: stringFlag({
      summary: "Backends and connections of a capture.",
      helpValue: "FILE",
      ...several,
      ...POOL,
    }),
    vip: stringFlag({ summary: "Which VIP is called.", helpValue: "VIP", aliases: ["to"], ...POOL }),
    protocol: option({ summary: "Its protocol.", options: ["tcp", "udp"] as const, ...POOL })(),
    keys: integer({
      summary: `Connections to make up, ${DEFAULT_KEYS} unless told; in place of the capture's.`,
      min: 1,
      max: 5_000_000,
      helpValue: "N",
      ...KEYS,
    }),
    sources: option({
      summary: "Of clients all over, of a few NATs, or of one network in order.",
      options: ["spread", "nat", "sequential"] as const,
      default: "spread",
      ...KEYS,
    })(),
    clients: integer({ summary: "Client addresses.", min: 1, max: 5_000_000, helpValue: "N", ...KEYS }),
    seed: integer({ summary: "Other numbers make up other connections.", default: 1, helpValue: "N", ...KEYS }),
    method: stringFlag({
      summary: "A method, with options where need be.",
      helpValue: "ID[:OPTION=VALUE,…]",
      helpGroup: "METHODS",
      ...several,
    }),
    compare: boolean({ summary: "All methods, besides those named.", helpGroup: "METHODS" }),
    option: stringFlag({
      summary: "An option of all methods that have it, or of one.",
      helpValue: "[ID.]OPTION=VALUE",
      helpGroup: "METHODS",
      ...several,
    }),
    list: boolean({ summary: "Show all methods with their options.", helpGroup: "METHODS" }),
    add: stringFlag({ summary: "One more.", helpValue: "BACKEND", ...several, ...CHANGE }),
    remove: stringFlag({
      summary: "One is gone, with its connections.",
      helpValue: "ADDRESS:PORT",
      ...several,
      ...CHANGE,
    }),
    drain: stringFlag({
      summary: "One takes no new connections and serves those it has.",
      helpValue: "ADDRESS:PORT",
      ...several,
      ...CHANGE,
    }),
    reweigh: stringFlag({
      summary: "Another weight.",
      helpValue: "ADDRESS:PORT=WEIGHT",
      ...several,
      ...CHANGE,
    }),
    balancers: stringFlag({
      summary: "The number of load balancers behind ECMP changes, too.",
      helpValue: "FROM..TO",
      ...CHANGE,
    }),
    ecmp: stringFlag({
      summary: "How the router spreads flows over them.",
      helpValue: "ID[:OPTION=VALUE,…]",
      dependsOn: ["balancers"],
      helpGroup: "CHANGE",
    }),
    grow: stringFlag({ summary: "So many backends, one more at a time.", helpValue: "FROM..TO" }),
    explain: stringFlag({
      summary: "Where this one connection goes, and why.",
      helpValue: "CLIENT:PORT",
      exclusive: ["grow", "keys", "balancers"],
    }),
    full: boolean({ summary: "Every backend's share under every method." }),
  };

  override async run(): Promise<HashDocument | MethodListDocument | undefined> {
    const { flags } = await this.parse(Hash);
    const { QuestionError } = await import("../src/report/hash/question-error.ts");
    try {
      return await this.answer(flags);
    } catch (error) {
      throw error instanceof QuestionError ? new UsageError(error.message) : error;
    }
  }

  private async answer(flags: HashFlags): Promise<HashDocument | MethodListDocument | undefined> {
    const { METHODS } = await import("../src/balance/selection/methods.ts");
    const { chooseMethods } = await import("../src/report/hash/method-choice.ts");
    if (flags.list) {
      const { methodListDocument, methodListText } = await import("../src/report/hash/method-list.ts");
      return this.tell(flags, METHODS, methodListDocument, methodListText);
    }
    const methods = chooseMethods(METHODS, {
      methods: flags.method ?? [],
      options: flags.option ?? [],
      isCompared: flags.compare,
    });
    if (flags.explain !== undefined) return this.explain(flags, flags.explain, methods);
    if (flags.grow !== undefined) return this.grow(flags, flags.grow, methods);
    return this.share(flags, methods, METHODS);
  }

  private async share(
    flags: HashFlags,
    methods: readonly ChosenMethod[],
    all: readonly SelectionMethod[],
  ): Promise<HashDocument | undefined> {
    const { shareReport } = await import("../src/report/hash/hash-report.ts");
    const { shareDocument } = await import("../src/report/hash/hash-document.ts");
    const { shareText } = await import("../src/report/hash/hash-text.ts");
    const { parseEcmp } = await import("../src/report/hash/ecmp-wish.ts");
    const { pool, keys } = await this.subject(flags);
    const change = await this.change(flags, pool);
    if (change === null && flags.balancers !== undefined) {
      throw new UsageError("--balancers goes with a change of backends: --add, --remove, --drain or --reweigh");
    }
    const ecmp = flags.balancers === undefined ? null : parseEcmp(all, flags.balancers, flags.ecmp);
    const report = shareReport({ pool, methods, change }, keys ?? (await this.madeUp(flags, pool, DEFAULT_KEYS)), ecmp);
    return this.tell(flags, report, shareDocument, shareText);
  }

  private async grow(
    flags: HashFlags,
    text: string,
    methods: readonly ChosenMethod[],
  ): Promise<HashDocument | undefined> {
    const { growthReport } = await import("../src/report/hash/hash-report.ts");
    const { growthDocument } = await import("../src/report/hash/hash-document.ts");
    const { growthText } = await import("../src/report/hash/growth-text.ts");
    const { parseGrowth, filledUp } = await import("../src/report/hash/made-up-backends.ts");
    const range = parseGrowth(text);
    const { pool: given, keys } = await this.subject(flags, true);
    const pool = { ...given, backends: filledUp(given.backends, range.to) };
    const hashed = keys ?? (await this.madeUp(flags, pool, DEFAULT_GROWTH_KEYS));
    return this.tell(flags, growthReport({ pool, methods, change: null }, hashed, range), growthDocument, growthText);
  }

  private async explain(
    flags: HashFlags,
    client: string,
    methods: readonly ChosenMethod[],
  ): Promise<HashDocument | undefined> {
    const { explainReport } = await import("../src/report/hash/hash-report.ts");
    const { explainDocument } = await import("../src/report/hash/hash-document.ts");
    const { explainText } = await import("../src/report/hash/explain-text.ts");
    const { parseKey } = await import("../src/report/hash/key-text.ts");
    if (flags.backend !== undefined && flags.vip === undefined && flags.capture === undefined) {
      throw new UsageError("whom does it call? --to ADDRESS:PORT says which VIP; some methods hash it");
    }
    const { pool } = await this.subject(flags);
    const change = await this.change(flags, pool);
    const connection = parseKey(client, pool.vip, pool.protocol);
    return this.tell(flags, explainReport({ pool, methods, change }, connection), explainDocument, explainText);
  }

  /** The backends, and the capture's connections where those are to be hashed. */
  private async subject(flags: HashFlags, mayBeEmpty = false): Promise<{ pool: Pool; keys: KeySet | null }> {
    const { flagPool, parseBackendFlags, parseVip } = await import("../src/report/hash/flag-pool.ts");
    const wish = { vip: parseVip(flags.vip), protocol: flags.protocol };
    const typed = parseBackendFlags(flags.backend ?? []);
    const given = await this.topology(flags);
    if (flags.capture !== undefined) {
      const { capturedKeySet, capturedPool } = await import("../src/report/hash/captured-pool.ts");
      const { connected, topology } = await this.analyzed(flags.capture, given);
      const captured = capturedPool(connected, topology, wish);
      const pool = typed.length === 0 ? captured.pool : { ...captured.pool, backends: typed, source: "flags" as const };
      const keys = flags.keys === undefined ? capturedKeySet(captured, pool.backends) : null;
      return { pool: await this.requireBackends(pool), keys };
    }
    if (given !== null) {
      const { topologyPool } = await import("../src/report/hash/topology-pool.ts");
      return { pool: topologyPool(given, wish), keys: null };
    }
    const pool = flagPool(typed, wish.vip, wish.protocol);
    return { pool: mayBeEmpty ? pool : await this.requireBackends(pool), keys: null };
  }

  private async requireBackends(pool: Pool): Promise<Pool> {
    if (pool.backends.length > 0) return pool;
    throw new UsageError("no backends: give --backend, --topology, --import or --capture (or --grow FROM..TO)");
  }

  private async topology({ topology, import: imports }: HashFlags): Promise<Topology | null> {
    if (topology === undefined && imports === undefined) return null;
    const { loadTopology } = await import("../src/topology/load.ts");
    const { THRESHOLDS } = await import("../src/diagnose/thresholds.ts");
    const { problemText } = await import("../src/topology/topology.ts");
    const given = await loadTopology({ file: topology, imports, registry: THRESHOLDS });
    for (const problem of given.problems) this.warn(problemText(problem));
    return given;
  }

  private async analyzed(captures: readonly string[], topology: Topology | null): Promise<AnalyzedCaptures> {
    const { TimeBase } = await import("../src/capture/time-base.ts");
    const { analyzeCaptures } = await import("../src/offline/analyze-captures.ts");
    const { withProgressBar } = await import("../src/report/progress-bar.ts");
    return withProgressBar(process.stderr, (onProgress) =>
      analyzeCaptures(captures, { timeBase: new TimeBase(), onProgress, topology }),
    );
  }

  private async madeUp({ keys, sources, clients, seed }: HashFlags, pool: Pool, byDefault: number): Promise<KeySet> {
    const { syntheticKeySet } = await import("../src/report/hash/synthetic-key-set.ts");
    return syntheticKeySet(pool, { keys: keys ?? byDefault, kind: sources, clients, seed });
  }

  private async change(flags: HashFlags, { backends }: Pool): Promise<PoolChange | null> {
    const { parseChange } = await import("../src/report/hash/change-wish.ts");
    const { add = [], remove = [], drain = [], reweigh = [] } = flags;
    return parseChange({ add, remove, drain, reweigh }, backends);
  }

  /** Prints the text, or returns the document. */
  private async tell<Report, Document>(
    { json, full }: { json: boolean; full: boolean },
    report: Report,
    toDocument: (report: Report) => Document,
    toText: (report: Report, page: Page) => string,
  ): Promise<Document | undefined> {
    if (json) return toDocument(report);
    const { createPage } = await import("../src/report/text/page.ts");
    this.log(toText(report, createPage(process.stdout.columns, full)));
    return undefined;
  }
}

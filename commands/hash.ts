import type { Interfaces } from "@oclif/core";
import { boolean, integer, option, string as stringFlag } from "@oclif/core/flags";
import { UsageError } from "../src/cli/exit-codes.ts";
import type { AnalyzedCaptures } from "../src/offline/analyze-captures.ts";
import type { Subject } from "../src/report/hash/answer.ts";
import type { HashDocument } from "../src/report/hash/hash-contract.ts";
import type { MethodListDocument } from "../src/report/hash/method-list.ts";
import type { Topology } from "../src/topology/topology.ts";
import { BaseCommand } from "./base.ts";

const several = { multiple: true, multipleNonGreedy: true } as const;
const POOL = { helpGroup: "BACKENDS" } as const;
const KEYS = { helpGroup: "CONNECTIONS" } as const;
const CHANGE = { helpGroup: "CHANGE" } as const;

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
        "<%= config.bin %> <%= command.id %> --backend 10.2.0.1..100:80 --method katran-v2:ring=4099 --method katran-v2",
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
      summary: "Backends and connections of captures.",
      helpValue: "FILE",
      multiple: true,
      ...POOL,
    }),
    vip: stringFlag({ summary: "Which VIP is called; --to is the same.", helpValue: "VIP", aliases: ["to"], ...POOL }),
    protocol: option({ summary: "Its protocol.", options: ["tcp", "udp"] as const, ...POOL })(),
    keys: integer({
      summary: "Connections to make up, 100000 unless told (fewer for many --grow steps); in place of the capture's.",
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
    const { createPage } = await import("../src/report/text/page.ts");
    const page = createPage(process.stdout.columns, flags.full);
    if (flags.list) {
      const { methodListDocument, methodListText } = await import("../src/report/hash/method-list.ts");
      if (flags.json) return methodListDocument(METHODS);
      this.log(methodListText(METHODS, page));
      return undefined;
    }
    const { chooseMethods } = await import("../src/report/hash/method-choice.ts");
    const { answer } = await import("../src/report/hash/answer.ts");
    const { method: named = [], option: options = [], compare, ...wish } = flags;
    const methods = chooseMethods(METHODS, { methods: named, options, isCompared: compare });
    const subject = await this.subject(flags);
    const { document, text } = answer(METHODS, methods, subject, {
      ...wish,
      add: wish.add ?? [],
      remove: wish.remove ?? [],
      drain: wish.drain ?? [],
      reweigh: wish.reweigh ?? [],
      traffic: { keys: flags.keys, kind: flags.sources, clients: flags.clients, seed: flags.seed },
      isVipMadeUp: flags.vip === undefined && flags.capture === undefined && subject.pool.source === "flags",
    });
    if (flags.json) return document();
    this.log(text(page));
    return undefined;
  }

  /** The backends, and the capture's connections where those are to be hashed. */
  private async subject(flags: HashFlags): Promise<Subject> {
    const { flagPool, parseBackendFlags, parseVip } = await import("../src/report/hash/flag-pool.ts");
    const wish = { vip: parseVip(flags.vip), protocol: flags.protocol };
    const typed = parseBackendFlags(flags.backend ?? []);
    const given = await this.givenTopology(flags, flags.capture);
    if (flags.capture !== undefined) {
      const { capturedKeySet, capturedPool } = await import("../src/report/hash/captured-pool.ts");
      const { connected, topology } = await this.analyzed(flags.capture, given);
      const captured = capturedPool(connected, topology, wish);
      const pool = typed.length === 0 ? captured.pool : { ...captured.pool, backends: typed, source: "flags" as const };
      return { pool, keys: flags.keys === undefined ? capturedKeySet(captured, pool.backends) : null };
    }
    if (given !== null) {
      const { topologyPool } = await import("../src/report/hash/topology-pool.ts");
      return { pool: topologyPool(given, wish), keys: null };
    }
    return { pool: flagPool(typed, wish.vip, wish.protocol), keys: null };
  }

  private async analyzed(captures: readonly string[], topology: Topology | null): Promise<AnalyzedCaptures> {
    const { TimeBase } = await import("../src/capture/time-base.ts");
    const { analyzeCaptures } = await import("../src/offline/analyze-captures.ts");
    const { withProgressBar } = await import("../src/report/progress-bar.ts");
    return withProgressBar(process.stderr, (onProgress) =>
      analyzeCaptures(captures, { timeBase: new TimeBase(), onProgress, topology }),
    );
  }
}

import { string as stringArg } from "@oclif/core/args";
import { boolean, custom, integer, option } from "@oclif/core/flags";
import { UsageError } from "../src/cli/exit-codes.ts";
import { refuseOutput } from "../src/cli/file-arguments.ts";
import { setUpFlags } from "../src/cli/set-up-flags.ts";
import type { AddressMatch } from "../src/report/flows/address-match.ts";
import type { ConnectionSelection } from "../src/report/flows/connection-list.ts";
import type { FlowsDocument } from "../src/report/flows/flow-document.ts";
import type { Page } from "../src/report/text/page.ts";
import type { WindowWords } from "../src/store/store-window.ts";
import { BaseCommand } from "./base.ts";

const OUTCOMES = ["ok", "refused", "reset", "timeout", "open"] as const;
const STATES = ["S0", "S1", "S2", "S3", "SF", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH"] as const;
const SORT_KEYS = ["start", "duration", "bytes", "packets", "retransmits", "handshake", "first-byte"] as const;

/** Flags that may be given several times, each with one value: the captures come behind. */
const several = { multiple: true, multipleNonGreedy: true, helpGroup: "FILTER" } as const;

/** Flags that say which part of a store's time is meant. */
const window = { dependsOn: ["store"], helpGroup: "STORE" };

const address = custom<AddressMatch>({
  helpValue: "ADDRESS",
  parse: async (input) => (await import("../src/report/flows/address-match.ts")).parseAddressMatch(input),
});

export default class Flows extends BaseCommand {
  static override summary = "list connections or legs; filter, sort, cut them out";

  static override description = [
    "Lists every TCP and UDP connection from client to backend, with how it ended and who reset it: a table, CSV or JSON, in the order of their starts unless told otherwise. With --legs, every conversation as each observation point saw it. A filter given several times lets any of its values through; different filters must all hold.",
    "--pcap writes the packets of the connections listed, of all captures, as one pcapng in which each packet says which connection, leg and hop it is.",
    "--store lists what analyze --store or record kept, without reading packets; --pcap then writes those that record kept of broken connections. TIME is in UTC (2026-11-20T14:07:52) or seconds of the epoch, DURATION is 90s, 15m, 24h, 7d.",
    "ADDRESS is an address, a prefix, or either with a port: 192.0.2.10, 192.0.2.0/24, 192.0.2.10:443, 2001:db8::/32, [2001:db8::1]:443.",
  ].join("\n\n");

  static override examples = [
    { description: "All of them", command: "<%= config.bin %> <%= command.id %> lb1.pcap" },
    {
      description: "Who was reset at a VIP",
      command: "<%= config.bin %> <%= command.id %> lb1.pcap --vip 192.0.2.10:443 --outcome reset",
    },
    {
      description: "The ten with most retransmissions",
      command: "<%= config.bin %> <%= command.id %> rs1.pcap --with-retransmits --sort retransmits --limit 10",
    },
    {
      description: "What a finding is about, for Wireshark",
      command:
        "<%= config.bin %> <%= command.id %> lb?.pcap rs?.pcap --finding ecmp.rehash --limit 20 --pcap moved.pcapng",
    },
    {
      description: "Out of a store: the last hour's",
      command: "<%= config.bin %> <%= command.id %> --store lb1.db --last 1h --outcome reset",
    },
    {
      description: "For a spreadsheet",
      command: "<%= config.bin %> <%= command.id %> lb1.pcap lb2.pcap --csv > flows.csv",
    },
  ];

  static override args = {
    capture: stringArg({ description: "a pcap or pcapng file; - is stdin; none with --store", multiple: true }),
  };

  static override flags = {
    client: address({ summary: "Opened by this address.", ...several }),
    vip: address({ summary: "Called this address.", ...several }),
    backend: address({ summary: "Served by this address.", exclusive: ["legs"], ...several }),
    host: address({ summary: "This address on either side.", ...several }),
    port: integer({ summary: "This port on either side.", min: 0, max: 65_535, helpValue: "PORT", ...several }),
    protocol: option({ summary: "This protocol only.", options: ["tcp", "udp"] as const, helpGroup: "FILTER" })(),
    outcome: option({ summary: "Ended so.", options: OUTCOMES, ...several })(),
    state: option({ summary: "In this conn_state of Zeek.", options: STATES, helpValue: "STATE", ...several })(),
    point: custom<string>({ summary: "Seen at this observation point, or node.", helpValue: "NAME" })(several),
    node: custom<string>({ summary: "Passed this node.", helpValue: "NAME" })({ exclusive: ["legs"], ...several }),
    finding: custom<string>({ summary: "Suffers from this finding.", helpValue: "ID" })({
      exclusive: ["legs"],
      ...several,
    }),
    clients: boolean({
      summary: "Without health checks and what balancers open for themselves.",
      exclusive: ["legs"],
      helpGroup: "FILTER",
    }),
    "min-bytes": integer({ summary: "With so much payload.", min: 0, helpValue: "BYTES", helpGroup: "FILTER" }),
    "with-resets": boolean({ summary: "With a reset.", helpGroup: "FILTER" }),
    "with-retransmits": boolean({ summary: "With a retransmission.", helpGroup: "FILTER" }),
    sort: option({
      summary: "Start: the earliest first; else the largest first.",
      options: SORT_KEYS,
      default: "start",
    })(),
    reverse: boolean({ summary: "The other way round." }),
    limit: integer({ summary: "At most so many, after sorting.", min: 0, helpValue: "N" }),
    legs: boolean({ summary: "Each conversation as each observation point saw it." }),
    pcap: custom<string>({
      summary: "Write the packets of the connections listed there, as pcapng.",
      helpValue: "FILE",
    })({
      exclusive: ["legs"],
    }),
    store: custom<string>({ summary: "List what this store holds, instead of captures.", helpValue: "DB" })({
      exclusive: ["legs"],
      helpGroup: "STORE",
    }),
    run: integer({ summary: "Of this run only.", min: 1, helpValue: "N", dependsOn: ["store"], helpGroup: "STORE" }),
    from: custom<string>({ summary: "Begun then or later.", helpValue: "TIME" })(window),
    to: custom<string>({ summary: "Begun before then.", helpValue: "TIME" })(window),
    last: custom<string>({ summary: "Begun in the last part of the store.", helpValue: "DURATION" })({
      ...window,
      exclusive: ["from"],
    }),
    csv: boolean({ summary: "Print CSV (RFC 4180, lines ended by LF).", exclusive: ["json"] }),
    ...setUpFlags(["legs", "store"]),
    "max-legs": integer({
      summary: "Conversations followed at once; beyond it the idlest are given up.",
      min: 1000,
      default: 500_000,
      helpValue: "N",
    }),
  };

  override async run(): Promise<FlowsDocument | undefined> {
    const { args, flags } = await this.parse(Flows);
    const captures = this.distinctCaptures(args.capture ?? []);
    if (flags.pcap !== undefined) refuseOutput("--pcap", flags.pcap, captures);
    if (flags.store === undefined && captures.length === 0)
      throw new UsageError("name captures to read, or --store DB");
    if (flags.store !== undefined && captures.length > 0) throw new UsageError("give captures or --store DB, not both");
    const { TimeBase } = await import("../src/capture/time-base.ts");
    const { withProgressBar } = await import("../src/report/progress-bar.ts");
    const selection = {
      filter: {
        ...flags,
        minBytes: flags["min-bytes"],
        withResets: flags["with-resets"],
        withRetransmits: flags["with-retransmits"],
        clientsOnly: flags.clients,
      },
      sort: flags.sort,
      reverse: flags.reverse,
      limit: flags.limit ?? Number.POSITIVE_INFINITY,
    };
    if (flags.store !== undefined) return this.listStore(flags.store, selection, flags);
    const timeBase = new TimeBase();
    const maxLegs = flags["max-legs"];
    if (flags.legs) {
      const { trackCaptures } = await import("../src/offline/track-captures.ts");
      const { FlowList } = await import("../src/report/flows/flow-list.ts");
      const tracked = await withProgressBar(process.stderr, (onProgress) =>
        trackCaptures(captures, { timeBase, onProgress, maxLegs }),
      );
      await this.tellProblems(tracked);
      return this.print(new FlowList(tracked, timeBase), selection, flags);
    }
    if (flags.pcap !== undefined) await this.refuseStreams(captures);
    const given = await this.givenTopology(flags, captures);
    const { analyzeCaptures } = await import("../src/offline/analyze-captures.ts");
    const { analysisOf } = await import("../src/report/analysis.ts");
    const { ConnectionList } = await import("../src/report/flows/connection-list.ts");
    const analyzed = await withProgressBar(process.stderr, (onProgress) =>
      analyzeCaptures(captures, { timeBase, onProgress, maxLegs, topology: given }),
    );
    await this.tellProblems(analyzed.captures, analyzed.topology.contradictions);
    const connections = new ConnectionList(analysisOf(analyzed, { only: flags.finding }));
    const document = await this.print(connections, selection, flags);
    if (flags.pcap !== undefined) {
      const { collectPackets } = await import("../src/offline/collect-packets.ts");
      const { writeSlice } = await import("../src/report/packet-slice/write-slice.ts");
      const { chosen } = connections;
      const legs = chosen.flatMap((connection) => connection.legs);
      const { packets, left } = await withProgressBar(process.stderr, (onProgress) =>
        collectPackets(analyzed.connected.set, legs, { timeBase, maxLegs, onProgress }),
      );
      await writeSlice(flags.pcap, analyzed.connected, chosen, packets, timeBase);
      if (left > 0)
        this.warn(`${left} packets did not fit in memory and are not in ${flags.pcap}; choose fewer connections`);
    }
    return document;
  }

  /** Selects, then prints the table or CSV, or returns the document. */
  private async print<Selection>(
    flows: {
      objectionTo(selection: Selection): string | null;
      select(selection: Selection): void;
      document(): FlowsDocument;
      csv(): Generator<string>;
      table(page: Page): string;
    },
    selection: Selection,
    { json, csv }: { json: boolean; csv: boolean },
  ): Promise<FlowsDocument | undefined> {
    const objection = flows.objectionTo(selection);
    if (objection !== null) throw new UsageError(objection);
    flows.select(selection);
    if (json) return flows.document();
    if (csv) {
      for (const lines of flows.csv()) this.log(lines);
      return undefined;
    }
    const { createPage } = await import("../src/report/text/page.ts");
    // what reads a pipe can take lines of any length
    const width = process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
    this.log(flows.table(createPage(width, true)));
    return undefined;
  }

  private async listStore(
    path: string,
    selection: ConnectionSelection,
    flags: WindowWords & { run?: number | undefined; json: boolean; csv: boolean; pcap?: string | undefined },
  ): Promise<FlowsDocument | undefined> {
    const { withStoredConnections } = await import("../src/store/stored-list.ts");
    return withStoredConnections(path, flags, async (list, part) => {
      const document = await this.print(list, { ...selection, ...part }, flags);
      if (flags.pcap !== undefined) {
        const kept = list.writePackets(flags.pcap);
        const listed = list.size;
        if (kept < listed) this.warn(`packets were kept of ${kept} of these ${listed} connections`);
      }
      return document;
    });
  }

  private async refuseStreams(paths: readonly string[]): Promise<void> {
    const { readableOnce } = await import("../src/offline/collect-packets.ts");
    const [once] = readableOnce(paths);
    if (once !== undefined) {
      throw new UsageError(`${once} can be read only once, and --pcap reads twice; write it to a file first`);
    }
  }
}

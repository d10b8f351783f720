import { string as stringArg } from "@oclif/core/args";
import { boolean, custom, integer, option } from "@oclif/core/flags";
import { UsageError } from "../src/cli/exit-codes.ts";
import type { AddressMatch } from "../src/report/flows/address-match.ts";
import type { FlowsDocument } from "../src/report/flows/flow-document.ts";
import { BaseCommand } from "./base.ts";

const OUTCOMES = ["ok", "refused", "reset", "timeout", "open"] as const;
const STATES = ["S0", "S1", "S2", "S3", "SF", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH"] as const;
const SORT_KEYS = ["start", "duration", "bytes", "packets", "retransmits", "handshake", "first-byte"] as const;

/** Flags that may be given several times, each with one value: the captures come behind. */
const several = { multiple: true, multipleNonGreedy: true, helpGroup: "FILTER" } as const;

const address = custom<AddressMatch>({
  helpValue: "ADDRESS",
  parse: async (input) => (await import("../src/report/flows/address-match.ts")).parseAddressMatch(input),
});

export default class Flows extends BaseCommand {
  static override summary = "list conversations; filter and sort them";

  static override description = [
    "Lists every TCP and UDP conversation that an observation point saw: a table, CSV or JSON, in the order of their starts unless told otherwise. A filter given several times lets any of its values through; different filters must all hold.",
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
      description: "For a spreadsheet",
      command: "<%= config.bin %> <%= command.id %> lb1.pcap lb2.pcap --csv > flows.csv",
    },
  ];

  static override args = {
    capture: stringArg({ description: "a pcap or pcapng file; - is stdin", multiple: true, required: true }),
  };

  static override flags = {
    client: address({ summary: "Opened by this address.", ...several }),
    vip: address({ summary: "Called this address.", ...several }),
    host: address({ summary: "This address on either side.", ...several }),
    port: integer({ summary: "This port on either side.", min: 0, max: 65_535, helpValue: "PORT", ...several }),
    protocol: option({ summary: "This protocol only.", options: ["tcp", "udp"] as const, helpGroup: "FILTER" })(),
    outcome: option({ summary: "Ended so.", options: OUTCOMES, ...several })(),
    state: option({ summary: "In this conn_state of Zeek.", options: STATES, helpValue: "STATE", ...several })(),
    point: custom<string>({ summary: "Seen at this observation point, or node.", helpValue: "NAME" })(several),
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
    csv: boolean({ summary: "Print CSV (RFC 4180, lines ended by LF).", exclusive: ["json"] }),
    "max-legs": integer({
      summary: "Conversations followed at once; beyond it the idlest are given up.",
      min: 1000,
      default: 500_000,
      helpValue: "N",
    }),
  };

  override async run(): Promise<FlowsDocument | undefined> {
    const { args, flags } = await this.parse(Flows);
    const { TimeBase } = await import("../src/capture/time-base.ts");
    const { trackCaptures } = await import("../src/offline/track-captures.ts");
    const { withProgressBar } = await import("../src/report/progress-bar.ts");
    const { FlowList } = await import("../src/report/flows/flow-list.ts");
    const timeBase = new TimeBase();
    const captures = await withProgressBar(process.stderr, (onProgress) =>
      trackCaptures(args.capture, { timeBase, onProgress, maxLegs: flags["max-legs"] }),
    );
    const flows = new FlowList(captures, timeBase);
    const selection = {
      filter: {
        ...flags,
        minBytes: flags["min-bytes"],
        withResets: flags["with-resets"],
        withRetransmits: flags["with-retransmits"],
      },
      sort: flags.sort,
      reverse: flags.reverse,
      limit: flags.limit ?? Number.POSITIVE_INFINITY,
    };
    const objection = flows.objectionTo(selection);
    if (objection !== null) throw new UsageError(objection);
    flows.select(selection);
    if (flags.json) return flows.document();
    if (flags.csv) {
      for (const lines of flows.csv()) this.log(lines);
      return undefined;
    }
    const { createPage } = await import("../src/report/text/page.ts");
    // what reads a pipe can take lines of any length
    const width = process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
    this.log(flows.table(createPage(width, true)));
    return undefined;
  }
}

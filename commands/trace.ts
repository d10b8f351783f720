import { string as stringArg } from "@oclif/core/args";
import { boolean, custom, integer } from "@oclif/core/flags";
import { UsageError } from "../src/cli/exit-codes.ts";
import { refuseOutput } from "../src/cli/file-arguments.ts";
import { setUpFlags } from "../src/cli/set-up-flags.ts";
import type { FlowChoice } from "../src/report/ladder/choose-connection.ts";
import type { TraceDocument } from "../src/report/ladder/trace-document.ts";
import { BaseCommand } from "./base.ts";

export default class Trace extends BaseCommand {
  static override summary = "draw one connection's way as a ladder";

  static override description = [
    "Draws the journey of one connection from client to backend: a column for each node that was captured on its way, a row for each event, with what rewrites the packets at each hop, the delay from node to node in milliseconds, retransmissions, resets, silences, moves to another load balancer, and where a packet was seen no further.",
    "Bursts of data take one row, and the dull middle of a long connection is left out; --full draws every packet. The captures are read twice, so that they must be files.",
  ].join("\n\n");

  static override examples = [
    {
      description: "By the client's end",
      command: "<%= config.bin %> <%= command.id %> r.pcap lb1.pcap rs1.pcap --flow 10.1.0.21:40821",
    },
    {
      description: "A connection that analyze or flows named, with its packets for Wireshark",
      command: "<%= config.bin %> <%= command.id %> *.pcap --flow c17 --pcap c17.pcapng",
    },
  ];

  static override args = {
    capture: stringArg({ description: "a pcap or pcapng file, plain or compressed", multiple: true, required: true }),
  };

  static override flags = {
    flow: custom<FlowChoice>({
      summary: "The connection: its client's end, or its id.",
      helpValue: "IP:PORT",
      required: true,
      parse: async (input) => (await import("../src/report/ladder/choose-connection.ts")).parseFlowChoice(input),
    })(),
    nth: integer({
      summary: "Which of several connections of that end, in the order of their starts.",
      min: 1,
      helpValue: "N",
    }),
    rows: integer({ summary: "Rows to draw before the dull middle is left out.", min: 4, default: 40, helpValue: "N" }),
    full: boolean({ summary: "Every packet in a row of its own." }),
    ascii: boolean({ summary: "Draw with ASCII letters only." }),
    pcap: custom<string>({
      summary: "Write the connection's packets of all captures there, as pcapng.",
      helpValue: "FILE",
    })(),
    ...setUpFlags(),
    "max-legs": integer({
      summary: "Conversations followed at once; beyond it the idlest are given up.",
      min: 1000,
      default: 500_000,
      helpValue: "N",
    }),
  };

  override async run(): Promise<TraceDocument | undefined> {
    const { args, flags } = await this.parse(Trace);
    const { TimeBase } = await import("../src/capture/time-base.ts");
    const { analyzeCaptures } = await import("../src/offline/analyze-captures.ts");
    const { collectPackets, readableOnce } = await import("../src/offline/collect-packets.ts");
    const { chooseConnection } = await import("../src/report/ladder/choose-connection.ts");
    const { ladderOf } = await import("../src/report/ladder/ladder.ts");
    const { withProgressBar } = await import("../src/report/progress-bar.ts");
    const captures = this.distinctCaptures(args.capture);
    if (flags.pcap !== undefined) refuseOutput("--pcap", flags.pcap, captures);
    const once = readableOnce(captures);
    if (once.length > 0) {
      throw new UsageError(`${once[0]} can be read only once, and trace reads twice; write it to a file first`);
    }
    const given = await this.givenTopology(flags);
    const timeBase = new TimeBase();
    const maxLegs = flags["max-legs"];
    const analyzed = await withProgressBar(process.stderr, (onProgress) =>
      analyzeCaptures(captures, { timeBase, onProgress, maxLegs, topology: given }),
    );
    await this.tellProblems(analyzed.captures, analyzed.topology.contradictions);
    const { connected, diagnosis } = analyzed;
    const timeText = (time: number) => timeBase.toEpoch(time);
    const { connection, objection } = chooseConnection(connected, flags.flow, flags.nth ?? null, timeText);
    if (connection === null) throw new UsageError(objection);
    // a ladder needs the headers and what a payload begins with, and takes memory of its own; a slice needs all
    const keepBytes = flags.pcap === undefined ? { keepBytes: 640, maxBytes: 192e6 } : {};
    const { packets, left } = await withProgressBar(process.stderr, (onProgress) =>
      collectPackets(connected.set, connection.legs, { timeBase, maxLegs, onProgress, ...keepBytes }),
    );
    if (flags.pcap !== undefined) {
      const { writeSlice } = await import("../src/report/packet-slice/write-slice.ts");
      await writeSlice(flags.pcap, connected, [connection], packets, timeBase);
      if (left > 0) this.warn(`${left} packets did not fit in memory and are not in ${flags.pcap}`);
    }
    const resets = diagnosis.subject.resets.get(connection.id) ?? [];
    const findings = diagnosis.findings.filter(({ connections }) => connections.includes(connection.id));
    const ladder = ladderOf(connected, connection, packets, { left, resets, findings, given });
    if (flags.json) {
      const { traceDocument } = await import("../src/report/ladder/trace-document.ts");
      return traceDocument(ladder, timeBase);
    }
    const { ladderText } = await import("../src/report/ladder/ladder-text.ts");
    const { createPage } = await import("../src/report/text/page.ts");
    this.log(
      ladderText(
        ladder,
        { timeBase, rows: flags.rows, ascii: flags.ascii },
        createPage(process.stdout.columns, flags.full),
      ),
    );
    return undefined;
  }
}

import { string as stringArg } from "@oclif/core/args";
import { boolean, integer } from "@oclif/core/flags";
import type { AnalysisDocument } from "../src/report/analysis-contract.ts";
import { BaseCommand } from "./base.ts";

export default class Analyze extends BaseCommand {
  static override summary = "say how the connections in captures fared, and where to look";

  static override description = [
    "Reads pcap and pcapng captures, plain or compressed with gzip or zstd, follows every TCP and UDP conversation in them, and prints how they ended, what was called by many, how fast it answered, what the resets look like and who talked most.",
    "Captures of several points are read together; a point is named after its file and interface (lb1-eth0.pcap is lb1:eth0). A capture that is cut short or damaged is read as far as it goes, and that is said.",
  ].join("\n\n");

  static override examples = [
    { description: "One capture", command: "<%= config.bin %> <%= command.id %> lb1.pcap" },
    {
      description: "Several points of the path at once",
      command: "<%= config.bin %> <%= command.id %> r.pcap lb1-eth0.pcap lb1-eth1.pcap rs1.pcap.zst",
    },
    {
      description: "As it is captured",
      command: "tcpdump -i eth0 -s 128 -U -w - tcp | <%= config.bin %> <%= command.id %> -",
    },
    {
      description: "For a program, every connection included",
      command: "<%= config.bin %> <%= command.id %> lb1.pcap --json --connections > analysis.json",
    },
  ];

  static override args = {
    capture: stringArg({ description: "a pcap or pcapng file; - is stdin", multiple: true, required: true }),
  };

  static override flags = {
    full: boolean({ summary: "All rows of every table." }),
    connections: boolean({ summary: "With --json: list every connection too.", dependsOn: ["json"] }),
    "max-legs": integer({
      summary: "Conversations followed at once; beyond it the idlest are given up.",
      min: 1000,
      default: 500_000,
      helpValue: "N",
    }),
  };

  override async run(): Promise<AnalysisDocument | undefined> {
    const { args, flags } = await this.parse(Analyze);
    const { TimeBase } = await import("../src/capture/time-base.ts");
    const { trackCaptures } = await import("../src/offline/track-captures.ts");
    const { withProgressBar } = await import("../src/report/progress-bar.ts");
    const { analyseLegs } = await import("../src/report/analysis.ts");
    const timeBase = new TimeBase();
    const captures = await withProgressBar(process.stderr, (onProgress) =>
      trackCaptures(args.capture, { timeBase, onProgress, maxLegs: flags["max-legs"] }),
    );
    const analysis = analyseLegs(captures, timeBase, !flags.json);
    if (flags.json) {
      const { analysisDocument } = await import("../src/report/analysis-document.ts");
      return analysisDocument(analysis, { connections: flags.connections });
    }
    const { analysisText } = await import("../src/report/text/analysis-text.ts");
    const { createPage } = await import("../src/report/text/page.ts");
    this.log(analysisText(analysis, createPage(process.stdout.columns, flags.full)));
    return undefined;
  }
}

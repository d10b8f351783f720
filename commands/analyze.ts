import { string as stringArg } from "@oclif/core/args";
import { boolean, integer, option, string as stringFlag } from "@oclif/core/flags";
import { EXIT, UsageError } from "../src/cli/exit-codes.ts";
import { refuseOutput } from "../src/cli/file-arguments.ts";
import { setUpFlags } from "../src/cli/set-up-flags.ts";
import type { AnalyzedCaptures } from "../src/offline/analyze-captures.ts";
import type { Analysis } from "../src/report/analysis.ts";
import type { AnalysisDocument } from "../src/report/analysis-contract.ts";
import type { ExampleLadders } from "../src/report/html/example-ladders.ts";
import type { Topology } from "../src/topology/topology.ts";
import { BaseCommand } from "./base.ts";

/** Flags that may be given several times, each with one value: the captures come behind. */
const several = { multiple: true, multipleNonGreedy: true } as const;

export default class Analyze extends BaseCommand {
  static override summary = "say what is wrong with a load balancer, from captures around it";

  static override description = [
    "Reads pcap and pcapng captures, plain or compressed with gzip or zstd, joins what every point saw into connections from client to backend, and says what is wrong with them: the cause to look at first, where, since when, the frames that show it, and what to do. l4scope explain tells more of each finding.",
    "Captures of several points are read together; a point is named after its file and interface (lb1-eth0.pcap is lb1:eth0). The more points, the more can be told: both sides of a load balancer, or a router and its backends. A capture that is cut short or damaged is read as far as it goes, and that is said.",
    "ID is the id of a finding, or a family with a star: ecmp.rehash, path.*. --ignore is for causes that are known: what they explain is not told either, what they explain in part only is. --only tells of what it names even where another finding explains it, and says which. Exit code 3 says that a finding that is told is as bad as --fail-on.",
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
      description: "To hand on: one page with everything in it",
      command: "<%= config.bin %> <%= command.id %> lb?.pcap --html report.html",
    },
    {
      description: "In a test: fail where something is wrong, but for what is known",
      command: "<%= config.bin %> <%= command.id %> lb1.pcap --fail-on warning --ignore 'note.*' --ignore backend.slow",
    },
    {
      description: "To ask more later: l4scope query top-resets --store lb1.db",
      command: "<%= config.bin %> <%= command.id %> lb1.pcap --store lb1.db",
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
    full: boolean({ summary: "All findings and rows, charts, and what each point saw." }),
    only: stringFlag({ summary: "Only these findings, causes or not.", helpValue: "ID", ...several }),
    ignore: stringFlag({ summary: "All but these findings and what they explain.", helpValue: "ID", ...several }),
    "fail-on": option({
      summary: "Exit with 3 where a finding is as bad as this, or worse.",
      options: ["warning", "critical"] as const,
    })(),
    html: stringFlag({ summary: "Write the report as one HTML page, too.", helpValue: "FILE", exclusive: ["json"] }),
    store: stringFlag({
      summary: "Keep connections, minutes and findings in this store, too; query, flows and diff read it.",
      helpValue: "DB",
    }),
    ...setUpFlags(),
    connections: boolean({ summary: "With --json: list every connection too.", dependsOn: ["json"] }),
    threads: integer({
      summary: "Reading threads; by default one, and two for a gigabyte or more where there are processors to spare.",
      min: 1,
      max: 64,
      helpValue: "N",
    }),
    "max-legs": integer({
      summary: "Conversations followed at once; beyond it the idlest are given up.",
      min: 1000,
      default: 500_000,
      helpValue: "N",
    }),
  };

  override async run(): Promise<AnalysisDocument | undefined> {
    const { args, flags } = await this.parse(Analyze);
    const { objectionTo } = await import("../src/report/finding-choice.ts");
    const objection = objectionTo(flags);
    if (objection !== null) throw new UsageError(objection);
    const { TimeBase } = await import("../src/capture/time-base.ts");
    const { analyzeCaptures } = await import("../src/offline/analyze-captures.ts");
    const { withProgressBar } = await import("../src/report/progress-bar.ts");
    const { analysisOf } = await import("../src/report/analysis.ts");
    const captures = this.distinctCaptures(args.capture);
    if (flags.html !== undefined) refuseOutput("--html", flags.html, captures);
    const topology = await this.givenTopology(flags, captures);
    if (flags.store !== undefined) await (await import("../src/store/open-store.ts")).ensureWritable(flags.store);
    const analyzed = await withProgressBar(process.stderr, (onProgress) =>
      analyzeCaptures(captures, {
        timeBase: new TimeBase(),
        onProgress,
        maxLegs: flags["max-legs"],
        topology,
        ...(flags.threads === undefined ? {} : { threads: flags.threads }),
      }),
    );
    const analysis = analysisOf(analyzed, flags);
    const { isAsBadAs } = await import("../src/report/finding-choice.ts");
    const failOn = flags["fail-on"];
    if (failOn !== undefined && analysis.findings.some(({ severity }) => isAsBadAs(severity, failOn))) {
      this.exitWith(EXIT.findings);
    }
    if (flags.store !== undefined) {
      const { hostname } = await import("node:os");
      const { storeAnalysis } = await import("../src/store/store-analysis.ts");
      // all that was found: what is asked for here is not all that will be asked of the store
      await storeAnalysis(flags.store, analysisOf(analyzed), { version: this.config.version, host: hostname() });
    }
    if (flags.json) {
      const { analysisDocument } = await import("../src/report/document/analysis-document.ts");
      return analysisDocument(analysis, { connections: flags.connections });
    }
    if (flags.html !== undefined) {
      const { writeFileSync } = await import("node:fs");
      const { analysisPage } = await import("../src/report/html/analysis-page.ts");
      const ladders = await this.ladders(analysis, analyzed, { maxLegs: flags["max-legs"], given: topology });
      writeFileSync(flags.html, analysisPage(analysis, ladders));
    }
    const { analysisText } = await import("../src/report/text/analysis-text.ts");
    const { createPage } = await import("../src/report/text/page.ts");
    this.log(analysisText(analysis, createPage(process.stdout.columns, flags.full)));
    return undefined;
  }

  /** A connection of each finding, packet by packet: for them the captures are read a second time. */
  private async ladders(
    analysis: Analysis,
    { connected, timeBase }: AnalyzedCaptures,
    { maxLegs, given }: { maxLegs: number; given: Topology | null },
  ): Promise<ExampleLadders> {
    const { exampleConnections, exampleLadders, legsOfExamples, noLadders } = await import(
      "../src/report/html/example-ladders.ts"
    );
    const { collectPackets, readableOnce } = await import("../src/offline/collect-packets.ts");
    const { withProgressBar } = await import("../src/report/progress-bar.ts");
    const examples = exampleConnections(analysis);
    const [once] = readableOnce(analysis.captures.map(({ path }) => path));
    if (once !== undefined) return noLadders(examples, once);
    const legs = legsOfExamples(examples);
    if (legs.size === 0) return new Map();
    const { packets } = await withProgressBar(process.stderr, (onProgress) =>
      collectPackets(connected.set, legs, { timeBase, maxLegs, onProgress, keepBytes: 640 }),
    );
    return exampleLadders(analysis, examples, packets, given);
  }
}

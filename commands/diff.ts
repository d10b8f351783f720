import { string as stringArg } from "@oclif/core/args";
import { boolean, custom, integer, string as stringFlag } from "@oclif/core/flags";
import { UsageError } from "../src/cli/exit-codes.ts";
import { type SetUpFlags, setUpFlags } from "../src/cli/set-up-flags.ts";
import type { Diff as Comparison } from "../src/report/compare/diff.ts";
import type { DiffDocument } from "../src/report/compare/diff-contract.ts";
import type { DiffRequest } from "../src/report/compare/diff-request.ts";
import type { Moment, MomentRange } from "../src/report/compare/moment.ts";
import { BaseCommand } from "./base.ts";

const files = { multiple: true, helpValue: "FILE" } as const;

const range = custom<MomentRange>({
  helpValue: "FROM..TO",
  parse: async (input) => (await import("../src/report/compare/moment.ts")).parseMomentRange(input),
});

export default class Diff extends BaseCommand {
  static override summary = "say what changed between two captures or stores, or two times of one";

  static override description = [
    "Compares connections before and after something was done: how backends and load balancers share them, how they end, who resets them and why, what is sent again, how long handshakes, connects and first bytes take, which findings came and went. Says first what changed that chance does not explain, or that nothing did; and what cannot be compared, where the sides were captured otherwise.",
    "Each side is one capture, or several points together by --before and --after; or both are times of the same captures, by --at or by windows. What befalls a connection counts for the time in which it does, even where the connection was opened before.",
    "What analyze --store and record keep can be compared in place of captures: two stores, or two times of one. A store knows connections and findings, but no packets: which load balancer a router chose shows only where the balancers were captured, moves only as findings tell of them, and a reset's cause but not which of several balancers sent it.",
    "TIME is of the day (14:07:52.6, UTC, as reports print it; of a store of days, the last there is), since the start of the capture (+4.2s), a date (2026-11-20T14:07:52Z) or epoch seconds. FROM and TO may be left out.",
  ].join("\n\n");

  static override examples = [
    { description: "Two captures of one place", command: "<%= config.bin %> <%= command.id %> before.pcap after.pcap" },
    {
      description: "Several points, before and after a load balancer was added",
      command:
        "<%= config.bin %> <%= command.id %> --before old/r-eth1.pcap old/lb?-eth0.pcap --after new/r-eth1.pcap new/lb?-eth0.pcap",
    },
    {
      description: "One run, before and after a moment in it",
      command: "<%= config.bin %> <%= command.id %> r.pcap lb?.pcap --at 14:07:52",
    },
    {
      description: "Two times of it, the change itself left out",
      command: "<%= config.bin %> <%= command.id %> lb1.pcap --before-window ..14:07:50 --after-window 14:08:00..",
    },
    {
      description: "What was recorded, before and after this afternoon's roll-out",
      command: "<%= config.bin %> <%= command.id %> lb1.db --before-window 13:30..14:00 --after-window 14:10..14:40",
    },
    {
      description: "For a program",
      command: "<%= config.bin %> <%= command.id %> before.pcap after.pcap --json > diff.json",
    },
  ];

  static override args = {
    capture: stringArg({
      description: "two captures, or two stores; or those that --at or windows divide",
      multiple: true,
    }),
  };

  static override flags = {
    before: stringFlag({
      summary: "Captures of before, several points together; or a store.",
      ...files,
      dependsOn: ["after"],
    }),
    after: stringFlag({ summary: "Captures of after, or a store.", ...files, dependsOn: ["before"] }),
    at: custom<Moment>({
      summary: "Compare what was before this moment with what was after it.",
      helpValue: "TIME",
      parse: async (input) => (await import("../src/report/compare/moment.ts")).parseMoment(input),
    })({ exclusive: ["before", "before-window", "after-window"] }),
    "before-window": range({ summary: "Before is this time of the captures.", exclusive: ["before"] }),
    "after-window": range({ summary: "After is this time of them; left out, the rest.", exclusive: ["before"] }),
    ...setUpFlags(),
    full: boolean({ summary: "All VIPs, backends and tests." }),
    "max-legs": integer({
      summary: "Conversations followed at once; beyond it the idlest are given up.",
      min: 1000,
      default: 500_000,
      helpValue: "N",
    }),
  };

  override async run(): Promise<DiffDocument | undefined> {
    const { args, flags } = await this.parse(Diff);
    const { diffRequest } = await import("../src/report/compare/diff-request.ts");
    const { beforeWindow, afterWindow } = { beforeWindow: flags["before-window"], afterWindow: flags["after-window"] };
    const request = diffRequest({ ...flags, beforeWindow, afterWindow, captures: args.capture ?? [] });
    if (typeof request === "string") throw new UsageError(request);
    const diff = await this.compare(request, flags);
    if (flags.json) return (await import("../src/report/compare/diff-document.ts")).diffDocument(diff);
    const { diffText } = await import("../src/report/compare/diff-text.ts");
    const { createPage } = await import("../src/report/text/page.ts");
    this.log(diffText(diff, createPage(process.stdout.columns, flags.full)));
    return undefined;
  }

  private async compare(
    request: DiffRequest,
    { "max-legs": maxLegs, ...setUp }: SetUpFlags & { "max-legs": number },
  ): Promise<Comparison> {
    const { diffOf } = await import("../src/report/compare/diff.ts");
    const { sidesOfStores } = await import("../src/store/stored-sides.ts");
    const stored = await sidesOfStores(request);
    if (stored !== null) {
      const named = setUp.topology !== undefined ? "--topology" : setUp.import !== undefined ? "--import" : null;
      if (named !== null) throw new UsageError(`${named} is for captures: what a store holds is judged already`);
      return diffOf(...stored);
    }
    const { TimeBase } = await import("../src/capture/time-base.ts");
    const { analyzeCaptures } = await import("../src/offline/analyze-captures.ts");
    const { withProgressBar } = await import("../src/report/progress-bar.ts");
    const { analysisOf } = await import("../src/report/analysis.ts");
    const { sideOfAnalysis } = await import("../src/report/compare/side-of-analysis.ts");
    const given = await this.givenTopology(
      setUp,
      request.kind === "captures" ? [...request.before, ...request.after] : request.captures,
    );
    const analyze = async (paths: readonly string[]) =>
      analysisOf(
        await withProgressBar(process.stderr, (onProgress) =>
          analyzeCaptures(paths, { timeBase: new TimeBase(), onProgress, maxLegs, topology: given }),
        ),
      );
    if (request.kind === "captures") {
      const { sideNames } = await import("../src/report/compare/diff-request.ts");
      const [nameOfBefore, nameOfAfter] = sideNames(request.before, request.after);
      const before = sideOfAnalysis(await analyze(request.before), nameOfBefore);
      return diffOf(before, sideOfAnalysis(await analyze(request.after), nameOfAfter));
    }
    const { windowsOf } = await import("../src/report/compare/diff-request.ts");
    const analysis = await analyze(request.captures);
    const { timeBase, subject } = analysis;
    const windows = windowsOf(request, { start: subject.start, end: subject.end, timeBase }, "the captures");
    if (typeof windows === "string") throw new UsageError(windows);
    const [before, after] = windows;
    return diffOf(sideOfAnalysis(analysis, before.name, before), sideOfAnalysis(analysis, after.name, after));
  }
}

import { string as stringArg } from "@oclif/core/args";
import { boolean, string as stringFlag } from "@oclif/core/flags";
import { EXIT, UsageError } from "../src/cli/exit-codes.ts";
import { EXPORTER_FLAGS, SOURCE_FLAGS, sourceSpecs, streamPaths } from "../src/cli/live-flags.ts";
import type { LiveModel } from "../src/live/live-model.ts";
import { BaseCommand } from "./base.ts";

/** Of `top --json`: the last model; what there is nothing to say about is null. */
type LiveDocument = { schema: "l4scope.live/1" } & LiveModel;

export default class Top extends BaseCommand {
  static override summary = "watch what happens now: VIPs, backends, resets, findings";

  static override description =
    `The live dashboard. It watches interfaces by small programs in the kernel, a capture on stdin as it is written, or plays
a capture back, and says what \`analyze\` would say, as it happens. ? shows the keys.

When stdout is not a terminal, or with --json, it watches until its sources end (or for --duration, 10 s by default where
they do not) and prints what it saw once.`;

  static override examples = [
    { description: "This load balancer", command: "<%= config.bin %> <%= command.id %> eth0 eth1" },
    {
      description: "Another one, without installing anything there",
      command: "ssh lb2 tcpdump -i any -U -w - not port 22 | <%= config.bin %> <%= command.id %> -",
    },
    {
      description: "Yesterday's incident, ten times as fast",
      command: "<%= config.bin %> <%= command.id %> --replay lb1.pcap --replay rs1.pcap --speed 10",
    },
    {
      description: "What was recorded, back to any minute of it",
      command: "<%= config.bin %> <%= command.id %> --store lb1.db",
    },
    {
      description: "With metrics for Prometheus while it runs",
      command: "<%= config.bin %> <%= command.id %> eth0 --listen 127.0.0.1:9464",
    },
  ];

  static override args = {
    interface: stringArg({ description: "an interface; - is a capture on stdin", multiple: true }),
  };

  static override flags = {
    ...SOURCE_FLAGS,
    listen: stringFlag({ summary: "Serve metrics there while it runs.", helpValue: "ADDRESS:PORT" }),
    ...EXPORTER_FLAGS,
    store: stringFlag({
      summary: "Show what this store remembers; [ and ] move by a minute.",
      helpValue: "DB",
      exclusive: ["replay", "source", "interface", "listen", "topology", "import"],
    }),
    evidence: stringFlag({ summary: "Where the key w writes evidence to.", helpValue: "FOLDER", default: "." }),
    full: boolean({ summary: "In the text of a run without a terminal: all rows." }),
  };

  override async run(): Promise<LiveDocument | undefined> {
    const { args, flags } = await this.parse(Top);
    if (flags.store !== undefined) return this.showStore(flags.store, args.interface ?? [], flags);
    const sources = sourceSpecs(args.interface ?? [], flags);
    const isInteractive = process.stdout.isTTY === true && !flags.json;
    const { watch } = await import("../src/tui/watch.ts");
    const topology = await this.givenTopology(flags, streamPaths(args.interface ?? [], flags));
    if (flags.listen === undefined && (flags.ipvs || flags["web-config"] !== undefined)) {
      throw new UsageError("--ipvs and --web-config are about what --listen serves: give --listen ADDRESS:PORT");
    }
    const onProblem = (line: string) => this.warn(line);
    const also = flags.ipvs ? (await import("../src/metrics/ipvs-metrics.ts")).ipvsOfThisHost(onProblem) : undefined;
    const exporter =
      flags.listen === undefined
        ? undefined
        : {
            listen: flags.listen,
            version: this.config.version,
            ...(flags["web-config"] === undefined ? {} : { webConfigFile: flags["web-config"] }),
            ...(also === undefined ? {} : { also }),
          };
    const model = await watch({
      live: {
        sources,
        topology,
        maxFlows: flags["max-flows"],
        ...(flags.duration === undefined ? {} : { durationSeconds: flags.duration }),
      },
      isInteractive,
      evidenceDirectory: flags.evidence,
      ...(exporter === undefined ? {} : { exporter }),
      onProblem,
    });
    if (model === null) return undefined;
    if (model.health.state === "failed") {
      this.warn(model.health.failure ?? "a source failed");
      this.exitWith(EXIT.failed);
    }
    return this.print(model, flags);
  }

  /** A store's newest minute, or on a terminal any. */
  private async showStore(
    path: string,
    interfaces: readonly string[],
    flags: { json: boolean; full: boolean; evidence: string },
  ): Promise<LiveDocument | undefined> {
    if (interfaces.length > 0) throw new UsageError("give interfaces or --store DB, not both");
    const { StoredSession } = await import("../src/store/stored-session.ts");
    const session = await StoredSession.open(path);
    try {
      if (process.stdout.isTTY !== true || flags.json) return await this.print(session.model(), flags);
      const { runDashboard } = await import("../src/tui/run-dashboard.ts");
      await runDashboard(session, {
        output: process.stdout,
        input: process.stdin,
        evidenceDirectory: flags.evidence,
        onScrollTime: (minutes) => session.scroll(minutes),
      });
      return undefined;
    } finally {
      await session.stop();
    }
  }

  private async print(model: LiveModel, flags: { json: boolean; full: boolean }): Promise<LiveDocument | undefined> {
    if (flags.json) return { schema: "l4scope.live/1", ...model };
    const { snapshotText } = await import("../src/tui/snapshot.ts");
    const { createPage } = await import("../src/report/text/page.ts");
    this.log(snapshotText(model, createPage(process.stdout.columns, flags.full)));
    return undefined;
  }
}

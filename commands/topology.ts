import { string as stringArg } from "@oclif/core/args";
import { boolean, integer, string as stringFlag } from "@oclif/core/flags";
import { UsageError } from "../src/cli/exit-codes.ts";
import { type SetUpFlags, setUpFlags } from "../src/cli/set-up-flags.ts";
import type { TopologyListDocument } from "../src/report/topology/topology-list-document.ts";
import type { TopologyReport } from "../src/report/topology/topology-report.ts";
import { BaseCommand } from "./base.ts";

export default class Topology extends BaseCommand {
  static override summary = "show VIPs, load balancers and backends, and write them to a file";

  static override description =
    `Finds out from captures alone who is client, router, load balancer and backend, how each VIP is forwarded and which
backends it has, and draws it. A topology file and what load balancers print or are configured by complete it:
ipvsadm -Sn, -Ln and -Lcn, keepalived.conf, haproxy.cfg, nginx stream {}, Envoy's static YAML, nft -j list ruleset,
conntrack -L and the log of conntrack -E. Which of them a file is, is told by its content.

Packets are believed before the file, and the file before imports; where they do not agree, that is said.`;

  static override examples = [
    { description: "What captures show", command: "<%= config.bin %> <%= command.id %> r.pcap lb1.pcap rs1.pcap" },
    {
      description: "With what the balancer says of itself, kept for the next run",
      command: "<%= config.bin %> <%= command.id %> lb1.pcap --import haproxy.cfg --write topology.yaml",
    },
    {
      description: "From a live balancer, without captures",
      command: "nft -j list ruleset | <%= config.bin %> <%= command.id %> --import -",
    },
  ];

  static override args = {
    capture: stringArg({ description: "a pcap or pcapng file; - is stdin", multiple: true }),
  };

  static override flags = {
    ...setUpFlags(),
    write: stringFlag({
      summary: "Write the topology to a file; - is stdout, in place of the drawing.",
      helpValue: "FILE",
    }),
    force: boolean({ summary: "Write over a file that is there.", dependsOn: ["write"] }),
    full: boolean({ summary: "All clients, backends, addresses." }),
    "max-legs": integer({
      summary: "Conversations followed at once; beyond it the idlest are given up.",
      min: 1000,
      default: 500_000,
      helpValue: "N",
    }),
  };

  override async run(): Promise<TopologyListDocument | undefined> {
    const { args, flags } = await this.parse(Topology);
    const captures = this.distinctCaptures(args.capture ?? []);
    if (captures.length === 0 && flags.topology === undefined && flags.import === undefined) {
      throw new UsageError("nothing to show: name captures, --import or --topology");
    }
    if (flags.json && flags.write === "-") {
      throw new UsageError("--json and --write - both print on stdout: give a file's name");
    }
    const report = await this.report(captures, flags);
    if (flags.write !== undefined) {
      const { topologyFile } = await import("../src/report/topology/topology-file.ts");
      await this.write(flags.write, topologyFile(report), flags.force);
    }
    if (flags.json) {
      const { topologyListDocument } = await import("../src/report/topology/topology-list-document.ts");
      return topologyListDocument(report);
    }
    if (flags.write !== "-") {
      const { topologyText } = await import("../src/report/topology/topology-text.ts");
      const { createPage } = await import("../src/report/text/page.ts");
      this.log(topologyText(report, createPage(process.stdout.columns, flags.full)));
    }
    return undefined;
  }

  private async report(
    captures: readonly string[],
    flags: SetUpFlags & { "max-legs": number },
  ): Promise<TopologyReport> {
    const { emptyTopology } = await import("../src/topology/merge.ts");
    const { topologyReport } = await import("../src/report/topology/topology-report.ts");
    const given = (await this.givenTopology(flags, captures)) ?? emptyTopology();
    if (captures.length === 0) return topologyReport(null, given);
    const { TimeBase } = await import("../src/capture/time-base.ts");
    const { analyzeCaptures } = await import("../src/offline/analyze-captures.ts");
    const { withProgressBar } = await import("../src/report/progress-bar.ts");
    const analyzed = await withProgressBar(process.stderr, (onProgress) =>
      analyzeCaptures(captures, {
        timeBase: new TimeBase(),
        onProgress,
        maxLegs: flags["max-legs"],
        topology: given,
      }),
    );
    await this.tellProblems(analyzed.captures);
    const { topology: inferred, connected, diagnosis } = analyzed;
    return topologyReport({ inferred, endpoints: connected.endpoints, schedulers: diagnosis.schedulers }, given);
  }

  private async write(path: string, text: string, isForced: boolean): Promise<void> {
    if (path === "-") {
      process.stdout.write(text);
      return;
    }
    const { writeFileSync } = await import("node:fs");
    try {
      writeFileSync(path, text, { flag: isForced ? "w" : "wx" });
    } catch (error) {
      const isThere = (error as NodeJS.ErrnoException).code === "EEXIST";
      throw isThere ? new UsageError(`${path} is there already: --force writes over it`) : error;
    }
    this.logToStderr(`wrote ${path}`);
  }
}

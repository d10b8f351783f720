import { string as stringArg } from "@oclif/core/args";
import { integer, string as stringFlag } from "@oclif/core/flags";
import { RunError } from "../src/cli/exit-codes.ts";
import { EXPORTER_FLAGS, SOURCE_FLAGS, sourceSpecs, streamPaths } from "../src/cli/live-flags.ts";
import { BaseCommand } from "./base.ts";

export default class Serve extends BaseCommand {
  static override summary = "serve metrics of what happens now to Prometheus";

  static override description =
    `Watches like \`top\`, without a screen, and answers /metrics (OpenMetrics to who asks for it), /findings as JSON, /healthz
and /readyz. It listens on loopback unless told; a web config file of the Prometheus exporter toolkit brings TLS and
passwords, and may change while it runs. No client's address is ever a label, and the number of series is bounded.

With --duration it ends by itself; else on SIGINT or SIGTERM, or with exit code 1 when nothing can be watched any more.`;

  static override examples = [
    { description: "This load balancer", command: "<%= config.bin %> <%= command.id %> eth0 eth1" },
    {
      description: "For others to scrape, with TLS and a password",
      command: "<%= config.bin %> <%= command.id %> eth0 --listen :9464 --web-config web.yml",
    },
    {
      description: "With what IPVS counts itself, as node_exporter names it",
      command: "<%= config.bin %> <%= command.id %> eth0 eth1 --ipvs",
    },
    {
      description: "A capture as if it happened now",
      command: "<%= config.bin %> <%= command.id %> --replay lb1.pcap",
    },
  ];

  static override args = {
    interface: stringArg({ description: "an interface; - is a capture on stdin", multiple: true }),
  };

  static override flags = {
    ...SOURCE_FLAGS,
    listen: stringFlag({
      summary: "Where to listen; :9464 is every address.",
      helpValue: "ADDRESS:PORT",
      default: "127.0.0.1:9464",
    }),
    ...EXPORTER_FLAGS,
    "max-series": integer({
      summary: "Series at most; VIPs, backends and members beyond it are counted as other.",
      min: 100,
      max: 1_000_000,
      default: 100_000,
      helpValue: "N",
    }),
  };

  override async run(): Promise<{ url: string } | undefined> {
    const { args, flags } = await this.parse(Serve);
    const sources = sourceSpecs(args.interface ?? [], flags);
    const { endOfRun } = await import("../src/live/end-of-run.ts");
    const { serve } = await import("../src/metrics/serve-session.ts");
    const topology = await this.givenTopology(flags, streamPaths(args.interface ?? [], flags));
    const onProblem = (line: string) => this.warn(line);
    const also = flags.ipvs ? (await import("../src/metrics/ipvs-metrics.ts")).ipvsOfThisHost(onProblem) : undefined;
    const serving = await serve(
      {
        sources,
        topology,
        maxFlows: flags["max-flows"],
        maxSeries: flags["max-series"],
        ...(flags.duration === undefined ? {} : { durationSeconds: flags.duration }),
      },
      {
        listen: flags.listen,
        version: this.config.version,
        ...(flags["web-config"] === undefined ? {} : { webConfigFile: flags["web-config"] }),
        ...(also === undefined ? {} : { also }),
        onProblem,
      },
    );
    try {
      this.logToStderr(`serving ${serving.url}/metrics`);
      const { duration } = flags;
      const { ended } = serving.handle;
      const failure = () => serving.handle.model().health.failure;
      // the last figures of a replay stay to be scraped; a session that failed is for whoever supervises it to begin anew
      const isOver = () => duration !== undefined || failure() !== null;
      await endOfRun(ended.then(() => (isOver() ? undefined : new Promise<void>(() => {}))));
      const why = failure();
      if (why !== null) throw new RunError(why);
    } finally {
      await serving.stop();
    }
    return flags.json ? { url: serving.url } : undefined;
  }
}

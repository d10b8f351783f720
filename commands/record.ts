import { string as stringArg } from "@oclif/core/args";
import { string as stringFlag } from "@oclif/core/flags";
import { EXIT, UsageError } from "../src/cli/exit-codes.ts";
import { FLEET_FLAG, fleetPassword } from "../src/cli/fleet-flags.ts";
import { SOURCE_FLAGS, sourceSpecs, streamPaths } from "../src/cli/live-flags.ts";
import { parseBytes } from "../src/cli/sizes.ts";
import type { ShippingBeside } from "../src/fleet/ship-beside.ts";
import type { WriterStats } from "../src/store/store-writer.ts";
import { BaseCommand } from "./base.ts";

export default class Record extends BaseCommand {
  static override summary = "keep what happens in a store: the flight recorder";

  static override description =
    `Watches like \`top\`, without a screen, and keeps connections, findings, what each minute brought, and the packets of broken
connections in a SQLite file that \`query\`, \`flows --store\`, \`diff\` and \`top --store\` read, also while it is written. It
commits every second. Where the disk is full it says so, keeps the newest in memory, and goes on when there is room.`;

  static override examples = [
    {
      description: "This load balancer, the last day of it",
      command: "<%= config.bin %> <%= command.id %> eth0 eth1 --store /var/lib/l4scope/lb1.db --keep 24h --max-size 4G",
    },
    {
      description: "Another one, without installing anything there",
      command: "ssh lb2 tcpdump -i any -U -w - not port 22 | <%= config.bin %> <%= command.id %> - --store lb2.db",
    },
    {
      description: "One of many hosts, sent to where all can be asked together",
      command: "<%= config.bin %> <%= command.id %> eth0 --store /var/lib/l4scope/lb1.db --fleet http://ch1:8123",
    },
    {
      description: "Yesterday's captures, to ask questions of",
      command: "<%= config.bin %> <%= command.id %> --replay lb1.pcap --speed max --store incident.db",
    },
  ];

  static override args = {
    interface: stringArg({ description: "an interface; - is a capture on stdin", multiple: true }),
  };

  static override flags = {
    ...SOURCE_FLAGS,
    store: stringFlag({ summary: "The file; it is made where there is none.", helpValue: "DB", required: true }),
    keep: stringFlag({ summary: "Take out what is older: 90m, 24h, 7d.", helpValue: "SPAN", default: "24h" }),
    "max-size": stringFlag({ summary: "Take out the oldest beyond this: 500M, 4G.", helpValue: "SIZE" }),
    ...FLEET_FLAG,
  };

  override async run(): Promise<WriterStats | undefined> {
    const { args, flags } = await this.parse(Record);
    const sources = sourceSpecs(args.interface ?? [], flags);
    const { parseSpan } = await import("../src/store/spans.ts");
    const keepSeconds = parseSpan(flags.keep);
    if (keepSeconds === null) throw new UsageError(`--keep ${flags.keep}: a number and s, m, h, d or w, like 24h`);
    const maxBytes = flags["max-size"] === undefined ? undefined : parseBytes(flags["max-size"]);
    if (maxBytes === null) throw new UsageError(`--max-size ${flags["max-size"]}: a number and k, M, G or T, like 4G`);
    const { hostname } = await import("node:os");
    const { endOfRun } = await import("../src/live/end-of-run.ts");
    const { record } = await import("../src/store/record-session.ts");
    const { parseFleetAddress } = await import("../src/fleet/fleet-address.ts");
    const { shipBeside } = await import("../src/fleet/ship-beside.ts");
    const fleet = flags.fleet === undefined ? null : parseFleetAddress(flags.fleet, fleetPassword());
    const topology = await this.givenTopology(flags, streamPaths(args.interface ?? [], flags));
    const isReplay = flags.replay !== undefined;
    const recording = await record(flags.store, {
      live: {
        sources,
        topology,
        maxFlows: flags["max-flows"],
        ...(flags.duration === undefined ? {} : { durationSeconds: flags.duration }),
      },
      facts: {
        version: this.config.version,
        host: hostname(),
        sources: [
          ...(args.interface ?? []),
          ...(flags.interface ?? []),
          ...(flags.source ?? []),
          ...(flags.replay ?? []),
        ],
      },
      // what is played back is as old as it is
      keep: { ...(isReplay ? {} : { keepSeconds }), ...(maxBytes === undefined ? {} : { maxBytes }) },
      onNotice: (line) => this.warn(line),
    });
    let shipping: ShippingBeside | null = null;
    try {
      if (fleet !== null) shipping = await shipBeside(flags.store, fleet, (line) => this.warn(line));
      await endOfRun(recording.ended);
    } finally {
      await recording.stop();
      await shipping?.close();
    }
    const stats = recording.stats();
    const { health } = recording.handle.model();
    if (health.state === "failed") {
      this.warn(health.failure ?? "a source failed");
      // what was kept until then is told, too, but whoever supervises it has to know
      process.exitCode = EXIT.failed;
    }
    if (stats.dropped > 0) this.warn(`${stats.dropped} rows found no room and were dropped`);
    this.log(`${stats.connections} connections kept in ${flags.store}`);
    return stats;
  }
}

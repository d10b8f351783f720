import { boolean, integer, string as stringFlag } from "@oclif/core/flags";
import { UsageError } from "../src/cli/exit-codes.ts";
import { FLEET_FLAG, fleetPassword } from "../src/cli/fleet-flags.ts";
import type { ShipStats } from "../src/fleet/shipper.ts";
import { BaseCommand } from "./base.ts";

export default class Ship extends BaseCommand {
  static override summary = "send a store to the fleet's: many hosts, one place to ask";

  static override description = [
    "Sends connections and findings of a store that record or analyze wrote to a ClickHouse server, which `query --fleet` asks across hosts. --follow goes on with what is written from then on, beside the recorder that writes it; `record --fleet` does both in one.",
    "What waits to be sent is kept in the store: a server that is away or a ship that is killed loses nothing and sends nothing twice, as long as the store keeps it (--keep of record). Tables are made where there are none; docs/fleet.md says what they hold.",
  ].join("\n\n");

  static override examples = [
    {
      description: "All of an incident, once",
      command: "<%= config.bin %> <%= command.id %> --store incident.db --fleet http://ch1:8123",
    },
    {
      description: "What a recorder of another process writes, for good",
      command:
        "<%= config.bin %> <%= command.id %> --store /var/lib/l4scope/lb1.db --fleet http://l4scope@ch1:8123/l4scope --follow",
    },
    {
      description: "Ask all hosts together",
      command: "<%= config.bin %> query findings --fleet http://ch1:8123 --last 1h",
    },
  ];

  static override flags = {
    ...FLEET_FLAG,
    store: stringFlag({ summary: "The store to send.", helpValue: "DB", required: true }),
    follow: boolean({ summary: "Go on with what is written from now on, and wait for a server that is away." }),
    host: stringFlag({ summary: "Under this name instead of the one in the store.", helpValue: "NAME" }),
    every: integer({
      summary: "Gather rows for so long before they are sent.",
      min: 1,
      max: 3600,
      default: 5,
      helpValue: "SECONDS",
    }),
    duration: integer({ summary: "Stop by itself after so many seconds.", min: 1, helpValue: "SECONDS" }),
    forget: boolean({
      summary: "Send nothing: empty the store's queue and keep none from now on.",
      exclusive: ["fleet", "follow", "host"],
    }),
  };

  override async run(): Promise<ShipStats | undefined> {
    const { flags } = await this.parse(Ship);
    if (flags.forget) {
      const { forgetQueue } = await import("../src/fleet/forget-queue.ts");
      const forgotten = await forgetQueue(flags.store);
      this.log(`${flags.store} keeps no queue any more; ${forgotten} rows were waiting`);
      return undefined;
    }
    if (flags.fleet === undefined) throw new UsageError("name the fleet's ClickHouse with --fleet http://HOST:8123");
    const { parseFleetAddress } = await import("../src/fleet/fleet-address.ts");
    const address = parseFleetAddress(flags.fleet, fleetPassword());
    const { Shipper } = await import("../src/fleet/shipper.ts");
    const { endOfRun } = await import("../src/live/end-of-run.ts");
    const shipper = await Shipper.open(flags.store, address, {
      follow: flags.follow,
      everySeconds: flags.every,
      onNotice: (line) => this.warn(line),
      ...(flags.host === undefined ? {} : { host: flags.host }),
      ...(flags.duration === undefined ? {} : { durationSeconds: flags.duration }),
    });
    let stats: ShipStats;
    try {
      await endOfRun(shipper.run());
    } finally {
      stats = await shipper.close();
    }
    if (stats.gone > 0) this.warn(`${stats.gone} rows were taken out of the store before they could be sent`);
    const rest = stats.waiting > 0 ? `; ${stats.waiting} rows wait` : "";
    this.log(`${stats.connections} connections and ${stats.findings} findings sent to ${flags.fleet}${rest}`);
    return stats;
  }
}

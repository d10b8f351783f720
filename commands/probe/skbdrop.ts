import { integer } from "@oclif/core/flags";
import { filterOf, packetProbeFlags } from "../../src/cli/probe-flags.ts";
import { BaseCommand } from "../base.ts";

export default class Skbdrop extends BaseCommand {
  static override enableJsonFlag = false;

  static override summary = "Packets that the kernel drops: why, where, and whose";

  static override description = [
    "Counts every packet that the kernel gives up by its reason (enum skb_drop_reason, Linux 5.17 and later) and the kernel function that did it, and shows some of each: so many a second, reason and place. PACKETS is how many a line stands for. At the end come the counts of all. NO_SOCKET are packets to ports that nobody listens on, NETFILTER_DROP those of packet rules, IP_RPFILTER those of reverse-path filtering, QDISC_DROP those of a full queue.",
    "Packets dropped before the kernel has a buffer for them are the network card's, and not here; l4scope doctor shows those.",
  ].join("\n\n");

  static override examples = [
    {
      description: "What becomes of the packets to a VIP",
      command: "sudo <%= config.bin %> <%= command.id %> --vip 192.0.2.10:443",
    },
    {
      description: "Counts of a minute by reason",
      command:
        'sudo <%= config.bin %> <%= command.id %> --duration 60 --samples 0 --json | jq -r "[.total, .reason, .place] | @tsv"',
    },
  ];

  static override flags = {
    ...packetProbeFlags(async (text) =>
      (await import("../../src/report/flows/address-match.ts")).parseAddressMatch(text),
    ),
    samples: integer({
      summary: "Packets a second to show of each reason and place, by each processor.",
      min: 0,
      max: 100_000,
      default: 20,
      helpValue: "N",
    }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Skbdrop);
    const { watchProbe } = await import("../../src/probe/watch-probe.ts");
    await watchProbe("skbdrop", {
      filter: filterOf(flags),
      constants: { shown_per_second: flags.samples },
      json: flags.json,
      durationSeconds: flags.duration,
      out: process.stdout,
      tell: (sentence) => this.warn(sentence),
    });
  }
}

import { boolean } from "@oclif/core/flags";
import { filterOf, packetProbeFlags } from "../../src/cli/probe-flags.ts";
import { BaseCommand } from "../base.ts";

export default class Fib extends BaseCommand {
  static override enableJsonFlag = false;

  static override summary = "The next hop that each conversation leaves a router by, and when it changes";

  static override description = [
    "One line when a conversation's first packet is forwarded, and one when its packets begin to leave by another next hop: what ECMP on this Linux router makes of them. NEXTHOP is the address that the neighbour table has for the MAC that they are sent to, else the MAC, else the interface. In between, packets are counted in the kernel.",
    "The interface and MAC of packets that leave are looked at, not the kernel's lookups: those come before one of several next hops is picked. What XDP programs forward is not seen.",
  ].join("\n\n");

  static override examples = [
    {
      description: "Which balancer behind ECMP gets the connections of a VIP",
      command: "sudo <%= config.bin %> <%= command.id %> --vip 192.0.2.10:443",
    },
    {
      description: "Conversations that moved within five minutes",
      command: `sudo <%= config.bin %> <%= command.id %> --duration 300 --json | jq 'select(.change=="changed")'`,
    },
  ];

  static override flags = {
    ...packetProbeFlags(async (text) =>
      (await import("../../src/report/flows/address-match.ts")).parseAddressMatch(text),
    ),
    own: boolean({ summary: "Also of packets that this host sends itself." }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Fib);
    const { watchProbe } = await import("../../src/probe/watch-probe.ts");
    await watchProbe("fib", {
      filter: filterOf(flags),
      constants: { with_own: flags.own ? 1 : 0 },
      json: flags.json,
      durationSeconds: flags.duration,
      out: process.stdout,
      tell: (sentence) => this.warn(sentence),
    });
  }
}

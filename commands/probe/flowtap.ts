import { string as stringArg } from "@oclif/core/args";
import { integer } from "@oclif/core/flags";
import { filterOf, packetProbeFlags } from "../../src/cli/probe-flags.ts";
import { BaseCommand } from "../base.ts";

export default class Flowtap extends BaseCommand {
  static override enableJsonFlag = false;

  static override summary = "Packets that tell a conversation's story, and what else passed, by interface";

  static override description = [
    "What the live dashboard watches an interface by. Classifiers on both directions count every conversation in the kernel (at the end: packets, bytes, flags of each direction) and show the headers of the packets that matter: SYN, FIN and RST, the first packets and the first data of each direction, what is sent again, other MACs than before, closed windows, the first packet after a silence, first fragments, and ARP, neighbour discovery, VRRP and ICMP errors. WHY says which of these a line is. Tunnels (IPIP, GRE, GUE, VXLAN, Geneve) and VLANs are looked into.",
    "Nothing is changed on the way of a packet: other classifiers are asked as before. The classifiers are taken off at the end; after a kill -9 the next run takes them off, or l4scope doctor --clean. Of messages (ARP, VRRP, ICMP errors) all are shown, whatever the filter.",
  ].join("\n\n");

  static override examples = [
    {
      description: "Connections to a VIP as eth0 sees them",
      command: "sudo <%= config.bin %> <%= command.id %> eth0 --vip 192.0.2.10:443",
    },
    {
      description: "Bytes of each conversation within a minute",
      command: "sudo <%= config.bin %> <%= command.id %> eth0 --duration 60 --json | jq 'select(.packets)'",
    },
  ];

  static override args = {
    interface: stringArg({ description: "an interface of this network namespace", multiple: true, required: true }),
  };

  static override flags = (({ netns: _netns, ...flags }) => ({
    ...flags,
    "max-flows": integer({
      summary: "Conversations counted at once; the idlest give way.",
      min: 1024,
      max: 16_777_216,
      default: 131_072,
      helpValue: "N",
    }),
  }))(
    packetProbeFlags(async (text) => (await import("../../src/report/flows/address-match.ts")).parseAddressMatch(text)),
  );

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Flowtap);
    const { watchFlowTap } = await import("../../src/probe/watch-flow-tap.ts");
    await watchFlowTap({
      interfaces: args.interface,
      filter: filterOf(flags),
      maxFlows: flags["max-flows"],
      json: flags.json,
      durationSeconds: flags.duration,
      out: process.stdout,
      tell: (sentence) => this.warn(sentence),
    });
  }
}

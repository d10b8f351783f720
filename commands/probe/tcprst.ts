import { filterOf, probeFlags } from "../../src/cli/probe-flags.ts";
import { BaseCommand } from "../base.ts";

export default class Tcprst extends BaseCommand {
  static override enableJsonFlag = false;

  static override summary = "TCP resets that this host sends, and why, and those that reach its sockets";

  static override description = [
    "One line for each reset. Of one sent: the kernel's own reason (Linux 6.10 and later), the segment that it answers, the socket's state, the listener's accept queue and the process where one did it. CAUSE sums that up: refused (nobody listens), no-state (no such connection), overflow (accept queue full, net.ipv4.tcp_abort_on_overflow), abort (closed with data unread or SO_LINGER 0), late-data (data after close). A reset on the wire without a line here was made by netfilter, a balancer's data plane or another host.",
    "Resets received are told where a connection of a local socket ends by them, not those that hit TIME_WAIT or no socket at all. Where data comes after close(), the kernel tells of a reset received and of the one sent.",
  ].join("\n\n");

  static override examples = [
    {
      description: "Who resets a VIP's connections",
      command: "sudo <%= config.bin %> <%= command.id %> --vip 192.0.2.10:443",
    },
    {
      description: "One network namespace, for a minute",
      command: "sudo <%= config.bin %> <%= command.id %> --netns rs1 --duration 60",
    },
  ];

  static override flags = probeFlags(async (text) =>
    (await import("../../src/report/flows/address-match.ts")).parseAddressMatch(text),
  );

  override async run(): Promise<void> {
    const { flags } = await this.parse(Tcprst);
    const { watchProbe } = await import("../../src/probe/watch-probe.ts");
    await watchProbe("tcprst", {
      filter: filterOf(flags),
      json: flags.json,
      durationSeconds: flags.duration,
      out: process.stdout,
      tell: (sentence) => this.warn(sentence),
    });
  }
}

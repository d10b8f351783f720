import { filterOf, probeFlags } from "../../src/cli/probe-flags.ts";
import { BaseCommand } from "../base.ts";

// a timer or the other end's acknowledgement sends a segment again, and neither is a process
const {
  pid: _pid,
  comm: _comm,
  ...connectionFlags
} = probeFlags(async (text) => (await import("../../src/report/flows/address-match.ts")).parseAddressMatch(text));

export default class Tcpretrans extends BaseCommand {
  static override enableJsonFlag = false;

  static override summary = "TCP segments that this host sends again";

  static override description = [
    "One line for each retransmission of this host's own connections, with the sender's state: CONG is Loss after a time-out, Recovery where acknowledgements told of the loss; RTO counts time-outs in a row. SYNs and SYN-ACKs are told apart (WHAT): a SYN-ACK sent again means that the client's ACK did not come, or that the accept queue is full.",
    "No process is told, for a timer or the other end's acknowledgement causes it. ERROR says why a segment did not even leave (Linux 6.15 and later): EBUSY is one that still waits below, for a neighbour's address perhaps.",
  ].join("\n\n");

  static override examples = [
    {
      description: "On the way to one backend",
      command: "sudo <%= config.bin %> <%= command.id %> --address 10.2.0.11",
    },
    {
      description: "SYNs only",
      command: "sudo <%= config.bin %> <%= command.id %> --json | jq 'select(.what == \"syn\")'",
    },
  ];

  static override flags = connectionFlags;

  override async run(): Promise<void> {
    const { flags } = await this.parse(Tcpretrans);
    const { watchProbe } = await import("../../src/probe/watch-probe.ts");
    await watchProbe("tcpretrans", {
      filter: filterOf(flags),
      json: flags.json,
      durationSeconds: flags.duration,
      out: process.stdout,
      tell: (sentence) => this.warn(sentence),
    });
  }
}

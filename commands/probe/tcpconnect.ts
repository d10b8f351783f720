import { filterOf, probeFlags } from "../../src/cli/probe-flags.ts";
import { BaseCommand } from "../base.ts";

export default class Tcpconnect extends BaseCommand {
  static override enableJsonFlag = false;

  static override summary = "connections that this host opens: how long connect() took, or why it failed";

  static override description = [
    "One line for each outgoing TCP connection when its handshake ends or fails: with the process, the latency, SYNs sent again and the error. On a balancer that terminates connections these are the ones to its backends: no-port is SNAT exhaustion, a latency just above 1 or 3 s a lost SYN.",
    "Calls that fail before a SYN is sent (no route) are told where the kernel lets fexit programs attach, which the first lines on stderr say otherwise.",
  ].join("\n\n");

  static override examples = [
    { description: "What HAProxy opens", command: "sudo <%= config.bin %> <%= command.id %> --comm haproxy" },
    {
      description: "Those that fail, towards one backend",
      command:
        "sudo <%= config.bin %> <%= command.id %> --address 10.2.0.11:8080 --json | jq 'select(.outcome != \"connected\")'",
    },
  ];

  static override flags = probeFlags(async (text) =>
    (await import("../../src/report/flows/address-match.ts")).parseAddressMatch(text),
  );

  override async run(): Promise<void> {
    const { flags } = await this.parse(Tcpconnect);
    const { watchProbe } = await import("../../src/probe/watch-probe.ts");
    await watchProbe("tcpconnect", {
      filter: filterOf(flags),
      json: flags.json,
      durationSeconds: flags.duration,
      out: process.stdout,
      tell: (sentence) => this.warn(sentence),
    });
  }
}

import { boolean, integer, option, string as stringFlag } from "@oclif/core/flags";
import { EXIT, UsageError } from "../src/cli/exit-codes.ts";
import type { CounterSample } from "../src/doctor/counter-sample.ts";
import type { DoctorDocument } from "../src/doctor/doctor-document.ts";
import type { Host } from "../src/host/host.ts";
import { BaseCommand } from "./base.ts";

export default class Doctor extends BaseCommand {
  static override summary = "say whether this host is set up as a load balancer or real server should be";

  static override description = [
    "Looks at what the kernel says of this host and network namespace: can live commands run here, and which settings and counters hurt a load balancer, a real server, a proxy or a router. Each complaint has the value seen, what it means for connections, and the command that mends it. Nothing is changed, but with --clean.",
    "What the host is for is told by what is there (IPVS services, VIPs on lo, packet rules, listeners); --role says it instead. Checks that do not apply are silent. Counters count since boot; --duration looks twice and tells what happens now.",
    "ID is the id of a check, or a family with a star: rp-filter.tunnel, conntrack.*.",
  ].join("\n\n");

  static override examples = [
    { description: "This host", command: "<%= config.bin %> <%= command.id %>" },
    {
      description: "A real server of direct return, and nothing else",
      command: "<%= config.bin %> <%= command.id %> --role real-server",
    },
    { description: "What is being dropped right now", command: "<%= config.bin %> <%= command.id %> --duration 10" },
    {
      description: "In a test of a machine's image",
      command: "<%= config.bin %> <%= command.id %> --ignore 'run.*' --fail-on warning",
    },
    {
      description: "Kept here, looked at elsewhere",
      command: "<%= config.bin %> <%= command.id %> --save lb1/ && <%= config.bin %> <%= command.id %> --root lb1/",
    },
  ];

  static override flags = {
    role: option({
      summary: "What the host is; may be given several times.",
      options: ["lb", "real-server", "proxy", "router", "server"] as const,
      multiple: true,
    })(),
    duration: integer({
      summary: "Look at counters twice, this far apart.",
      helpValue: "SECONDS",
      min: 1,
      exclusive: ["root"],
    }),
    full: boolean({ summary: "Values and ids of what is right, too." }),
    only: stringFlag({ summary: "Only these checks.", helpValue: "ID", multiple: true }),
    ignore: stringFlag({ summary: "All but these checks.", helpValue: "ID", multiple: true }),
    "fail-on": option({
      summary: "Exit with 3 where anything is as bad as this, or worse.",
      options: ["warning", "critical"] as const,
    })(),
    save: stringFlag({ summary: "Keep all that was read in a folder.", helpValue: "DIR", exclusive: ["root"] }),
    root: stringFlag({ summary: "Look at a folder that --save wrote, in place of this host.", helpValue: "DIR" }),
    clean: boolean({
      summary: "First take away what probes of l4scope that were killed have left on interfaces (root).",
      exclusive: ["root"],
    }),
  };

  override async run(): Promise<DoctorDocument | undefined> {
    const { flags } = await this.parse(Doctor);
    const { examine, hasAsBadAs, objectionTo } = await import("../src/doctor/examine.ts");
    const objection = objectionTo(flags);
    if (objection !== null) throw new UsageError(objection);
    if (flags.clean) {
      const { cleanLeftOvers } = await import("../src/probe/tc-attach.ts");
      const done = await cleanLeftOvers();
      for (const sentence of done.length > 0 ? done : ["nothing was left behind"])
        process.stderr.write(`${sentence}\n`);
    }
    const host = await this.host(flags);
    const earlier = flags.duration === undefined ? undefined : await this.watch(flags.duration);
    const examination = examine(host, { roles: flags.role, earlier, only: flags.only, ignore: flags.ignore });
    const failOn = flags["fail-on"];
    if (failOn !== undefined && hasAsBadAs(examination.verdicts, failOn)) this.exitWith(EXIT.findings);
    if (flags.json) {
      const { doctorDocument } = await import("../src/doctor/doctor-document.ts");
      return doctorDocument(examination);
    }
    const { doctorText } = await import("../src/doctor/doctor-text.ts");
    const { createPage } = await import("../src/report/text/page.ts");
    this.log(doctorText(examination, createPage(process.stdout.columns, flags.full)));
    return undefined;
  }

  private async host({ root, save }: { root?: string | undefined; save?: string | undefined }): Promise<Host> {
    const { recordedHost, recordingHost } = await import("../src/host/recorded-host.ts");
    if (root !== undefined) {
      const recorded = recordedHost(root);
      if (recorded === null)
        throw new UsageError(`${root}: has no proc in it; l4scope doctor --save DIR writes such a folder`);
      return recorded;
    }
    const { liveHost } = await import("../src/host/host.ts");
    return save === undefined ? liveHost() : recordingHost(liveHost(), save);
  }

  /** Counters as they are now, after which the given time is let pass. */
  private async watch(seconds: number): Promise<CounterSample> {
    const { liveHost } = await import("../src/host/host.ts");
    const { sampleCounters } = await import("../src/doctor/counter-sample.ts");
    const { setTimeout } = await import("node:timers/promises");
    const sample = sampleCounters(liveHost());
    await setTimeout(seconds * 1000);
    return sample;
  }
}

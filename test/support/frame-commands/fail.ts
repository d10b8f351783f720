import { readFileSync } from "node:fs";
import { string as word } from "@oclif/core/args";
import { BaseCommand } from "../../../commands/base.ts";
import { CaptureError } from "../../../src/capture/reader.ts";
import { RunError, UsageError } from "../../../src/cli/exit-codes.ts";

/** Fails, in every way a command can. */
export default class Fail extends BaseCommand {
  static override args = { how: word({ required: true }) };

  override async run(): Promise<never> {
    const { args } = await this.parse(Fail);
    switch (args.how) {
      case "usage":
        throw new UsageError("--flow: expected IP:PORT, got lb1");
      case "capture":
        throw new CaptureError("lb1.pcap: not a capture\n(first bytes 7f 45)");
      case "run":
        throw new RunError("eth9: no such interface; `ip link` lists them");
      case "file":
        return readFileSync("/nowhere/topology.yaml") as never;
      case "oclif":
        return this.error("three, please", { exit: 3 });
      case "exit":
        return this.exit(3);
      case "later":
        setImmediate(() => (null as unknown as { x: () => void }).x());
        return await new Promise<never>(() => setInterval(() => {}, 1000));
      default:
        return (undefined as unknown as { leg: never }).leg;
    }
  }
}

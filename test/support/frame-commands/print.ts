import { boolean, integer } from "@oclif/core/flags";
import pc from "picocolors";
import { BaseCommand } from "../../../commands/base.ts";
import { EXIT } from "../../../src/cli/exit-codes.ts";

/** Succeeds, in every way a command can. */
export default class Print extends BaseCommand {
  static override flags = {
    lines: integer({ default: 1, min: 0 }),
    findings: boolean(),
    warn: boolean(),
  };

  override async run(): Promise<{ schema: string; lines: number[] }> {
    const { flags } = await this.parse(Print);
    if (flags.warn) this.warn("clocks differ");
    const lines = Array.from({ length: flags.lines }, (_, index) => index);
    for (const line of lines) this.log(`line ${pc.red(String(line))} of some length to fill a pipe`);
    if (flags.findings) this.exitWith(EXIT.findings);
    return { schema: "test/1", lines };
  }
}

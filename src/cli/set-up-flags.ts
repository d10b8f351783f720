import { string as stringFlag } from "@oclif/core/flags";
import { UsageError } from "./exit-codes.ts";

/**
 * What a command that reads or watches packets is told of the set-up beside them.
 *
 * @param exclusive flags that leave nothing for the set-up to tell
 */
export function setUpFlags(exclusive: string[] = []) {
  return {
    topology: stringFlag({
      summary: "What is known of the set-up; l4scope topology writes such a file.",
      helpValue: "FILE",
      exclusive,
    }),
    import: stringFlag({
      summary: "The set-up as ipvsadm, keepalived, HAProxy, nginx, Envoy, nft or conntrack tell it.",
      helpValue: "FILE",
      multiple: true,
      multipleNonGreedy: true,
      exclusive,
    }),
  };
}

export interface SetUpFlags {
  topology?: string | undefined;
  import?: readonly string[] | undefined;
}

/**
 * Refuses a command line that reads stdin for a capture and for the set-up, or names no file.
 *
 * @param captures as they were named; `-` is stdin
 * @throws UsageError
 */
export function refuseSetUp({ topology, import: imports = [] }: SetUpFlags, captures: readonly string[]): void {
  if (topology === "") throw new UsageError("--topology: give the name of a file");
  if (imports.includes("")) throw new UsageError("--import: give the name of a file");
  if (captures.includes("-") && (topology === "-" || imports.includes("-"))) {
    throw new UsageError("stdin can be read only once: - stands for a capture and for a file");
  }
}

import type { Step } from "./step.ts";

/** One line of a ladder, before it is drawn. */
export type LadderRow =
  /** One packet, or several of one direction in a row that went the same way. */
  | {
      kind: "packets";
      /** At least one; the first names the row. */
      steps: readonly Step[];
      /** Bare acknowledgments that came between them, either way. */
      acknowledgments: number;
      time: number;
    }
  /** Nothing was seen for so long. */
  | { kind: "silence"; seconds: number; time: number }
  /** Rows left out of a long connection. */
  | {
      kind: "left-out";
      rows: number;
      packets: number;
      bytesUp: number;
      bytesDown: number;
      seconds: number;
      time: number;
    };

export type PacketsRow = Extract<LadderRow, { kind: "packets" }>;

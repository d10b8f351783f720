import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { projectDir } from "../support/requirement.ts";

const hex = z.string().regex(/^0x[0-9a-f]+$/);
const common = { source: z.string(), seed: z.union([hex, z.array(hex)]).optional(), key: z.string().optional() };
const crcModel = z.strictObject({
  width: z.int(),
  poly: z.int(),
  init: z.int(),
  refin: z.boolean(),
  refout: z.boolean(),
  xorout: z.int(),
});

const schema = z.array(
  z.union([
    z.strictObject({
      ...common,
      function: z.string(),
      model: crcModel.optional(),
      input: z.string(),
      expected: z.union([hex, z.array(hex)]),
    }),
    z.strictObject({
      ...common,
      function: z.string(),
      inputsCountFrom: z.int(),
      expectedByLength: z.array(hex),
    }),
  ]),
);

/** A published value of a hash function. */
export interface HashVector {
  function: string;
  input: Uint8Array;
  expected: bigint[];
  seed: bigint[];
  key: Uint8Array;
  model?: z.infer<typeof crcModel>;
  source: string;
}

/** Every value of fixtures/hash-vectors.json; those of one message's prefixes become one each. */
export function readHashVectors(): HashVector[] {
  const rows = schema.parse(JSON.parse(readFileSync(join(projectDir, "fixtures/hash-vectors.json"), "utf8")));
  return rows.flatMap((row): HashVector[] => {
    const base = {
      function: row.function,
      seed: [row.seed ?? []].flat().map(BigInt),
      key: fromHex(row.key ?? ""),
      source: row.source,
    };
    if ("expectedByLength" in row) {
      return row.expectedByLength.map((expected, length) => ({
        ...base,
        input: Uint8Array.from({ length }, (_, at) => row.inputsCountFrom + at),
        expected: [BigInt(expected)],
      }));
    }
    const vector = { ...base, input: fromHex(row.input), expected: [row.expected].flat().map(BigInt) };
    return [row.model === undefined ? vector : { ...vector, model: row.model }];
  });
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

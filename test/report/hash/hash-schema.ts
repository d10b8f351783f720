import { z } from "zod";

/** The contract of `hash --json`, l4scope.hash/1, as a reader of it would check it. Unknown fields are refused. */

const count = z.int().min(0);
const share = z.number().min(0).max(1);
const backends = z.array(z.strictObject({ backend: z.string().min(1), weight: count, expectedShare: share }));
const names = z.array(z.string());
const skew = z.strictObject({
  maxOverExpected: z.number().min(0),
  coefficientOfVariation: z.number().min(0),
  jain: share,
  chiSquare: z.number().min(0),
  pValue: share,
});
const explained = z.strictObject({
  backend: z.string().nullable(),
  steps: z.array(z.strictObject({ name: z.string().min(1), value: z.string().min(1) })).min(1),
});

const method = z.strictObject({
  method: z.string().regex(/^[a-z][a-z\d-]+$/),
  summary: z.string().min(1),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  refusal: z.string().min(1).nullable(),
  shares: z.array(z.strictObject({ backend: z.string(), keys: count, share, expectedShare: share })).nullable(),
  unserved: count.nullable(),
  skew: skew.nullable(),
  agreement: z.strictObject({ known: count, same: count }).nullable(),
  change: z
    .strictObject({
      established: count,
      moved: count,
      movedShare: share,
      broken: z.strictObject({
        stateless: count,
        connectionTable: count,
        otherBalancer: count.nullable(),
        secondChance: count.nullable(),
      }),
      lost: count,
      turnedAway: count,
    })
    .nullable(),
  growth: z
    .array(
      z.strictObject({
        backends: count,
        skew: skew.nullable(),
        movedShare: share.nullable(),
        idealMovedShare: share.nullable(),
      }),
    )
    .nullable(),
  explained: explained.extend({ afterChange: explained.nullable() }).nullable(),
});

export const hashSchema = z.strictObject({
  schema: z.literal("l4scope.hash/1"),
  vip: z.string().min(1),
  protocol: z.enum(["tcp", "udp"]),
  source: z.enum(["flags", "topology", "capture"]),
  backends,
  keys: z
    .strictObject({
      source: z.enum(["synthetic", "capture"]),
      kind: z.enum(["spread", "nat", "sequential"]).nullable(),
      seed: z.int().nullable(),
      count,
      clients: count,
    })
    .nullable(),
  change: z
    .strictObject({
      add: names,
      remove: names,
      drain: names,
      reweigh: z.array(z.strictObject({ backend: z.string(), weight: count })),
      backends,
      idealMovedShare: share,
      ecmp: z.strictObject({ from: count, to: count, method: z.string(), movedShare: share }).nullable(),
    })
    .nullable(),
  growth: z.strictObject({ from: count, to: count }).nullable(),
  connection: z.strictObject({ client: z.string(), vip: z.string() }).nullable(),
  recognised: z.strictObject({ method: z.string(), known: count, same: count, chance: share }).nullable(),
  methods: z.array(method).min(1),
});

export type HashDocumentRead = z.infer<typeof hashSchema>;

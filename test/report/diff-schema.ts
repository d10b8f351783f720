import { z } from "zod";

const nullable = z.string().nullable();
const base = {
  measure: z.string(),
  vip: z.string(),
  protocol: z.enum(["tcp", "udp"]),
  backend: nullable,
  tier: nullable,
  member: nullable,
  status: z.enum(["changed", "slight", "same", "explained"]),
  explanation: z.enum(["watched-longer", "load"]).nullable(),
  pValue: z.number().min(0).max(1),
  adjustedPValue: z.number().min(0).max(1),
  difference: z.number(),
  sentence: z.string().min(10),
};
const counted = z.strictObject({ events: z.int().min(0), trials: z.int().min(1) });
const timed = z.strictObject({
  count: z.int().min(1),
  p50: z.number(),
  p75: z.number(),
  p95: z.number(),
  p99: z.number(),
});
const testSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    ...base,
    kind: z.literal("count"),
    test: z.enum(["fisher", "chi-square"]),
    detail: nullable,
    before: counted,
    after: counted,
    designEffect: z.number().min(1),
    source: z
      .strictObject({
        kind: z.enum(["member", "backend", "node", "client", "author"]),
        name: z.string(),
        events: z.int(),
        of: z.int(),
      })
      .nullable(),
  }),
  z.strictObject({
    ...base,
    kind: z.literal("shares"),
    test: z.literal("chi-square"),
    rows: z.array(
      z.strictObject({
        name: z.string(),
        before: z.int(),
        after: z.int(),
        shareBefore: z.number(),
        shareAfter: z.number(),
      }),
    ),
    designEffect: z.number().min(1),
  }),
  z.strictObject({
    ...base,
    kind: z.literal("timing"),
    test: z.literal("brunner-munzel"),
    before: timed,
    after: timed,
    quantile: z.enum(["p50", "p75"]),
    superiority: z.number().min(0).max(1),
  }),
]);
const side = z.strictObject({
  name: z.string(),
  start: nullable,
  end: nullable,
  durationSeconds: z.number().min(0),
  observationPoints: z.array(z.string()),
  connections: z.int().min(0),
});
const where = z.strictObject({
  vip: z.string().optional(),
  backend: z.string().optional(),
  node: z.string().optional(),
  member: z.string().optional(),
});
const finding = z.strictObject({
  id: z.string(),
  severity: z.enum(["critical", "warning"]),
  title: z.string(),
  where,
  connections: z.int(),
  sure: z.boolean().nullable(),
});
const member = z.strictObject({ opened: z.int(), watched: z.int(), failed: z.int() });
const rows = z.array(z.strictObject({ name: z.string(), before: member, after: member }));
const pair = z.strictObject({ before: z.int(), after: z.int() });

/** The contract of `diff --json`, held strictly: a field more is a field to write down. */
export const diffSchema = z.strictObject({
  schema: z.literal("l4scope.diff/1"),
  verdict: z.strictObject({ result: z.enum(["changed", "unchanged", "unknown"]), sentence: z.string() }),
  before: side,
  after: side,
  changes: z.array(testSchema),
  findings: z.strictObject({ appeared: z.array(finding), gone: z.array(finding), both: z.array(finding) }),
  vips: z.array(
    z.strictObject({
      vip: z.string(),
      protocol: z.enum(["tcp", "udp"]),
      mode: z.strictObject({ before: nullable, after: nullable }),
      opened: pair,
      watched: pair,
      backends: rows,
      tiers: z.array(z.strictObject({ tier: z.string(), members: rows })),
      tests: z.array(testSchema),
    }),
  ),
  incomparable: z.array(
    z.strictObject({
      measure: z.string(),
      vip: nullable,
      backend: nullable,
      tier: nullable,
      member: nullable,
      why: z.string(),
    }),
  ),
  caveats: z.array(z.string()),
  method: z.strictObject({
    alpha: z.number(),
    correction: z.literal("holm"),
    tests: z.int(),
    leastFailures: z.number().nullable(),
  }),
});

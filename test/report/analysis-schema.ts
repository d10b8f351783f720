import { z } from "zod";

/** The contract of `analyze --json`, l4scope.analysis/1, as a reader of it would check it. Unknown fields are refused. */

/** Epoch seconds with up to nine decimals. */
const time = z.string().regex(/^-?\d+(\.\d{1,9})?$/);
const count = z.int().min(0);
const share = z.number().min(0).max(1);
const address = z.union([z.ipv4(), z.ipv6()]);
/** `192.0.2.10:443`, `[2001:db8::1]:443`. */
const endpoint = z.string().refine((text) => {
  const parts = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  return parts !== null && address.safeParse(parts[1] ?? parts[2]).success && Number(parts[3]) <= 65_535;
}, "is no endpoint");
const mac = z.string().regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);

const protocol = z.enum(["tcp", "udp"]);
const mode = z.enum(["dnat", "fullnat", "dsr-l2", "dsr-tunnel", "proxy", "forward"]);
const upDown = z.strictObject({ up: count, down: count });

const file = z.strictObject({
  path: z.string().min(1),
  format: z.enum(["pcap", "pcapng"]),
  packets: count,
  bytes: count,
  start: time.nullable(),
  end: time.nullable(),
  observationPoints: z.array(z.string().min(1)),
  clockOffset: z.number(),
  clockUncertainty: z.number().min(0).nullable(),
  clockDrift: z.number(),
  problems: z.array(z.strictObject({ code: z.string().regex(/^[a-z-]+$/), message: z.string().min(1), offset: count })),
});

const vip = z.strictObject({
  vip: endpoint,
  protocol,
  mode: mode.nullable(),
  connections: count,
  scheduler: z.strictObject({
    name: z.enum(["rr", "wrr", "lc", "source", "5-tuple", "random", "unknown"]),
    confidence: share,
    couldBe: z
      .array(z.enum(["rr", "wrr", "lc", "source", "5-tuple", "random"]))
      .min(2)
      .optional(),
  }),
  backends: z.array(
    z.strictObject({
      backend: z.union([endpoint, mac]),
      connections: count,
      bytes: count,
      share,
      expectedShare: share,
    }),
  ),
  tiers: z.array(
    z.strictObject({
      by: z.enum(["mac", "tunnel", "interface", "node", "point"]),
      seenAt: z.string().min(1),
      hashFields: z.strictObject({
        name: z.enum(["source", "source or 3-tuple", "3-tuple", "5-tuple", "unknown"]),
        confidence: share,
      }),
      start: time.nullable(),
      pieceSeconds: z.number().positive(),
      moved: count,
      members: z
        .array(
          z.strictObject({
            member: z.string().min(1),
            connections: count,
            share,
            bytes: count,
            joined: count,
            left: count,
            series: z.strictObject({
              newConnections: z.array(count).length(60),
              activeConnections: z.array(z.number().min(0)).length(60),
              bytes: z.array(count).length(60),
            }),
          }),
        )
        .min(2),
      elephants: z.array(
        z.strictObject({ connection: z.string().regex(/^c\d+$/), member: z.string().min(1), bytes: count }),
      ),
    }),
  ),
});

const node = z.strictObject({
  name: z.string().min(1),
  role: z.enum(["client", "router", "lb", "backend", "middlebox", "unknown"]),
  /** Of clients, their network. */
  addresses: z.array(z.union([address, z.cidrv4(), z.cidrv6()])),
  macs: z.array(mac),
  observationPoints: z.array(z.string()),
});

const finding = z.strictObject({
  id: z.string().regex(/^(client|lb|backend|path|ecmp|balance|proxy|attack|note|capture)\.[a-z-]+$/),
  severity: z.enum(["critical", "warning", "info"]),
  confidence: share,
  title: z.string().min(1),
  explanation: z.string().min(1),
  where: z.strictObject({
    vip: z.string().optional(),
    backend: z.string().optional(),
    node: z.string().optional(),
    member: z.string().optional(),
  }),
  window: z.strictObject({ from: time.nullable(), to: time.nullable() }),
  measured: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  affected: z.strictObject({ connections: count, examples: z.array(z.string().regex(/^c\d+$/)) }),
  evidence: z.array(z.strictObject({ file: z.string(), frame: count, note: z.string() })),
  displayFilter: z.string(),
  remedy: z.array(z.string()),
  symptoms: z.array(z.string()),
  explainedBy: z.string().optional(),
});

export const connectionSchema = z.strictObject({
  /** `c17` end to end, `f17` as one point saw it. */
  id: z.string().regex(/^[cf]\d+$/),
  protocol,
  client: endpoint,
  vip: endpoint,
  backend: z.union([endpoint, mac]).nullable(),
  mode: mode.nullable(),
  start: time.nullable(),
  end: time.nullable(),
  outcome: z.enum(["ok", "refused", "reset", "timeout", "open"]),
  healthCheck: z.boolean(),
  role: z.enum(["client", "balancer"]),
  bytes: upDown,
  packets: upDown,
  retransmits: upDown,
  handshake: z.number().min(0).nullable(),
  connectToBackend: z.number().min(0).nullable(),
  reset: z
    .strictObject({
      by: z.enum(["client", "backend", "lb", "middlebox", "unknown"]),
      cause: z.enum([
        "refused",
        "no-state",
        "idle-timeout",
        "client-abort",
        "backend-abort",
        "lb-abort",
        "injected",
        "port-reuse",
        "overflow",
        "direct-reply",
        "late-data",
        "health-check",
        "unknown",
      ]),
      confidence: share,
    })
    .nullable(),
  path: z.strictObject({ up: z.array(z.string()), down: z.array(z.string()) }),
  legs: z
    .array(
      z.strictObject({
        observationPoint: z.string().min(1),
        src: endpoint,
        dst: endpoint,
        encapsulation: z.array(z.string()),
        hop: mode.nullable(),
      }),
    )
    .min(1),
  communityId: z.array(z.string().regex(/^1:[A-Za-z0-9+/]{27}=$/)).min(1),
  connState: z.enum(["S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH"]),
  history: z.string().regex(/^[A-Za-z]*$/),
  joinConfidence: share,
});

export const analysisSchema = z.strictObject({
  schema: z.literal("l4scope.analysis/1"),
  capture: z.strictObject({
    packets: count,
    bytes: count,
    start: time.nullable(),
    end: time.nullable(),
    files: z.array(file),
  }),
  topology: z.strictObject({ vips: z.array(vip), nodes: z.array(node), contradictions: z.array(z.string()) }),
  summary: z.strictObject({
    connections: count,
    byOutcome: z.strictObject({ ok: count, refused: count, reset: count, timeout: count, open: count }),
    healthChecks: count,
    joined: count,
    unjoined: count,
  }),
  findings: z.array(finding),
  leftOut: z
    .strictObject({
      ignored: z.array(z.string()),
      explainedByIgnored: z.array(z.string()),
      notAsked: z.array(z.string()),
    })
    .optional(),
  connections: z.array(connectionSchema).optional(),
});

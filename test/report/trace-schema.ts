import { z } from "zod";

/** `trace --json`, l4scope.trace/1, as a reader of it would check it. Unknown fields are refused. */

const time = z.string().regex(/^-?\d+(\.\d{1,9})?$/);
const count = z.int().min(0);
const mac = z.string().regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
/** An ICMP error has no port. */
const endpoint = z.string().regex(/^(\d+(\.\d+){3}|\[[0-9a-f:]+\]):\d+$/);

const seen = z.strictObject({
  observationPoint: z.string().min(1),
  file: z.string().min(1),
  frame: z.int().min(1),
  time: time.nullable(),
  src: endpoint,
  dst: endpoint,
  srcMac: mac.nullable(),
  dstMac: mac.nullable(),
  encapsulation: z.array(z.string()),
  ttl: z.int().min(0).max(255),
});

const event = z.strictObject({
  time: time.nullable(),
  since: z.number().nullable(),
  direction: z.enum(["up", "down"]),
  session: z.enum(["client", "proxy"]),
  kind: z.enum([
    "syn",
    "syn-ack",
    "ack",
    "data",
    "fin",
    "reset",
    "keepalive",
    "window",
    "datagram",
    "fragment",
    "icmp-error",
  ]),
  label: z.string().min(1),
  seq: count.nullable(),
  ack: count.nullable(),
  length: count,
  retransmission: z.boolean(),
  beginsAt: count.nullable(),
  endsAt: count.nullable(),
  moved: z.strictObject({ from: z.string(), to: z.string() }).nullable(),
  notes: z.array(z.string().min(1)),
  rewrites: z.array(
    z.strictObject({ node: count, next: count.nullable(), kind: z.string().min(1), from: z.string(), to: z.string() }),
  ),
  stops: z
    .array(
      z.strictObject({
        node: count,
        delay: z.number().nullable(),
        uncertainty: z.number().min(0).nullable(),
        seen: z.array(seen).min(1),
      }),
    )
    .min(1),
});

export const traceSchema = z.strictObject({
  schema: z.literal("l4scope.trace/1"),
  connection: z.strictObject({
    id: z.string().regex(/^c\d+$/),
    protocol: z.enum(["tcp", "udp"]),
    client: endpoint,
    vip: endpoint,
    backend: z.union([endpoint, mac]).nullable(),
    mode: z.enum(["dnat", "fullnat", "dsr-l2", "dsr-tunnel", "proxy", "forward"]).nullable(),
    outcome: z.enum(["ok", "refused", "reset", "timeout", "open"]),
    joinConfidence: z.number().min(0).max(1),
  }),
  findings: z.array(
    z.strictObject({
      id: z.string(),
      severity: z.enum(["critical", "warning", "info"]),
      confidence: z.number().min(0).max(1),
      title: z.string().min(1),
    }),
  ),
  nodes: z.array(
    z.strictObject({
      name: z.string().min(1),
      role: z.enum(["client", "lb", "backend"]).nullable(),
      observationPoints: z.array(z.string().min(1)),
    }),
  ),
  hops: z.array(
    z.strictObject({ nodes: z.array(z.string()).min(1), kind: z.string().min(1), from: z.string(), to: z.string() }),
  ),
  clocks: z.array(
    z.strictObject({ file: z.string().min(1), offset: z.number(), uncertainty: z.number().min(0).nullable() }),
  ),
  events: z.array(event),
  leftOut: count,
});

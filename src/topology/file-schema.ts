import { z } from "zod";
import { canonicalAddress, canonicalEndpoint, canonicalMac } from "./address.ts";
import { LIMITS } from "./limits.ts";
import { FORWARDING_MODES, NODE_ROLES, PROTOCOLS, PROXY_HEADERS, SCHEDULERS } from "./vocabulary.ts";

/** The version of the file's form, in its `schema` key. */
export const FILE_SCHEMA = "l4scope.topology/1";

/** A text that `read` turns into its one form; `expected` says what would have been right. */
function textOf(read: (text: string) => string | null, expected: string) {
  return z.string({ error: expected }).transform((text, context) => {
    const value = read(text);
    if (value !== null) return value;
    context.addIssue({ code: "custom", message: expected });
    return z.NEVER;
  });
}

/** A text that can be printed: no line breaks or control characters. */
function nameText(expected: string) {
  return z.string({ error: expected }).regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]{1,200}$/u, { error: expected });
}

const readVip = (text: string) => (/^fwmark:[1-9]\d{0,9}$/.test(text) ? text : canonicalEndpoint(text));
const readBackend = (text: string) => canonicalEndpoint(text) ?? canonicalMac(text);
const readCidrless = (text: string) => canonicalAddress(text);
const oneOf = (words: readonly string[]) => `one of ${words.join(", ")}`;
const address = textOf(readCidrless, "an IP address (10.2.0.1, 2001:db8::1)");

const number = (expected: string, { least, most }: { least: number; most: number }) =>
  z.number({ error: expected }).min(least, { error: expected }).max(most, { error: expected });
const wholeNumber = (expected: string, limit: { least: number; most: number }) =>
  number(expected, limit).int({ error: expected });

const backendSchema = z.strictObject({
  backend: textOf(readBackend, 'an endpoint (10.3.0.11:8443, "[2001:db8::11]:8443") or a MAC (02:8d:6b:43:5e:01)'),
  weight: number("a number from 0 to 4294967295", LIMITS.weight).default(1),
  backup: z.boolean({ error: "true or false" }).default(false),
  maxConnections: wholeNumber("a whole number above 0", LIMITS.maxConnections).optional(),
});

const vipSchema = z.strictObject({
  vip: textOf(readVip, 'an endpoint (192.0.2.10:443, "[2001:db8::10]:443") or fwmark:NUMBER'),
  protocol: z.enum([...PROTOCOLS, "any"], { error: oneOf([...PROTOCOLS, "any"]) }).default("any"),
  mode: z.enum(FORWARDING_MODES, { error: oneOf(FORWARDING_MODES) }).optional(),
  scheduler: z.enum(SCHEDULERS, { error: oneOf(SCHEDULERS) }).optional(),
  proxyHeader: z.enum(PROXY_HEADERS, { error: oneOf(PROXY_HEADERS) }).optional(),
  idleTimeoutSeconds: number("a number of seconds above 0", LIMITS.idleTimeoutSeconds).optional(),
  backends: z.array(backendSchema, { error: "a list of backends" }).default([]),
});

const nodeSchema = z.strictObject({
  name: nameText("a name"),
  role: z.enum(NODE_ROLES, { error: oneOf(NODE_ROLES) }).default("unknown"),
  addresses: z.array(address, { error: "a list of IP addresses" }).default([]),
  macs: z.array(textOf(canonicalMac, "a MAC (02:8d:6b:43:5e:01)"), { error: "a list of MACs" }).default([]),
  observationPoints: z
    .array(nameText("the name of an observation point (lb1:eth0)"), {
      error: "a list of observation points",
    })
    .default([]),
});

const virtualRouterSchema = z.strictObject({
  virtualRouterId: wholeNumber("a VRRP router id from 1 to 255", LIMITS.virtualRouterId),
  interface: nameText("the name of an interface").optional(),
  priority: wholeNumber("a VRRP priority from 0 to 255", LIMITS.priority).optional(),
  intervalSeconds: number("a number of seconds above 0", LIMITS.intervalSeconds).optional(),
  addresses: z.array(address, { error: "a list of IP addresses" }).default([]),
});

const thresholdsSchema = z.record(
  z.string().regex(/^[a-z]+\.[a-z\d-]+$/, { error: "the id of a finding (lb.idle-timeout)" }),
  z.record(z.string(), z.number({ error: "a number" }), { error: "numbers by name ({ seconds: 300 })" }),
  { error: "numbers by finding id (lb.idle-timeout: { seconds: 300 })" },
);

/** The whole file. Every message says what was expected; what is there instead is read from the document. */
export const fileSchema = z.strictObject({
  schema: z.literal(FILE_SCHEMA, { error: FILE_SCHEMA }).optional(),
  vips: z.array(vipSchema, { error: "a list of VIPs" }).default([]),
  nodes: z.array(nodeSchema, { error: "a list of nodes" }).default([]),
  virtualRouters: z.array(virtualRouterSchema, { error: "a list of VRRP routers" }).default([]),
  thresholds: thresholdsSchema.default({}),
});

export type TopologyFile = z.infer<typeof fileSchema>;

/** The keys that may stand at a place of the file, numbers left out of its path: `vips.backends`. */
export const KNOWN_KEYS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    "": fileSchema,
    vips: vipSchema,
    "vips.backends": backendSchema,
    nodes: nodeSchema,
    virtualRouters: virtualRouterSchema,
  }).map(([path, { shape }]) => [path, Object.keys(shape)]),
);

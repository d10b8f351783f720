import fc from "fast-check";
import { addressText, endpointText } from "../../src/topology/address.ts";
import { emptyTopology } from "../../src/topology/merge.ts";
import type { Topology } from "../../src/topology/topology.ts";
import { FORWARDING_MODES, NODE_ROLES, PROTOCOLS, PROXY_HEADERS, SCHEDULERS } from "../../src/topology/vocabulary.ts";

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const words = fc.oneof(
  word.map((low) => [0, 0, 0xffff, low] as const),
  fc.tuple(word, word, word, word),
);
const address = words.map(addressText);
const endpoint = fc
  .tuple(words, fc.integer({ min: 0, max: 65_535 }))
  .map(([own, port]) => endpointText({ address: own, port }));
const mac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":"));
const positive = fc.double({ min: 0.01, max: 200, noNaN: true });
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
// whatever a user may call a node, as long as it can be printed
const name = fc
  .oneof(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
    fc.constantFrom("null", "1e3", "# a", "a: b", "- x", " ", "~", "yes", "'", '"'),
  )
  .filter((text) => /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+$/u.test(text));

const vip = fc.record({
  vip: fc.oneof(
    endpoint,
    fc.integer({ min: 1, max: 4_000_000_000 }).map((mark) => `fwmark:${mark}`),
  ),
  protocol: maybe(fc.constantFrom(...PROTOCOLS)),
  mode: maybe(fc.constantFrom(...FORWARDING_MODES)),
  scheduler: maybe(fc.constantFrom(...SCHEDULERS)),
  proxyHeader: maybe(fc.constantFrom(...PROXY_HEADERS)),
  idleTimeoutSeconds: maybe(positive),
  backends: fc.uniqueArray(
    fc.record({
      backend: fc.oneof(endpoint, mac),
      weight: fc.oneof(fc.integer({ min: 0, max: 4_294_967_295 }), positive),
      isBackup: fc.boolean(),
      maxConnections: maybe(fc.integer({ min: 1, max: 100_000 })),
    }),
    { selector: (backend) => backend.backend, maxLength: 5 },
  ),
});

const node = fc.record({
  name,
  role: fc.constantFrom(...NODE_ROLES),
  addresses: fc.uniqueArray(address, { maxLength: 3 }),
  macs: fc.uniqueArray(mac, { maxLength: 3 }),
  observationPoints: fc.uniqueArray(name, { maxLength: 3 }),
});

const virtualRouter = fc.record({
  virtualRouterId: fc.integer({ min: 1, max: 255 }),
  interface: maybe(name),
  priority: maybe(fc.integer({ min: 0, max: 255 })),
  intervalSeconds: maybe(positive),
  addresses: fc.uniqueArray(address, { maxLength: 3 }),
});

/** Any topology that a file can hold. */
export const arbitraryTopology: fc.Arbitrary<Topology> = fc
  .record({
    vips: fc.uniqueArray(vip, { selector: (one) => `${one.protocol} ${one.vip}`, maxLength: 5 }),
    nodes: fc.uniqueArray(node, { selector: (one) => one.name, maxLength: 5 }),
    virtualRouters: fc.array(virtualRouter, { maxLength: 3 }),
    thresholds: fc.dictionary(
      fc.constantFrom("lb.idle-timeout", "path.loss", "ecmp.skew"),
      fc.dictionary(fc.constantFrom("seconds", "rate", "share"), fc.double({ noNaN: true, noDefaultInfinity: true })),
    ),
  })
  .map((parts) => ({ ...emptyTopology(), ...parts }));

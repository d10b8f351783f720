import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { nftJhash } from "../../src/balance/selection/nft-jhash.ts";
import { requires } from "../support/requirement.ts";
import { canMakeNamespaces, HashNamespace } from "./hash-namespace.ts";
import { flow, manyBackends } from "./selection-backends.ts";

const need = requires({ root: true, tool: ["ip", "nft"], kernel: canMakeNamespaces });

/** nft's words for the fields of ours that are hashed, the seed, and the number of backends. */
const RULES = [
  { words: "ip saddr . udp sport", fields: ["src", "src-port"], seed: 0xdeadbeef, backends: 3 },
  { words: "ip saddr . udp sport", fields: ["src", "src-port"], seed: 1, backends: 7 },
  { words: "ip saddr . udp sport", fields: ["src", "src-port"], seed: 0xdeadbeef, backends: 100 },
  { words: "ip saddr", fields: ["src"], seed: 1, backends: 5 },
  { words: "udp sport", fields: ["src-port"], seed: 77, backends: 5 },
  {
    words: "ip saddr . ip daddr . meta l4proto . udp sport . udp dport",
    fields: ["src", "dst", "protocol", "src-port", "dst-port"],
    seed: 0x12345678,
    backends: 11,
  },
] as const;

const FLOWS = Array.from({ length: 240 }, (_, i) => ({
  src: `127.${(i * 7) & 255}.${(i * 13) & 255}.${1 + (i % 250)}`,
  port: 20000 + i * 31,
}));

/** Sends one datagram for each line `ADDRESS PORT` of its input. */
const SENDER = `
import { createSocket } from "node:dgram";
import { text } from "node:stream/consumers";
for (const line of (await text(process.stdin)).trim().split("\\n")) {
  const [address, port] = line.split(" ");
  const socket = createSocket("udp4");
  await new Promise((done) => socket.bind(Number(port), address, done));
  await new Promise((done) => socket.send("x", 9, "127.0.0.1", done));
  socket.close();
}`;

const ruleset = `
table ip hashes {
${RULES.map((_, i) => `set s${i} { typeof ip saddr . udp sport . meta mark; size 65535; flags dynamic; }`).join("\n")}
chain out {
type filter hook output priority 0;
${RULES.map(
  ({ words, seed, backends }, i) =>
    `udp dport 9 meta mark set jhash ${words} mod ${backends} seed ${seed} update @s${i} { ip saddr . udp sport . meta mark }`,
).join("\n")}
}
}`;

const listSchema = z.object({
  nftables: z.array(
    z.object({
      set: z.object({ elem: z.array(z.object({ concat: z.tuple([z.string(), z.number(), z.number()]) })) }).optional(),
    }),
  ),
});

describe.skipIf(need.missing)("nftables' jhash, with real packets", () => {
  let namespace: HashNamespace;
  beforeAll(() => {
    namespace = new HashNamespace("nft");
    namespace.exec(["nft", "-f", "-"], ruleset);
    const input = FLOWS.map(({ src, port }) => `${src} ${port}`).join("\n");
    namespace.exec([process.execPath, "--input-type=module", "-e", SENDER], input);
  });
  afterAll(() => namespace.close());

  it.each(RULES.map((rule, index) => ({ ...rule, index })))(
    "jhash $words mod $backends seed $seed chooses as ours",
    ({ fields, seed, backends, index }) => {
      const list = listSchema.parse(
        JSON.parse(namespace.exec(["nft", "-j", "list", "set", "ip", "hashes", `s${index}`])),
      );
      const marks = list.nftables.flatMap(({ set }) => set?.elem ?? []).map(({ concat }) => concat);
      expect(marks).toHaveLength(FLOWS.length);
      const selection = nftJhash.build(manyBackends(backends), { fields, seed });
      const wrong = marks.filter(([src, port, mark]) => selection.select(flow(src, port, "127.0.0.1", 9, 17)) !== mark);
      expect(wrong).toEqual([]);
      expect(new Set(marks.map(([, , mark]) => mark)).size).toBeGreaterThan(1);
    },
  );
});

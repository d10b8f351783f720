import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ipvsMh } from "../../src/balance/selection/ipvs-mh.ts";
import { ipvsSh } from "../../src/balance/selection/ipvs-sh.ts";
import { nftJhash } from "../../src/balance/selection/nft-jhash.ts";
import type { HashBackend, Selection } from "../../src/balance/selection/selection.ts";
import { projectDir } from "../support/requirement.ts";

/** Choices that real kernels made of 300 connections each, as the servers that got them wrote down. */
interface Choice {
  client: string;
  backend: string;
}

function recorded(name: string): Choice[] {
  const path = join(projectDir, "fixtures/scenarios", name, "expect.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { connections: Choice[] }).connections;
}

const VIP = { address: Uint8Array.of(192, 0, 2, 10), port: 443 };
/** In the order in which the lab gave them to the balancer. */
const backends: HashBackend[] = [11, 12, 13].map((last) => ({
  name: `10.3.0.${last}:8443`,
  address: Uint8Array.of(10, 3, 0, last),
  port: 8443,
  weight: 1,
}));

function predicted(selection: Selection, client: string): string | undefined {
  const [address = "", port = ""] = client.split(":");
  const key = { protocol: 6, src: Uint8Array.from(address.split(".").map(Number)), dst: VIP.address };
  return backends[selection.select({ ...key, srcPort: Number(port), dstPort: VIP.port })]?.name;
}

describe("each connection of a recorded run", () => {
  it.each([
    ["scheduler-ipvs-sh", ipvsSh.build(backends, { port: false })],
    ["scheduler-ipvs-sh-port", ipvsSh.build(backends, { port: true })],
    ["scheduler-ipvs-mh", ipvsMh.build(backends, { port: false })],
    ["scheduler-ipvs-mh-port", ipvsMh.build(backends, { port: true })],
    ["ipvs-nat-mh", ipvsMh.build(backends, { port: true })],
    ["scheduler-nft-source", nftJhash.build(backends, { fields: ["src"], seed: 0x5a })],
    ["scheduler-nft-5-tuple", nftJhash.build(backends, { fields: ["src", "src-port"], seed: 0x5a })],
  ])("of %s went where the method says", (name, selection) => {
    const choices = recorded(name);
    expect(choices.length).toBeGreaterThan(50);
    expect(choices.filter(({ client, backend }) => predicted(selection, client) !== backend)).toEqual([]);
  });

  it("of another scheduler did not", () => {
    const wrong = recorded("scheduler-ipvs-mh").filter(
      ({ client, backend }) => predicted(ipvsSh.build(backends, { port: false }), client) !== backend,
    );
    expect(wrong.length).toBeGreaterThan(50);
  });
});

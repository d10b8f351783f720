import { describe, expect, it } from "vitest";
import { balancerSchema } from "../../fixtures/lab/balancer-spec.ts";
import { haproxyConfig, readHaproxyLog } from "../../fixtures/lab/balancers/haproxy.ts";
import { nftNatRules } from "../../fixtures/lab/balancers/nft-nat.ts";
import { readNginxLog } from "../../fixtures/lab/balancers/nginx-stream.ts";
import { parseConntrack } from "../../fixtures/lab/conntrack-log.ts";
import { expectedConnection } from "../../fixtures/lab/expect.ts";
import type { Scenario } from "../../fixtures/lab/scenario.ts";
import { allScenarios } from "../../fixtures/lab/scenarios/registry.ts";
import type { TrueConnection } from "../../fixtures/lab/truth.ts";

function scenarioCalled(name: string): Scenario {
  const scenario = allScenarios().get(name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  return scenario;
}

const answered: TrueConnection = {
  cid: 1,
  kind: "short",
  protocol: "tcp",
  client: "10.1.0.20:40001",
  vip: "192.0.2.10:443",
  backend: "rs2",
  backendLocal: "10.3.0.12:8443",
  backendPeer: "10.1.0.20:40001",
  lb: "lb1",
  proxyHeader: null,
  tSyn: 1795171006.997402,
  tConnected: 1795171006.998,
  tEnd: 1795171007.1,
  outcome: "ok",
  serverEnd: "client-fin",
  requestsPlanned: 1,
  requestsDone: 1,
  bytesUp: 80,
  bytesDown: 400,
};

describe("what a connection's logs come to in expect.json", () => {
  it("names the backend's own tuple behind NAT", () => {
    expect(expectedConnection(scenarioCalled("dnat-rr"), answered)).toEqual({
      client: "10.1.0.20:40001",
      vip: "192.0.2.10:443",
      start: 1795171006.997402,
      backend: "10.3.0.12:8443",
      outcome: ["ok"],
    });
  });

  it("accepts the MAC or the backend's address with the VIP's port in direct server return", () => {
    const direct = { ...answered, backendLocal: "192.0.2.10:443" };
    const { backend } = expectedConnection(scenarioCalled("l2-dsr"), direct);
    expect(backend).toEqual(["10.2.0.12:443", expect.stringMatching(/^02(:[0-9a-f]{2}){5}$/)]);
  });

  it("knows a refusal, a client's and a backend's own reset", () => {
    const scenario = scenarioCalled("dnat-rr");
    const reset = (change: Partial<TrueConnection>) => expectedConnection(scenario, { ...answered, ...change }).reset;
    expect(reset({ outcome: "refused", serverEnd: null, tConnected: null })).toEqual({
      by: "backend",
      cause: "refused",
    });
    expect(reset({ outcome: "aborted" })).toEqual({ by: "client", cause: "client-abort" });
    expect(reset({ outcome: "reset", serverEnd: "server-reset" })).toEqual({ by: "backend", cause: "backend-abort" });
    expect(reset({})).toBeUndefined();
  });

  it("takes the reset of an unknown hand from the scenario, and fails where that does not say", () => {
    const broken: TrueConnection = { ...answered, kind: "steady", outcome: "reset", serverEnd: "open" };
    expect(expectedConnection(scenarioCalled("ecmp-rehash"), broken).reset).toEqual({ by: "lb", cause: "no-state" });
    expect(() => expectedConnection(scenarioCalled("dnat-rr"), broken)).toThrow(/neither the endpoints' logs nor/);
  });
});

describe("what the balancers are told, and what they tell", () => {
  it("writes weights as ranges of one counter", () => {
    const spec = balancerSchema.parse({
      kind: "nft-nat",
      node: "lb1",
      vip: "192.0.2.10:443",
      scheduler: "wrr",
      backends: [{ address: "10.3.0.11:8443", weight: 5 }, { address: "10.3.0.12:8443" }],
    });
    if (spec.kind !== "nft-nat") throw new Error("not the kind that was parsed");
    expect(nftNatRules(spec)).toContain("numgen inc mod 6 map { 0-4 : 10.3.0.11 . 8443, 5 : 10.3.0.12 . 8443 }");
  });

  it("sends the PROXY header to every server but those that are named", () => {
    const spec = balancerSchema.parse({
      kind: "haproxy",
      node: "lb1",
      vip: "192.0.2.10:443",
      backends: [{ address: "10.3.0.11:8443" }, { address: "10.3.0.12:8443" }],
      proxyHeader: "v2",
      proxyHeaderExcept: ["10.3.0.12:8443"],
    });
    if (spec.kind !== "haproxy") throw new Error("not the kind that was parsed");
    expect(haproxyConfig(spec)).toMatch(/server s1 10.3.0.11:8443 send-proxy-v2\n\s+server s2 10.3.0.12:8443\n/);
  });

  it("reads the backend from HAProxy's and nginx's logs, and leaves out who got none", () => {
    const lines = [
      "conn 10.1.0.20:40001 s2 10.3.0.1:51000 10.3.0.12:8443 -- 0 1 20",
      "conn 10.1.0.20:40002 <NOSRV> -:- -:- SC 0 -1 20",
    ];
    expect([...readHaproxyLog(lines)]).toEqual([
      ["10.1.0.20:40001", { backend: "10.3.0.12:8443", peer: "10.3.0.1:51000" }],
    ]);
    expect(readNginxLog(["conn 10.1.0.20:40001 10.3.0.11:8443, 10.3.0.12:8443"]).get("10.1.0.20:40001")).toEqual({
      backend: "10.3.0.12:8443",
      peer: null,
    });
  });

  it("writes IPv6 with brackets, which HAProxy's log and conntrack leave out", () => {
    const logged = ["conn 2001:db8:1::20:40001 s1 10.3.0.1:51000 10.3.0.11:8443 -- 0 1 20"];
    expect([...readHaproxyLog(logged).keys()]).toEqual(["[2001:db8:1::20]:40001"]);
    const tracked =
      "[1795171091.582274]\t    [NEW] tcp      6 120 SYN_SENT src=2001:db8:1::20 dst=2001:db8:ffff::10 sport=60281 " +
      "dport=443 [UNREPLIED] src=2001:db8:3::12 dst=2001:db8:1::20 sport=8443 dport=60281";
    expect(parseConntrack("lb1", tracked)[0]).toMatchObject({
      client: "[2001:db8:1::20]:60281",
      vip: "[2001:db8:ffff::10]:443",
      backend: "[2001:db8:3::12]:8443",
    });
    const spec = balancerSchema.parse({
      kind: "nft-nat",
      node: "lb1",
      vip: "[2001:db8:ffff::10]:443",
      backends: [{ address: "[2001:db8:3::12]:8443" }],
    });
    if (spec.kind !== "nft-nat") throw new Error("not the kind that was parsed");
    expect(nftNatRules(spec)).toContain(
      "ip6 daddr 2001:db8:ffff::10 tcp dport 443 dnat ip6 to numgen inc mod 1 map { 0 : 2001:db8:3::12 . 8443 }",
    );
  });

  it("takes a reset that answers late data for the client's, although the connection went well", () => {
    const late = { ...answered, kind: "late-data" };
    expect(expectedConnection(scenarioCalled("dnat-late-data"), late)).toMatchObject({
      outcome: ["ok"],
      reset: { by: "client", cause: "late-data" },
    });
    expect(expectedConnection(scenarioCalled("dnat-late-data"), answered).reset).toBeUndefined();
  });

  it("reads both directions of a new connection from conntrack", () => {
    const line =
      "[1795171091.582274]\t    [NEW] tcp      6 120 SYN_SENT src=10.1.0.40 dst=192.0.2.10 sport=60281 dport=443 " +
      "[UNREPLIED] src=10.3.0.12 dst=10.3.0.1 sport=8443 dport=40003";
    expect(parseConntrack("lb1", line)).toEqual([
      {
        lb: "lb1",
        at: 1795171091.582274,
        protocol: "tcp",
        client: "10.1.0.40:60281",
        vip: "192.0.2.10:443",
        backend: "10.3.0.12:8443",
        backendPeer: "10.3.0.1:40003",
      },
    ]);
  });
});

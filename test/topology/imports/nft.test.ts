import { describe, expect, test } from "vitest";
import { NFT_RULESET } from "./nft-ruleset.ts";
import { readImport } from "./read-import.ts";

/** The ruleset with one more entry. */
const withEntry = (entry: string) => NFT_RULESET.replace(/\]\}$/, `,\n${entry}\n]}`);
const masquerade = `{"rule": {"family": "ip", "table": "lb", "chain": "post", "handle": 33, "expr": [{"match": {"op": "==", "left": {"meta": {"key": "oifname"}}, "right": "wan0"}}, {"masquerade": null}]}}`;

describe("nft -j list ruleset", () => {
  test("gives what is translated where: maps, sets, verdict maps, chains, weights, MACs", () => {
    const { format, vips, problems } = readImport(NFT_RULESET);
    expect(format).toBe("nft -j list ruleset");
    expect(vips).toEqual({
      "tcp 192.0.2.10:443 fullnat rr": ["10.3.0.11:8443", "10.3.0.12:8443", "10.3.0.13:8443"],
      "tcp 192.0.2.11:80 fullnat 5-tuple": ["10.3.0.11:80", "10.3.0.12:80", "10.3.0.13:80"],
      "tcp 192.0.2.11:443 fullnat 5-tuple": ["10.3.0.11:443", "10.3.0.12:443", "10.3.0.13:443"],
      "tcp 192.0.2.12:8000 dnat source": ["10.3.0.11:8000 *7", "10.3.0.12:8000 *3"],
      "tcp 192.0.2.12:8001 dnat source": ["10.3.0.11:8001 *7", "10.3.0.12:8001 *3"],
      "udp 192.0.2.13:53 dnat": ["10.3.0.53:5353"],
      "tcp 198.51.100.1:80 dnat": ["10.3.0.99:80"],
      "tcp 198.51.100.2:80 dnat": ["10.3.0.99:80"],
      "tcp 192.0.2.14:80 dnat rr": ["10.0.0.1:80", "10.0.0.2:80"],
      "tcp 198.51.100.9:80 dnat": ["10.0.9.1:8080"],
      "tcp 198.51.100.9:81 dnat": ["10.0.9.2:8080"],
      "udp 10.96.0.10:53 dnat random": ["10.244.0.2:53", "10.244.0.3:53"],
      "tcp 10.96.0.11:443 fullnat": ["10.244.0.4:8443"],
      "tcp [2001:db8::10]:443 dnat rr": ["[2001:db8:1::1]:8443", "[2001:db8:1::2]:8443"],
      "tcp 192.0.2.20:443 dsr-l2 5-tuple": ["02:00:00:00:00:01", "02:00:00:00:00:02"],
    });
    expect(problems).toEqual([
      "f: table ip lb, chain pre, handle 30: translates without saying which address was called: no VIP can be told",
    ]);
  });

  test("leaves the mode open where a source translation depends on the interface", () => {
    const { vips, problems } = readImport(withEntry(masquerade));
    expect(Object.keys(vips)).toEqual(
      expect.arrayContaining([
        "tcp 192.0.2.10:443 fullnat rr",
        "tcp 192.0.2.14:80 rr",
        "udp 192.0.2.13:53",
        // a rule for IPv4 says nothing of IPv6
        "tcp [2001:db8::10]:443 dnat rr",
        "tcp 192.0.2.20:443 dsr-l2 5-tuple",
      ]),
    );
    expect(problems[1]).toMatch(
      /^f: table ip lb, chain post, handle 33: may translate the clients of 9 VIPs \(.*\) or not, by interface or mark/,
    );
  });

  test("says that rules by iptables hide their targets", () => {
    const { vips, problems } = readImport(`{"nftables": [
{"chain": {"family": "ip", "table": "nat", "name": "PREROUTING", "handle": 1, "type": "nat", "hook": "prerouting", "prio": -100, "policy": "accept"}},
{"rule": {"family": "ip", "table": "nat", "chain": "PREROUTING", "handle": 2, "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": "192.0.2.30"}}, {"xt": {"type": "match", "name": "statistic"}}, {"xt": {"type": "target", "name": "DNAT"}}]}}]}`);
    expect(vips).toEqual({});
    expect(problems).toEqual([
      "f: table ip nat, chain PREROUTING, handle 2: was written by iptables, whose targets nft does not show: import a conntrack log instead",
    ]);
  });

  test("is kept as far as it is known, and is no trap where chains go in circles", () => {
    const entries = Array.from(
      { length: 40 },
      (_, i) =>
        `{"rule": {"family": "ip", "table": "t", "chain": "c", "handle": ${i}, "expr": [{"jump": {"target": "c"}}]}}`,
    ).join(",");
    const { problems } =
      readImport(`{"nftables": [{"chain": {"family": "ip", "table": "t", "name": "c", "hook": "prerouting", "type": "nat", "prio": 0}},
${entries}, {"rule": {"family": "ip"}}, {"quota": {}}]}`);
    expect(problems).toEqual([
      "f: 1 rules, chains or sets have a form that is not known: left out",
      "f: the ruleset branches too much: read in part",
    ]);
  });

  test.each([
    ["cut short", NFT_RULESET.slice(0, 900), /^f: not JSON: /],
    ["of another kind", '{"nftables": 3}', /^f: expected what "nft -j list ruleset" prints/],
  ])("that is %s is told", (_, text, expected) => {
    expect(readImport(text).problems.join("\n")).toMatch(expected);
  });
});

import type { HostFacts } from "./host-facts.ts";

/** What would have been looked at, but could not be: a line each, with what it takes. */
export function unseen(facts: HostFacts): string[] {
  const isRoot = /^Uid:\s+\d+\s+0\s/m.test(facts.host.readText("/proc/self/status") ?? "");
  const byRoot = isRoot ? "" : ", as root";
  return [
    facts.rules === null ? `packet rules: needs nft or iptables-save${byRoot}` : "",
    facts.routes === null ? "routes and next hops: needs ip of iproute2" : "",
    facts.listeners.some(({ backlog }) => backlog === null) ? "how long listeners' queues may be: needs koffi" : "",
    facts.links.length === 0 ? "interfaces and addresses" : "",
  ].filter((line) => line !== "");
}

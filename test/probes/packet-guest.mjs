// Runs inside the emulated machine: runs the built program's packet probes and `top` while two network namespaces talk
// over a veth pair, IPIP, GRE and a VLAN, and prints what the program printed, beside what the kernel itself counted.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const [packageFolder, trafficScript] = process.argv.slice(2);
const ATTACH_MS = 60_000;

function ip(text) {
  for (const line of text.trim().split("\n")) execFileSync("ip", line.trim().split(/\s+/));
}

/** A namespace's traffic, made at a word. */
class Traffic {
  constructor(argv) {
    this.child = spawn(argv[0], argv.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async make(...commands) {
    for (const command of commands) {
      this.child.stdin.write(`${command}\n`);
      const { value } = await this.lines.next();
      if (value !== "done") throw new Error(`the traffic ended at ${command}`);
    }
  }

  end() {
    this.child.stdin.end();
  }
}

const tc = (...words) => execFileSync("tc", words, { encoding: "utf8" });
const filtersOf = (name) => ["ingress", "egress"].map((side) => tc("filter", "show", "dev", name, side)).join("");
const isTapped = (names) => names.every((name) => tc("filter", "show", "dev", name, "egress").includes("l4scope"));

/** True once a process holds a program that is attached to a tracepoint. */
function hasLink(pid) {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return /bpf[-_]link/.test(readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      return false;
    }
  });
}

function packetsOf(name) {
  const read = (side) => Number(readFileSync(`/sys/class/net/${name}/statistics/${side}_packets`, "utf8"));
  return read("rx") + read("tx");
}

/** Runs the program, makes traffic once it is attached, and ends it unless it does so by itself. */
async function run(words, { isAttached, traffic, endsItself = false, taps = [] }) {
  const child = spawn(process.execPath, [`${packageFolder}/bin/run.js`, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const closed = once(child, "close");
  const deadline = Date.now() + ATTACH_MS;
  while (child.exitCode === null && !isAttached(child.pid)) {
    if (Date.now() > deadline) child.kill("SIGKILL");
    await sleep(200);
  }
  const before = taps.map(packetsOf);
  if (child.exitCode === null) await traffic();
  const passed = Object.fromEntries(taps.map((name, i) => [name, packetsOf(name) - before[i]]));
  if (!endsItself) {
    await sleep(500);
    child.kill("SIGINT");
  }
  const [code] = await closed;
  const left = taps.map((name) => filtersOf(name) + tc("qdisc", "show", "dev", name, "clsact")).join("");
  return { code, stdout, stderr, passed, left };
}

ip(`netns add far
    link add near type veth peer name far netns far`);
for (const scope of [[], ["ip", "netns", "exec", "far"]]) {
  const [command, ...words] = [...scope, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"];
  execFileSync(command, words);
}
ip(`-n far link set lo up
    addr add 10.0.0.1/24 dev near
    -n far addr add 10.0.0.2/24 dev far
    link set near up
    -n far link set far up
    link add ipip1 type ipip local 10.0.0.1 remote 10.0.0.2
    -n far link add ipip1 type ipip local 10.0.0.2 remote 10.0.0.1
    link add gre1 type gre local 10.0.0.1 remote 10.0.0.2
    -n far link add gre1 type gre local 10.0.0.2 remote 10.0.0.1
    link add link near name vlan5 type vlan id 5
    -n far link add link far name vlan5 type vlan id 5`);
for (const [i, name] of ["ipip1", "gre1", "vlan5"].entries()) {
  ip(`addr add 10.${i + 1}.0.1/24 dev ${name}
      -n far addr add 10.${i + 1}.0.2/24 dev ${name}
      link set ${name} up
      -n far link set ${name} up`);
}
// what is behind the far side, a router: two equal next hops
const farSet = (name) => execFileSync("ip", ["netns", "exec", "far", "sysctl", "-qw", name]);
farSet("net.ipv4.ip_forward=1");
farSet("net.ipv4.fib_multipath_hash_policy=1");
for (const n of [1, 2]) {
  ip(`-n far link add out${n} type veth peer name end${n}
      -n far addr add 198.51.100.${n * 16 + 1}/28 dev out${n}
      -n far link set out${n} up
      -n far link set end${n} up
      -n far neigh add 198.51.100.${n * 16 + 2} lladdr 02:00:00:00:00:0${n} dev out${n}`);
}
ip(`-n far route add 203.0.113.0/24 nexthop via 198.51.100.18 nexthop via 198.51.100.34
    route add 203.0.113.0/24 via 10.0.0.2`);
execFileSync("iptables", "-A INPUT -p udp --dport 7 -j DROP".split(" "));

const near = new Traffic(["python3", trafficScript]);
const far = new Traffic(["ip", "netns", "exec", "far", "python3", trafficScript]);
const calls = [0, 1, 2, 3].map((i) => `call 10.${i}.0.2 8080`);
await far.make("serve 8080", "open 1");
// neighbours know each other from here on
await near.make(...calls.map((call) => `${call} 1`), "open 40");

const result = {};
const taps = ["near", "ipip1"];
result.flowtap = await run(["probe", "flowtap", ...taps, "--json"], {
  isAttached: () => isTapped(taps),
  traffic: () => near.make(...calls.map((call) => `${call} 5`)),
  taps,
});
result.skbdrop = await run(["probe", "skbdrop", "--json"], {
  isAttached: hasLink,
  traffic: () => far.make("send 10.0.0.1 9 1", "send 10.0.0.1 7 1", "refused 10.0.0.1 9"),
});
result.fib = await run(["probe", "fib", "--port", "53", "--json"], {
  isAttached: hasLink,
  traffic: async () => {
    await near.make("send 203.0.113.10 53 5");
    await sleep(500);
    ip("-n far route replace 203.0.113.0/24 via 198.51.100.34");
    await near.make("send 203.0.113.10 53 1");
  },
});
result.top = await run(["top", "near", "--duration", "5", "--json"], {
  isAttached: () => isTapped(["near"]),
  traffic: () => near.make(`${calls[0]} 20`),
  endsItself: true,
  taps: ["near"],
});
near.end();
far.end();
process.stdout.write(`${JSON.stringify(result)}\n`);

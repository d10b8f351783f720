import { type IpvsService, readIpvsTcpTimeout } from "../host/ipvs-table.ts";
import { formatSeconds } from "../report/format-quantity.ts";
import { addressText } from "../topology/address.ts";
import { type Check, fine, SILENT, told } from "./check.ts";
import type { HostFacts } from "./host-facts.ts";

/** Pools of database and HTTP clients keep connections for ten minutes to half an hour without a word. */
const USUAL_IDLE_SECONDS = 1800;
const SHORT_IDLE_SECONDS = 300;

/** Documentation/networking/ipvs-sysctl.rst of the kernel is what these rest on. */
export const IPVS: readonly Check[] = [
  {
    id: "ipvs.backends",
    look(facts) {
      const services = servicesOf(facts);
      if (services.length === 0) return SILENT;
      const empty = services.filter(({ destinations }) => !destinations.some(({ weight }) => weight > 0));
      if (empty.length === 0)
        return fine(
          `${services.length === 1 ? "the IPVS service has" : `all ${services.length} IPVS services have`} a real server to send to`,
        );
      return empty.map(({ name, destinations }) => ({
        result: "critical" as const,
        title: `${name} has no real server to send new connections to`,
        seen: { "real servers": destinations.length, "with a weight above 0": 0 },
        why: "IPVS drops a SYN that it has no server for and answers with an ICMP error: clients are refused or wait.",
        remedy: [`ipvsadm -Ln -t ${name}`, "see why the health checker took them out: journalctl -u keepalived"],
      }));
    },
  },
  {
    id: "ipvs.vip-local",
    look(facts) {
      const services = servicesOf(facts).filter(({ vip }) => vip !== null);
      const own = new Set(facts.links.flatMap(({ addresses }) => addresses.map(({ address }) => addressText(address))));
      if (services.length === 0 || own.size === 0) return SILENT;
      const absent = [
        ...new Set(services.flatMap(({ vip }) => (vip === null ? [] : [addressText(vip.address)]))),
      ].filter((text) => !own.has(text));
      if (absent.length === 0) return fine("the VIPs of IPVS are addresses of this host");
      return told("info", {
        title: `${absent.length === 1 ? absent[0] : `${absent.length} VIPs`} of IPVS ${absent.length === 1 ? "is" : "are"} no address of this host`,
        seen: { absent: absent.join(" ") },
        why: "IPVS sees only packets for the host itself. On the standby node of a pair it is as it should be; on the active one nothing is balanced.",
        remedy: [`ip address show to ${absent[0]}; journalctl -u keepalived | grep STATE`],
      });
    },
  },
  {
    id: "ipvs.conn-reuse-mode",
    look(facts) {
      const mode = facts.sysctl("net.ipv4.vs.conn_reuse_mode");
      if (servicesOf(facts).length === 0 || mode === null) return SILENT;
      const isMended = facts.isKernelAtLeast(5, 9);
      const withConntrack = facts.sysctl("net.ipv4.vs.conntrack") === 1;
      const seen = { "net.ipv4.vs.conn_reuse_mode": mode, "net.ipv4.vs.conntrack": withConntrack ? 1 : 0 };
      if (mode === 0 && isMended === true) {
        return told("warning", {
          title: "conn_reuse_mode is 0: a client port used again goes to its old real server",
          seen,
          why: "Where many clients share an address, ports come again within minutes: such connections follow the old entry, to a server of weight 0 or to one that is gone, and expire_nodest_conn has no effect on them. It was needed before Linux 5.9 only.",
          remedy: ["sysctl -w net.ipv4.vs.conn_reuse_mode=1"],
        });
      }
      if (mode !== 0 && isMended === false && withConntrack) {
        return told("warning", {
          title: `conn_reuse_mode is ${mode} on a kernel before 5.9, with connection tracking`,
          seen,
          why: "When a client's port comes again, that kernel drops the SYN to have connection tracking forget the old entry: the client waits a second (mended in Linux 5.9).",
          remedy: ["sysctl -w net.ipv4.vs.conn_reuse_mode=0   # until the kernel is newer"],
        });
      }
      return fine(`conn_reuse_mode is ${mode}`, seen);
    },
  },
  {
    id: "ipvs.expire-nodest-conn",
    look(facts) {
      const value = facts.sysctl("net.ipv4.vs.expire_nodest_conn");
      if (!servicesOf(facts).some(({ protocol }) => protocol !== "udp") || value === null) return SILENT;
      const seen = { "net.ipv4.vs.expire_nodest_conn": value };
      if (value === 1) return fine("connections of a removed real server are ended at once", seen);
      return told("warning", {
        title: "connections of a real server that was removed are swallowed",
        seen,
        why: "When the health checker removes a server, IPVS drops its clients' packets without a word until the entry times out, so they hang instead of connecting anew. (With 1, a checker that removes and adds servers for a moment costs their connections.)",
        remedy: ["sysctl -w net.ipv4.vs.expire_nodest_conn=1"],
      });
    },
  },
  {
    id: "ipvs.expire-quiescent-template",
    look(facts) {
      const value = facts.sysctl("net.ipv4.vs.expire_quiescent_template");
      const persistent = servicesOf(facts).filter(({ persistenceJiffies }) => persistenceJiffies !== null);
      const [first] = persistent;
      if (first === undefined || value === null) return SILENT;
      const seen = {
        "net.ipv4.vs.expire_quiescent_template": value,
        persistent: persistent.map(({ name }) => name).join(" "),
      };
      if (value === 1) return fine("persistent clients leave a real server of weight 0", seen);
      return told("warning", {
        title: `persistent clients of ${first.name} stay with a real server of weight 0`,
        seen,
        why: "A client stays with its server while it comes back in time: one that is drained, or set to 0 because its check fails, keeps getting it for as long as that goes on.",
        remedy: ["sysctl -w net.ipv4.vs.expire_quiescent_template=1"],
      });
    },
  },
  {
    id: "ipvs.timeout",
    look(facts) {
      const seconds = servicesOf(facts).some(({ protocol }) => protocol !== "udp")
        ? readIpvsTcpTimeout(facts.host)
        : null;
      if (seconds === null) return SILENT;
      const seen = { "ipvsadm -l --timeout": seconds };
      const title = `IPVS forgets idle connections after ${formatSeconds(seconds)}`;
      if (seconds >= USUAL_IDLE_SECONDS) return fine(title, seen);
      return told(seconds < SHORT_IDLE_SECONDS ? "warning" : "info", {
        title,
        seen,
        why: "Pools keep idle connections for ten minutes and more, and TCP keepalive asks after two hours: what is forgotten before is reset, or goes to another server, when it speaks again.",
        remedy: [
          "ipvsadm --set 7440 120 300   # idle, after FIN, UDP",
          "or have both ends send keepalives sooner than that",
        ],
      });
    },
  },
  {
    id: "ipvs.sloppy-tcp",
    look(facts) {
      const value = facts.sysctl("net.ipv4.vs.sloppy_tcp");
      const hashed = servicesOf(facts).filter(
        ({ scheduler, protocol }) => /^(mh|sh)$/.test(scheduler) && protocol !== "udp",
      );
      const [first] = hashed;
      if (first === undefined || value === null) return SILENT;
      const seen = { "net.ipv4.vs.sloppy_tcp": value, scheduler: first.scheduler };
      if (value === 1) return fine("IPVS takes connections in mid-stream, by the hash", seen);
      return told("info", {
        title: `${first.name} is balanced by a hash, but only a SYN opens a connection`,
        seen,
        why: "Where several balancers share the VIP behind ECMP, a flow that moves from one to the other would find the same server by the hash; with sloppy_tcp at 0 it is refused.",
        remedy: [
          "sysctl -w net.ipv4.vs.sloppy_tcp=1   # on balancers with the same servers and scheduler, behind ECMP",
        ],
      });
    },
  },
];

/** With services alone: the module may be loaded without a use. */
function servicesOf(facts: HostFacts): readonly IpvsService[] {
  return facts.ipvs?.services ?? [];
}

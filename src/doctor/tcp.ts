import { endsConnections } from "./backlog.ts";
import { type Check, fine, SILENT, told } from "./check.ts";
import { isAny } from "./roles.ts";

export const TCP: readonly Check[] = [
  {
    id: "tcp.abort-on-overflow",
    look(facts, roles) {
      const value = facts.sysctl("net.ipv4.tcp_abort_on_overflow");
      if (!endsConnections(roles) || value === null) return SILENT;
      const seen = { "net.ipv4.tcp_abort_on_overflow": value };
      if (value === 0) return fine("a full queue makes clients try again", seen);
      return told("warning", {
        title: "a full queue resets connections (tcp_abort_on_overflow is 1)",
        seen,
        why: "A burst that the service would have caught up with in a moment becomes resets that users see, and that look like a refusal to the balancer.",
        remedy: ["sysctl -w net.ipv4.tcp_abort_on_overflow=0"],
      });
    },
  },
  {
    id: "tcp.tw-recycle",
    look(facts, roles) {
      // gone since Linux 4.12
      const value = facts.sysctl("net.ipv4.tcp_tw_recycle");
      if (value === null || roles.because.size === 0) return SILENT;
      const seen = { "net.ipv4.tcp_tw_recycle": value };
      if (value === 0) return fine("tcp_tw_recycle is off", seen);
      return told("critical", {
        title: "tcp_tw_recycle is on",
        seen,
        why: "SYNs of clients that share an address, behind NAT or behind a translating balancer, are dropped whenever their timestamps are not in order.",
        remedy: ["sysctl -w net.ipv4.tcp_tw_recycle=0"],
      });
    },
  },
  {
    id: "tcp.tw-reuse",
    look(facts, roles) {
      const value = facts.sysctl("net.ipv4.tcp_tw_reuse");
      const timestamps = facts.sysctl("net.ipv4.tcp_timestamps");
      if (!isAny(roles, "proxy") || value === null) return SILENT;
      const seen = { "net.ipv4.tcp_tw_reuse": value, "net.ipv4.tcp_timestamps": timestamps };
      if (value === 1 && timestamps === 0) {
        return told("info", {
          title: "tcp_tw_reuse is on, but without timestamps it does nothing",
          seen,
          why: "A port in TIME_WAIT is taken for a new connection to the same backend only where timestamps tell the two apart.",
          remedy: ["sysctl -w net.ipv4.tcp_timestamps=1"],
        });
      }
      return fine(
        value === 1
          ? "ports in TIME_WAIT are used again for connections to backends"
          : "ports wait a minute in TIME_WAIT before they are used again",
        seen,
      );
    },
  },
];

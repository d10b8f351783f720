import { readClock } from "../host/clock.ts";
import { formatSeconds } from "../report/format-quantity.ts";
import { type Check, fine, told } from "./check.ts";

const DAEMONS = ["chronyd", "ntpd", "systemd-timesyn", "openntpd", "ptp4l", "phc2sys"] as const;

export const TIME: readonly Check[] = [
  {
    id: "time.sync",
    look(facts) {
      const clock = readClock(facts.host);
      const daemon = DAEMONS.find((name) => facts.processes.has(name));
      if (clock?.isSynchronised === true) {
        return fine("the clock is kept by a time server", { "error at most": formatSeconds(clock.maxErrorSeconds) });
      }
      const seen = { "kernel says synchronised": clock?.isSynchronised ?? null, daemon: daemon ?? null };
      const why =
        "Logs and captures of several hosts are put in order by their clocks: what a balancer did first, and what a backend, is not to be told where these differ.";
      // chronyd tells the kernel only with `rtcsync`, and a container does not see who keeps its host's clock
      if (clock === null || daemon !== undefined || facts.namespaces.isHostNetwork !== true) {
        return told("unknown", {
          title: "whether a time server keeps the clock cannot be told here",
          seen,
          why,
          remedy: ["chronyc tracking || timedatectl timesync-status || ntpq -p"],
        });
      }
      return told("warning", {
        title: "no time server keeps the clock",
        seen,
        why,
        remedy: ["apt-get install chrony"],
      });
    },
  },
];

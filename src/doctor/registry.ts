import { ARP } from "./arp.ts";
import { BACKLOG } from "./backlog.ts";
import { CAN_RUN } from "./can-run.ts";
import type { Check } from "./check.ts";
import { CONNTRACK } from "./conntrack.ts";
import { ECMP } from "./ecmp.ts";
import { FORWARDING } from "./forwarding.ts";
import { IPVS } from "./ipvs.ts";
import { PORTS } from "./ports.ts";
import { RECEIVE } from "./receive.ts";
import { REVERSE_PATH } from "./reverse-path.ts";
import { TCP } from "./tcp.ts";
import { TIME } from "./time.ts";
import { TUNNEL_MTU } from "./tunnel-mtu.ts";

/** `run` asks whether the live commands can run here, `host` whether the host is set up as it should be. */
export type Part = "run" | "host";

/** Every check there is, in the order in which they are shown. */
export const CHECKS: Readonly<Record<Part, readonly Check[]>> = {
  run: CAN_RUN,
  host: [
    ...REVERSE_PATH,
    ...ARP,
    ...FORWARDING,
    ...IPVS,
    ...CONNTRACK,
    ...ECMP,
    ...TUNNEL_MTU,
    ...BACKLOG,
    ...TCP,
    ...PORTS,
    ...RECEIVE,
    ...TIME,
  ],
};

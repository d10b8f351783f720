import { aborting } from "./aborting.ts";
import { backendOverflow } from "./backend-overflow.ts";
import { backendRefusing } from "./backend-refusing.ts";
import { backendSlow } from "./backend-slow.ts";
import { backendUnreachable } from "./backend-unreachable.ts";
import { balance } from "./balance.ts";
import { captureLossDetector } from "./capture-loss.ts";
import { captureClockSkew, captureOffload, captureOneSided, captureTruncated } from "./capture-quality.ts";
import type { Detector } from "./detector.ts";
import { ecmpRehash } from "./ecmp-rehash.ts";
import { ecmpShares } from "./ecmp-shares.ts";
import { elephants } from "./elephants.ts";
import { lbAborting } from "./lb-aborting.ts";
import { lbFailover } from "./lb-failover.ts";
import { lbIdleTimeout } from "./lb-idle-timeout.ts";
import { lbLostState } from "./lb-lost-state.ts";
import { lbPortReuse } from "./lb-port-reuse.ts";
import { lbQueueing } from "./lb-queueing.ts";
import { lbRehash } from "./lb-rehash.ts";
import { lbSnatExhaustion } from "./lb-snat-exhaustion.ts";
import { noteDsr, noteHealthChecks, noteLateData } from "./notes.ts";
import { pathArpConflict } from "./path-arp-conflict.ts";
import { pathAsymmetric } from "./path-asymmetric.ts";
import { pathDirectReply } from "./path-direct-reply.ts";
import { pathIcmpMissteered } from "./path-icmp-missteered.ts";
import { pathIcmpUnreachable } from "./path-icmp-unreachable.ts";
import { pathInjectedReset } from "./path-injected-reset.ts";
import { pathLoss } from "./path-loss.ts";
import { pathMtuBlackhole } from "./path-mtu-blackhole.ts";
import { pathSpray } from "./path-spray.ts";
import { proxyHeader } from "./proxy-header.ts";
import { schedulerMismatch } from "./scheduler-mismatch.ts";
import { synFlood } from "./syn-flood.ts";

/** All detectors; the order is of no consequence. */
export const DETECTORS: readonly Detector[] = [
  proxyHeader,
  lbPortReuse,
  lbSnatExhaustion,
  lbQueueing,
  lbRehash,
  lbFailover,
  lbAborting,
  lbLostState,
  lbIdleTimeout,
  aborting,
  backendOverflow,
  backendRefusing,
  backendSlow,
  backendUnreachable,
  balance,
  ecmpRehash,
  ecmpShares,
  elephants,
  pathLoss,
  schedulerMismatch,
  synFlood,
  pathInjectedReset,
  pathDirectReply,
  pathAsymmetric,
  noteDsr,
  noteHealthChecks,
  noteLateData,
  captureLossDetector,
  captureOneSided,
  captureTruncated,
  captureOffload,
  captureClockSkew,
  pathIcmpMissteered,
  pathIcmpUnreachable,
  pathSpray,
  pathMtuBlackhole,
  pathArpConflict,
];

import { addressText } from "../topology/address.ts";
import type { Case } from "./case.ts";
import type { Evidence } from "./finding.ts";

/** A time in which one router advertised itself as master of a virtual router. ns on the reference clock. */
export interface Tenure {
  /** The router's own address. */
  source: string;
  priority: number;
  from: number;
  to: number;
  adverts: number;
  /** True where it ended with priority 0: the router resigned (RFC 9568 5.2.4). */
  resigned: boolean;
  interval: number;
  first: Evidence;
  last: Evidence;
}

/** A virtual router as all capture points together saw it. */
export interface VirtualRouter {
  id: number;
  /** Its first virtual address, as mapped words and as text. */
  address: readonly [number, number, number, number];
  addressText: string;
  /** By start. */
  tenures: Tenure[];
}

/** Without an interval in the advertisement: VRRP's default. */
const DEFAULT_INTERVAL_NS = 1e9;

/** How long a backup waits for advertisements before it takes over (RFC 9568 6.1), ns. */
export function masterDownTime({ interval, priority }: Tenure): number {
  return interval * (3 + (256 - priority) / 256);
}

/** The virtual routers of a run and who held each of them when. One router id may be used in several networks. */
export function virtualRouters(subject: Case): VirtualRouter[] {
  const { set, clocks } = subject.connected;
  const routers = new Map<string, VirtualRouter>();
  for (const track of set.tracks) {
    for (const advertiser of track.tracker.neighbourhood.advertisers) {
      const text = addressText(advertiser.address);
      const key = `${advertiser.virtualRouterId} ${text}`;
      let router = routers.get(key);
      if (!router) {
        router = { id: advertiser.virtualRouterId, address: advertiser.address, addressText: text, tenures: [] };
        routers.set(key, router);
      }
      const source = addressText(advertiser.source);
      const shift = clocks[track.capture]!.at(advertiser.firstTime);
      const evidence = (frame: number, what: string): Evidence => ({
        capture: track.capture,
        frame,
        note: `${what} of ${source} for ${text} (router id ${advertiser.virtualRouterId}, priority ${advertiser.priority})`,
      });
      const interval = advertiser.intervalCentiseconds * 1e7 || DEFAULT_INTERVAL_NS;
      const tenure: Tenure = {
        source,
        priority: advertiser.priority,
        from: advertiser.firstTime - shift,
        to: advertiser.lastTime - shift,
        adverts: advertiser.count,
        resigned: advertiser.priority === 0,
        interval,
        first: evidence(advertiser.firstFrame, "first advertisement"),
        last: evidence(advertiser.lastFrame, "last advertisement"),
      };
      if (advertiser.longestPause <= masterDownTime(tenure)) {
        router.tenures.push(tenure);
        continue;
      }
      const resumed = advertiser.longestPauseEnd - shift;
      const half = Math.max(1, advertiser.count >> 1);
      router.tenures.push({ ...tenure, to: resumed - advertiser.longestPause, adverts: half });
      router.tenures.push({ ...tenure, from: resumed, adverts: advertiser.count - half });
    }
  }
  for (const router of routers.values()) router.tenures = merged(router.tenures);
  return [...routers.values()];
}

/** Joins what several points, and several priorities of one router, show of the same tenure. */
function merged(tenures: readonly Tenure[]): Tenure[] {
  const list: Tenure[] = [];
  for (const tenure of tenures.toSorted((a, b) => a.from - b.from)) {
    const before = list.findLast(({ source }) => source === tenure.source);
    if (!before || tenure.from > before.to + masterDownTime(before) || (before.resigned && tenure.from > before.to)) {
      list.push({ ...tenure });
      continue;
    }
    if (tenure.priority > 0 && before.priority === 0) before.priority = tenure.priority;
    before.adverts = Math.max(before.adverts, tenure.adverts);
    if (tenure.to >= before.to) {
      before.to = tenure.to;
      before.last = tenure.last;
      before.resigned = tenure.resigned;
    }
  }
  return list;
}

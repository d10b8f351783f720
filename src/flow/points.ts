/** One observation point of a tracker: an interface of its capture, or one interface index inside an SLL2 capture. */
export interface PointStatistics {
  /** Index of the interface in the capture. */
  interface: number;
  /** Interface index that the packets themselves carry (SLL2), else 0. */
  interfaceIndex: number;
  packets: number;
  bytes: number;
  /** Times of the first and last packet, ns since the run's base; NaN without packets. */
  firstTime: number;
  lastTime: number;
  /** Largest step back in time between two packets, ns. */
  stepBack: number;
  /** Frames longer than an Ethernet wire carries: segmentation or receive offload. */
  oversized: number;
}

/** Points told apart. A host has some hundreds of interfaces at most; a damaged capture may seem to have any number. */
const MAX_POINTS = 4096;

/** Numbers the observation points as they turn up; the last one stands for all that do not fit. */
export class PointTable {
  list: PointStatistics[] = [];
  private readonly byKey = new Map<number, number>();
  private lastKey = -1;
  private lastPoint = -1;

  /** The number of the point with this interface and SLL2 interface index. */
  of(interfaceNumber: number, interfaceIndex: number): number {
    const key = interfaceNumber * 4294967296 + (interfaceIndex >>> 0);
    if (key === this.lastKey) return this.lastPoint;
    let point = this.byKey.get(key);
    if (point === undefined && this.list.length >= MAX_POINTS) point = MAX_POINTS - 1;
    if (point === undefined) {
      point = this.list.length;
      this.byKey.set(key, point);
      this.list.push({
        interface: interfaceNumber,
        interfaceIndex,
        packets: 0,
        bytes: 0,
        firstTime: Number.NaN,
        lastTime: Number.NaN,
        stepBack: 0,
        oversized: 0,
      });
    }
    this.lastKey = key;
    this.lastPoint = point;
    return point;
  }
}

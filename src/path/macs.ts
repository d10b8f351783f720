/** A MAC address as one number: 48 bits fit a double exactly. 0 is none. */
export type Mac = number;

type FrameMacs = readonly [number, number, number];

/** Destination of a frame whose 12 MAC bytes are three words. */
export function destinationMac([w0, w1]: FrameMacs): Mac {
  return (w0 >>> 0) * 65536 + (w1 >>> 16);
}

/** Source of it. */
export function sourceMac([, w1, w2]: FrameMacs): Mac {
  return (w1 & 0xffff) * 4294967296 + (w2 >>> 0);
}

export function macHigh(mac: Mac): number {
  return Math.floor(mac / 4294967296);
}

export function macLow(mac: Mac): number {
  return (mac % 4294967296) | 0;
}

/** The initial TTLs of hosts: a packet that still has one was made by the neighbour it came from. */
export function isInitialTtl(ttl: number): boolean {
  return ttl === 64 || ttl === 128 || ttl === 255 || ttl === 32;
}

/** VRRP (RFC 9568 7.3) and HSRP addresses: a box asked by one of them answers with its own. */
export function isVirtualRouterMac(mac: Mac): boolean {
  const prefix = Math.floor(mac / 256);
  return prefix === 0x00005e0001 || prefix === 0x00005e0002 || prefix === 0x00000c07ac;
}

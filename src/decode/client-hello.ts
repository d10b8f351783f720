const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
/** Record header (5), handshake header (4), version (2): RFC 8446 4.1.2 and 5.1. */
const RANDOM_OFFSET = 11;

/**
 * Where the 32-byte random of a TLS ClientHello begins in a payload, relative to its start; 0 where the payload is
 * none. The random is the best identity a relayed connection has: a terminating TCP proxy passes it on unchanged.
 */
export function clientHelloRandomOffset(view: DataView, offset: number, captured: number): number {
  if (captured < RANDOM_OFFSET + 4) return 0;
  if (view.getUint8(offset) !== HANDSHAKE || view.getUint8(offset + 1) !== 3) return 0;
  if (view.getUint8(offset + 5) !== CLIENT_HELLO || view.getUint8(offset + 9) !== 3) return 0;
  return RANDOM_OFFSET;
}

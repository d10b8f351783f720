import { cutShort, DONE } from "./next.ts";
import { IS_VRRP, MAPPED, type Packet } from "./packet.ts";

/** CARP shares VRRP's protocol number and first byte: 36 bytes, and 7 where VRRP counts its addresses. */
const CARP_BYTES = 36;
const CARP_AUTHENTICATION_WORDS = 7;

/** VRRP advertisement, version 2 (RFC 3768) or 3 (RFC 9568). */
export function vrrp(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 8 > p.end) return cutShort(p);
  const versionType = view.getUint8(at);
  if (versionType !== 0x21 && versionType !== 0x31) return DONE;
  const version = versionType >>> 4;
  const count = view.getUint8(at + 3);
  const width = p.ipVersion === 6 ? 16 : 4;
  if (at + 8 + count * width > p.datagramEnd) return DONE;
  // VRRP with 7 addresses has 44 bytes: version 2 ends with 8 bytes of authentication data.
  if (version === 2 && count === CARP_AUTHENTICATION_WORDS && p.datagramEnd - at === CARP_BYTES) return DONE;
  p.vrrpVersion = version;
  p.vrrpId = view.getUint8(at + 1);
  p.vrrpPriority = view.getUint8(at + 2);
  p.vrrpInterval = version === 2 ? view.getUint8(at + 5) * 100 : view.getUint16(at + 4) & 0xfff;
  p.vrrpAddresses = count;
  p.vrrpAddress0 = 0;
  p.vrrpAddress1 = 0;
  p.vrrpAddress2 = MAPPED;
  p.vrrpAddress3 = 0;
  if (count > 0 && at + 8 + width <= p.end) {
    if (width === 4) {
      p.vrrpAddress3 = view.getInt32(at + 8);
    } else {
      p.vrrpAddress0 = view.getInt32(at + 8);
      p.vrrpAddress1 = view.getInt32(at + 12);
      p.vrrpAddress2 = view.getInt32(at + 16);
      p.vrrpAddress3 = view.getInt32(at + 20);
    }
  }
  p.kind = IS_VRRP;
  return DONE;
}

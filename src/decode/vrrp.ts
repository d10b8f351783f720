import { DONE } from "./next.ts";
import { IS_VRRP, MAPPED, type Packet } from "./packet.ts";

/** VRRP advertisement, version 2 (RFC 3768) or 3 (RFC 9568). Protocol 112 is CARP's too: its version/type byte is 0x21 as well, its length differs. */
export function vrrp(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 8 > p.end) {
    p.cut = true;
    return DONE;
  }
  const versionType = view.getUint8(at);
  if (versionType !== 0x21 && versionType !== 0x31) return DONE;
  const version = versionType >>> 4;
  const count = view.getUint8(at + 3);
  const width = p.ipVersion === 6 ? 16 : 4;
  // CARP: authlen 7 where VRRP counts addresses, and no room for them.
  if (at + 8 + count * width > p.datagramEnd) return DONE;
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

import type { ByteFeed } from "./byte-feed.ts";
import {
  CUSTOM,
  CUSTOM_UNCOPYABLE,
  DECRYPTION_SECRETS,
  ENHANCED_PACKET,
  INTERFACE_DESCRIPTION,
  INTERFACE_STATISTICS,
  MAX_PACKET_BLOCK_BYTES,
  MIN_BLOCK_BYTES,
  NAME_RESOLUTION,
  PACKET,
  SECTION_HEADER,
  SIMPLE_PACKET,
  SYSTEMD_JOURNAL,
  sectionOrder,
} from "./pcapng-blocks.ts";
import type { PcapngSection } from "./pcapng-section.ts";

/** Shortest whole block of each type that a damaged file may be resumed at. */
const MIN_BYTES: ReadonlyMap<number, number> = new Map([
  [SECTION_HEADER, 28],
  [INTERFACE_DESCRIPTION, 20],
  [PACKET, 32],
  [SIMPLE_PACKET, 16],
  [NAME_RESOLUTION, 16],
  [INTERFACE_STATISTICS, 24],
  [ENHANCED_PACKET, 32],
  [DECRYPTION_SECRETS, 20],
  [SYSTEMD_JOURNAL, 16],
  [CUSTOM, 16],
  [CUSTOM_UNCOPYABLE, 16],
]);

/** Whether a type is one of those, i.e. hardly the result of damage. */
function isKnownBlock(type: number): boolean {
  return MIN_BYTES.has(type);
}

/**
 * Moves the feed from a damaged block to the next whole one that can be trusted.
 *
 * Trusted is a block of a known type whose two lengths agree. Where the damage may have taken an interface description
 * with it, only a new section is: every later packet of the old one could be given to a wrong interface.
 *
 * @returns the bytes skipped, or null where no such block follows; then the whole input was consumed looking for it.
 */
export async function skipToWholeBlock(feed: ByteFeed, section: PcapngSection): Promise<number | null> {
  const damagedAt = feed.origin + feed.start;
  const type = feed.end - feed.start >= 4 ? feed.view.getUint32(feed.start, section.littleEndian) : 0;
  const resume: ResumeAt = {
    littleEndian: section.littleEndian,
    interfaces: section.clocks.length,
    sectionOnly:
      type === INTERFACE_DESCRIPTION || type === SECTION_HEADER || !(section.hasPackets || isKnownBlock(type)),
    atEnd: false,
  };
  let at = feed.start + 1;
  for (;;) {
    const verdict = plausibleBlock(feed.view, at, feed.end, resume);
    if (verdict === true) break;
    if (verdict === false) {
      if (resume.atEnd && at >= feed.end) return null;
      at++;
      continue;
    }
    const position = feed.origin + at;
    feed.start = Math.min(at, feed.end);
    resume.atEnd = !(await feed.fill());
    at = position - feed.origin;
  }
  feed.start = at;
  return feed.origin + at - damagedAt;
}

/** What resynchronising needs to know of the section it happens in. */
interface ResumeAt {
  littleEndian: boolean;
  /** Interfaces described so far in the section. */
  interfaces: number;
  /** True where only a new section may be trusted, because an interface description may have been lost. */
  sectionOnly: boolean;
  /** True where nothing follows `end`. */
  atEnd: boolean;
}

/**
 * Whether a whole block of a known type lies at `at`, both its lengths agreeing.
 *
 * @returns "more" where `end` cuts off what would decide.
 */
function plausibleBlock(view: DataView, at: number, end: number, resume: ResumeAt): boolean | "more" {
  const more = resume.atEnd ? false : "more";
  if (end - at < MIN_BLOCK_BYTES) return more;
  let { littleEndian } = resume;
  const type = view.getUint32(at, littleEndian);
  if (type === SECTION_HEADER) {
    const order = sectionOrder(view, at);
    if (order === null) return false;
    littleEndian = order === "little";
  } else if (resume.sectionOnly || (type > DECRYPTION_SECRETS && type !== CUSTOM && type !== CUSTOM_UNCOPYABLE)) {
    return false;
  }
  const shortest = MIN_BYTES.get(type);
  if (shortest === undefined) return false;
  const length = view.getUint32(at + 4, littleEndian);
  // the search never waits for more than a packet block, however long the candidate says it is
  if (length < shortest || length > MAX_PACKET_BLOCK_BYTES || (length & 3) !== 0) return false;
  if (type === ENHANCED_PACKET) {
    if (end - at < 28) return more;
    if (view.getUint32(at + 8, littleEndian) >= resume.interfaces) return false;
    if (view.getUint32(at + 20, littleEndian) > length - 32) return false;
  }
  if (end - at < length) return more;
  return view.getUint32(at + length - 4, littleEndian) === length;
}

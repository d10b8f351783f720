import type { Explanation } from "./explanation.ts";

export const CAPTURE: Readonly<Record<string, Explanation>> = {
  "capture.loss": {
    summary: "the capture missed packets",
    means:
      "Packets that were on the wire are not in the file. Gaps and one-sided flows may be the capture's own fault: findings about loss count less.",
    found:
      "Acknowledgments of data that was never seen at the point, and the drop counts that the file itself carries.",
    alternatives: ["path.asymmetric: one whole direction passes elsewhere", "a capture filter"],
    confirm: ["tcpdump's last lines: `packets dropped by kernel`"],
    remedy: ["`tcpdump -B 65536 -s 128`; write to a fast disk, filter early, or spread over queues"],
  },
  "capture.one-sided": {
    summary: "a point saw one direction only",
    means: "At this point only requests or only replies were captured. What the other direction did is unknown there.",
    found: "Almost all flows of a point have packets in one direction only.",
    alternatives: ["note.dsr, path.asymmetric: the other direction really passes elsewhere"],
    confirm: ["was a mirror port set to one direction? `tcpdump -Q`, the switch's SPAN configuration, the filter"],
    remedy: ["capture both directions, or add the point where the other one passes"],
  },
  "capture.truncated": {
    summary: "packets or files are cut",
    means: "The snap length cut headers, or a file ends in the middle. What was cut cannot be judged.",
    found: "Captured length below the headers' end, or a file that ends inside a packet.",
    alternatives: ["a capture that is still being written"],
    confirm: ["`capinfos FILE`: snap length and whether it was cut"],
    remedy: ["`tcpdump -s 128` or more: tunnels and IPv6 need the room"],
  },
  "capture.offload": {
    summary: "frames larger than the wire carries",
    means:
      "The capture shows segments before segmentation or after receive offload. Sizes, retransmissions and MTU are those of the host, not of the wire.",
    found: "Frames longer than an Ethernet wire carries.",
    alternatives: ["jumbo frames: up to about 9000 bytes and on all hosts of the segment"],
    confirm: ["`ethtool -k IF | grep -E 'segmentation|receive-offload'`"],
    remedy: ["for exact sizes: `ethtool -K IF tso off gso off gro off` while capturing, or capture on the switch"],
  },
  "capture.clock-skew": {
    summary: "clocks of the captures differ",
    means:
      "Hosts' clocks are apart, drift, or were set during the capture. l4scope corrects by the connections themselves; other tools will show effects before causes.",
    found: "Every joined connection bounds the offset of two clocks from both directions; the bounds are intersected.",
    alternatives: ["captures of different times that do not overlap"],
    confirm: ["`chronyc tracking` on the hosts"],
    remedy: ["run NTP or PTP; with other tools, shift by the offset given: `editcap -t OFFSET`"],
  },
};

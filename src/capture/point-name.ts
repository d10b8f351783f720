import { basename, dirname } from "node:path";

/**
 * Names of network interfaces as Linux, its tunnels and its container networks give them, with a VLAN if any. Whole
 * words only: a part of a file's name is taken for an interface only where it can hardly be anything else.
 */
const INTERFACE = new RegExp(
  `^(?:${[
    "any",
    "lo\\d*",
    "(?:eth|em|bond|team|dummy|ifb|ib|wlan|wwan|ppp|tun|tap|wg|macvlan|ipvlan|dpdk)\\d+",
    // systemd.net-naming-scheme(7): onboard, slot, PCI path, MAC
    "(?:en|wl|ww|ib)(?:o\\d+|(?:P\\d+)?(?:p\\d+)?s\\d+)(?:f\\d+)?(?:n?p\\d+|n\\w+|d\\d+)?(?:v\\d+)?",
    "(?:en|wl|ww)x[0-9a-f]{12}",
    // biosdevname
    "p\\d+p\\d+",
    "br\\d+|br-[0-9a-z]+|bridge\\d+|virbr\\d+|docker\\d+|docker_gwbridge|cni\\d+|ovs-br\\d+",
    "vlan\\d+",
    "vx(?:lan)?\\d+|vxlan\\.calico|flannel\\.\\d+|geneve\\d+|genev_sys_\\d+",
    "tunl\\d+|ipip\\d*|ip6tnl\\d+|sit\\d+|gre\\d+|gretap\\d+|ip6gre\\d+|ip6gretap\\d+|erspan\\d+|ip_vti\\d+|fou\\d+|gue\\d+",
    "veth[0-9a-z]*|cali[0-9a-f]+|lxc[0-9a-z]*\\d[0-9a-z]*|cilium_(?:host|net|vxlan)|kube-ipvs0|nodelocaldns",
  ].join("|")})(?:\\.\\d{1,4})?$`,
);

const COMPRESSION = /\.(?:gz|zst|zstd)$/i;
/** The extension, and what tcpdump -C or a log rotation puts behind it. */
const EXTENSION = /\.(?:pcapng|pcap|ntar|cap|dmp|dump|trace)\d*(?:\.\d+)?$/i;

/** The same without what was put behind it. */
const PLAIN_EXTENSION = /\.(?:pcapng|pcap|ntar|cap|dmp|dump|trace)$/i;

/** The cooked header's version, which some put behind `any`. */
const COOKED = /(?<=[-_.]any)[-_.](?:linux_)?sll2?$/i;

const YEAR_TO_DAY = "(?:19|20)\\d\\d[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:0[1-9]|[12]\\d|3[01])";
const TIME_OF_DAY = "(?:[01]\\d|2[0-3])(?:[-_.:h]?[0-5]\\d){1,2}(?:\\.\\d+)?(?:Z|[+-]\\d{4})?";
/** Times and sequence numbers that one recording puts into the names of its files, at the end or the start. */
const ROTATION = [
  // dumpcap -b and editcap -c: name_00001_20261120101010, newer versions the other way round
  /[-_.]\d{5}_\d{14}$/,
  /[-_.]\d{14}_\d{5}$/,
  // tcpdump -G with a strftime name
  new RegExp(`[-_.]${YEAR_TO_DAY}(?:[-_.T ]?${TIME_OF_DAY})?$`),
  new RegExp(`^${YEAR_TO_DAY}(?:[-_.T ]?${TIME_OF_DAY})?[-_.]`),
  /[-_.](?:[01]\d|2[0-3])([-_.:]?)[0-5]\d\1[0-5]\d$/,
  // %s, from 2001 to 2033
  /[-_.]1\d{9}$/,
];

/** What stands for no name: dumpcap calls a pipe "-", and Wireshark once wrote a sentence when it converted a pcap. */
const NO_NAME = /^(?:-?|Unknown\/not available.*)$/;

/**
 * The observation point of a packet, as `node:interface`.
 *
 * @param path the capture as the user named it; `-` is stdin. `lb1-eth0.pcap` is eth0 of node lb1; where nothing in
 *   the name is an interface's, all of it is the node's. `lb1/eth0.pcap` takes the node from the directory. The files
 *   of one recording (tcpdump -C and -G, dumpcap -b) have one name.
 * @param interfaceName what the file itself says (pcapng if_name); it wins.
 * @param interfaceIndex the packet's own interface index (SLL2 of a capture on `any`): `lb1:any#3`.
 */
export function observationPoint(path: string, interfaceName: string | null = null, interfaceIndex?: number): string {
  const fromFile = path === "-" ? { node: "stdin", interface: null } : splitName(path);
  let name = interfaceName === null || NO_NAME.test(interfaceName) ? fromFile.interface : interfaceName;
  if (interfaceIndex !== undefined) name = `${name ?? "any"}#${interfaceIndex}`;
  return name === null ? fromFile.node : `${fromFile.node}:${name}`;
}

/**
 * What the files of one recording have in common: folder and name without what tcpdump -C and -G, dumpcap -b and
 * compression put into it.
 */
export function recordingName(path: string): string {
  return `${dirname(path)}/${stemOf(basename(path))}`;
}

/** True for a name that says that there are more files of its recording: a number or a time. */
export function isOneOfSeveral(path: string): boolean {
  let name = basename(path);
  while (COMPRESSION.test(name)) name = name.replace(COMPRESSION, "");
  return !PLAIN_EXTENSION.test(name) || stemOf(name) !== name.replace(PLAIN_EXTENSION, "").replace(COOKED, "");
}

function splitName(path: string): { node: string; interface: string | null } {
  const stem = stemOf(basename(path));
  if (INTERFACE.test(stem)) {
    const directory = basename(dirname(path));
    if (directory !== "" && directory !== "." && directory !== "..") return { node: directory, interface: stem };
    return { node: stem, interface: null };
  }
  // the longest tail that is an interface, so that a VLAN or a bridge's name stays whole
  for (const separator of stem.matchAll(/[-_.:@+]/g)) {
    const node = stem.slice(0, separator.index);
    const tail = stem.slice(separator.index + 1);
    if (node !== "" && INTERFACE.test(tail)) return { node, interface: tail };
  }
  // or one in the middle, followed by words of the user's: lb1-eth0-before
  const words = stem.split(/([-_.:@+])/);
  for (let i = 2; i < words.length; i += 2) {
    const word = words[i] ?? "";
    if (/\d/.test(word) && INTERFACE.test(word)) return { node: words.slice(0, i - 1).join(""), interface: word };
  }
  return { node: stem, interface: null };
}

function stemOf(file: string): string {
  let stem = file;
  while (COMPRESSION.test(stem)) stem = stem.replace(COMPRESSION, "");
  stem = stem.replace(EXTENSION, "");
  stem = stem.replace(COOKED, "");
  for (const rotation of ROTATION) {
    const rest = stem.replace(rotation, "");
    if (rest !== "") stem = rest;
  }
  return stem === "" ? file : stem;
}

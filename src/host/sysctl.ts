import type { Host } from "./host.ts";

/**
 * A sysctl's text without its line end, by the name that sysctl(8) takes (`net.ipv4.ip_forward`); null where this
 * kernel, or this network namespace, has none. A dot inside an interface's name is written as a slash, as sysctl(8) does.
 */
export function sysctlText(host: Host, name: string): string | null {
  // in a file's name the two change places: net.ipv4.conf.eth0/100.rp_filter is conf/eth0.100/rp_filter
  const path = name.replace(/[./]/g, (letter) => (letter === "." ? "/" : "."));
  return host.readText(`/proc/sys/${path}`)?.trim() ?? null;
}

/** A sysctl that is one whole number; null where it is none. */
export function sysctlNumber(host: Host, name: string): number | null {
  const text = sysctlText(host, name);
  return text !== null && /^-?\d+$/.test(text) ? Number(text) : null;
}

/** `net.ipv4.conf.INTERFACE.NAME`, for an interface of any name. */
export function interfaceSysctl(iface: string, name: string): string {
  return `net.ipv4.conf.${iface.replaceAll(".", "/")}.${name}`;
}

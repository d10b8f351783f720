/**
 * bcc's tcplife, which needs tracefs: mounted where it looks, in a mount namespace of its own, so that nothing of it
 * stays. Its output comes by lines, which into a pipe it would not by itself.
 */
export const BCC_TCPLIFE: readonly string[] = [
  "unshare",
  "--mount",
  "sh",
  "-c",
  "mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; exec stdbuf -oL /usr/sbin/tcplife",
];

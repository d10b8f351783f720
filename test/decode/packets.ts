import { packet } from "../../fixtures/packets/packet.ts";
import { timestamps } from "../../fixtures/packets/tcp-options.ts";

/** The client's connection that most tests here put into something, over IPv4 and IPv6. */
export const CLIENT4 = { src: "10.1.0.1", dst: "192.0.2.10" };
export const CLIENT6 = { src: "2001:db8::1", dst: "2001:db8:2::10" };
/** From a load balancer to a backend. */
export const OUTER4 = { src: "10.2.0.2", dst: "10.2.0.11" };
export const OUTER6 = { src: "fd00::2", dst: "fd00::11" };
const PORTS = { src: 40001, dst: 443 };

export const TCP4 = packet().ipv4(CLIENT4).tcp(PORTS).payload("hello");
export const TCP6 = packet().ipv6(CLIENT6).tcp(PORTS).payload("hello");
export const UDP4 = packet().ipv4(CLIENT4).udp(PORTS).payload("hello");
export const UDP6 = packet().ipv6(CLIENT6).udp(PORTS).payload("hello");
/** With the options of an established connection. */
export const TCP4_TIMESTAMPS = packet()
  .ipv4(CLIENT4)
  .tcp({ ...PORTS, options: [Uint8Array.of(1, 1), timestamps(7, 8)] })
  .payload("hello");

/** As `flowOf` prints them. */
export const FLOW4 = "10.1.0.1:40001 > 192.0.2.10:443";
export const FLOW6 = "[2001:db8::1]:40001 > [2001:db8:2::10]:443";

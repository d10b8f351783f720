/** Who says that this is the client: a TOA option or a PROXY header. */
export interface ClientClaim {
  leg: number;
  source: "toa" | "proxy-v1" | "proxy-v2";
  /** `local`: the proxy speaks for itself, as health checks do. */
  command: "proxy" | "local" | "unknown";
  frame: number;
  /** Mapped words of the client; null where the claim carries none or the capture cut it. */
  client: readonly [number, number, number, number] | null;
  clientPort: number;
  /** Mapped words of the address the client called (PROXY headers only). */
  vip: readonly [number, number, number, number] | null;
  vipPort: number;
  /** TCP option kind for TOA, else 0. */
  optionKind: number;
}

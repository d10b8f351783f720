import * as L from "../flow/leg-layout.ts";
import type { Connection } from "../path/connection.ts";
import type { LegRef } from "../path/leg-set.ts";
import { endpointFilter } from "./backend-refusing.ts";
import { backLeg } from "./balancer-ports.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import { proxyLegs } from "./proxy-closes.ts";

const MIN_FAILED = 3;
/** A backend that does not understand its proxy answers nobody, save by chance. */
const FAILS = 0.9;
/** Siblings that understand it answer (nearly) everybody. */
const MAX_SIBLINGS_FAIL = 0.2;
/** Closing at the first bytes takes no longer. */
const AT_ONCE_NS = 2e9;
/** Flows with and without the option, before they say anything. */
const MIN_TOA_FLOWS = 10;
const MIN_TOA_EACH = 3;

/** What one backend was sent first, and what it made of it. */
interface Understanding {
  backend: number;
  withHeader: Connection[];
  without: Connection[];
  /** Of each, those that the backend ended at once without a byte of answer. */
  failedWith: Connection[];
  failedWithout: Connection[];
  doubled: Connection[];
}

/**
 * `proxy.header-mismatch`: a backend gets a PROXY header that it does not expect, none where it wants one, or two; it
 * closes at the first bytes. `proxy.toa-missing`: some flows of a full NAT VIP carry the client's address in a TCP
 * option and others do not.
 */
export const proxyHeader: Detector = {
  ids: ["proxy.header-mismatch", "proxy.toa-missing"],
  find: (subject) =>
    subject.vips.flatMap((group) => [...mismatches(subject, group), ...(missingToa(subject, group) ?? [])]),
};

function mismatches(subject: Case, group: VipGroup): Finding[] {
  if (group.protocol !== 6 || !hasClaims(subject, false)) return [];
  const all = understandings(subject, group);
  const findings: Finding[] = [];
  const failing = all.filter(
    (one) => isFailing(one.withHeader, one.failedWith) || isFailing(one.without, one.failedWithout),
  );
  if (failing.length === 0) return [];
  if (failing.length === all.length && all.length > 1) {
    const whole = combine(failing);
    // Nobody is there to compare with: only a header that nobody answers tells something.
    return isFailing(whole.withHeader, whole.failedWith) ? [finding(subject, group, whole, "unwanted", null)] : [];
  }
  for (const one of failing) {
    const siblings = combine(all.filter((other) => !failing.includes(other)));
    if (isFailing(one.without, one.failedWithout) && isFine(siblings.withHeader, siblings.failedWith)) {
      findings.push(finding(subject, group, one, "missing", siblings));
    } else if (isFailing(one.withHeader, one.failedWith) && one.doubled.length >= one.failedWith.length * FAILS) {
      findings.push(finding(subject, group, one, "doubled", siblings));
    } else if (
      isFailing(one.withHeader, one.failedWith) &&
      (isFine(siblings.withHeader, siblings.failedWith) || isFine(siblings.without, siblings.failedWithout))
    ) {
      findings.push(finding(subject, group, one, "unwanted", siblings));
    }
  }
  return findings;
}

function isFailing(asked: readonly Connection[], failed: readonly Connection[]): boolean {
  return failed.length >= MIN_FAILED && failed.length >= asked.length * FAILS;
}

function isFine(asked: readonly Connection[], failed: readonly Connection[]): boolean {
  return asked.length >= MIN_FAILED && failed.length <= asked.length * MAX_SIBLINGS_FAIL;
}

function combine(list: readonly Understanding[]): Understanding {
  return {
    backend: -1,
    withHeader: list.flatMap((one) => one.withHeader),
    without: list.flatMap((one) => one.without),
    failedWith: list.flatMap((one) => one.failedWith),
    failedWithout: list.flatMap((one) => one.failedWithout),
    doubled: list.flatMap((one) => one.doubled),
  };
}

/** What each backend of a proxied VIP was sent, where the first bytes were captured. */
function understandings(subject: Case, group: VipGroup): Understanding[] {
  const all = new Map<number, Understanding>();
  let hasHeader = false;
  const add = (connection: Connection, backend: number, ref: LegRef, front: LegRef | null) => {
    const { up, down } = subject.leg(ref);
    if (up.payloadBytes === 0 || !subject.leg(ref).has(L.LEG_SYN_ACK)) return;
    const sent = up.has(L.SIDE_PROXY_HEADER);
    if (!sent && up.payloadSeen < 8) return;
    hasHeader ||= sent;
    let one = all.get(backend);
    if (!one) {
      one = { backend, withHeader: [], without: [], failedWith: [], failedWithout: [], doubled: [] };
      all.set(backend, one);
    }
    (sent ? one.withHeader : one.without).push(connection);
    // The client's own first bytes were a header already, and the proxy passed them on behind its own.
    if (sent && front !== null) {
      const client = subject.leg(front).up;
      if (client.has(L.SIDE_PROXY_HEADER) && subject.leg(ref).up.payloadBytes > client.payloadBytes) {
        one.doubled.push(connection);
      }
    }
    if (down.payloadBytes > 0 || !endedByBackend(subject, ref)) return;
    (sent ? one.failedWith : one.failedWithout).push(connection);
  };
  for (const connection of group.connections) {
    if (connection.mode !== "proxy" || connection.backend === null) continue;
    const legs = proxyLegs(connection);
    // Where only the backend's side was captured, the header itself names the client.
    add(connection, connection.backend, legs?.back ?? connection.back, legs?.front ?? null);
  }
  if (!hasHeader) return [];
  for (const attempt of subject.attempts) {
    if (all.has(attempt.vip)) add(attempt, attempt.vip, attempt.front, null);
  }
  return [...all.values()];
}

/** True where the backend closed or reset first, at once after the first bytes. */
function endedByBackend(subject: Case, ref: LegRef): boolean {
  const view = subject.leg(ref);
  const { up, down } = view;
  if (view.end - up.dataTime > AT_ONCE_NS) return false;
  if (view.has(L.LEG_RST_DOWN)) return true;
  return down.finFrame !== 0 && !(up.finTime <= down.finTime);
}

type Kind = "missing" | "unwanted" | "doubled";

function finding(
  subject: Case,
  group: VipGroup,
  one: Understanding,
  kind: Kind,
  siblings: Understanding | null,
): Finding {
  const { endpoints } = subject.connected;
  const vip = subject.text(group.vip);
  const backend = one.backend < 0 ? null : subject.text(one.backend);
  const failed = kind === "missing" ? one.failedWithout : one.failedWith;
  const asked = kind === "missing" ? one.without : one.withHeader;
  const who = backend ?? `Every backend of ${vip}`;
  const first = failed[0]!;
  const node = subject.nodeOf(proxyLegs(first)?.back ?? first.back);
  const times = failed.map(({ start }) => start);
  const titles: Record<Kind, string> = {
    missing: `${who} gets no PROXY header although it wants one: ${failed.length} of ${asked.length} connections closed without an answer`,
    unwanted: `${who} does not understand the PROXY header it is sent: ${failed.length} of ${asked.length} connections closed without an answer`,
    doubled: `${who} gets two PROXY headers: ${failed.length} of ${asked.length} connections closed without an answer`,
  };
  const compared = siblings
    ? ` Its siblings got ${siblings.withHeader.length > 0 ? "a header" : "none"} and answered ${percent(
        siblings.withHeader.length +
          siblings.without.length -
          siblings.failedWith.length -
          siblings.failedWithout.length,
        siblings.withHeader.length + siblings.without.length,
      )} of their connections.`
    : " There is no backend that answers to compare with, so anything else that makes all of them close at the first bytes would look the same.";
  const sent: Record<Kind, string> = {
    missing: "the client's own bytes without a PROXY header before them",
    unwanted: "a PROXY header",
    doubled: "a PROXY header by the client's side and another by this proxy",
  };
  return {
    id: "proxy.header-mismatch",
    severity: "critical",
    confidence: confidenceFrom(failed.length, kind === "missing" || kind === "doubled" ? 0.98 : siblings ? 0.93 : 0.8),
    title: titles[kind],
    explanation: `${count(failed.length, "connection")} began with ${sent[kind]}, and the backend ended them at once without sending a byte.${compared}`,
    where: { vip, ...(backend === null ? {} : { backend }), ...(node === "" ? {} : { node }) },
    window: { from: Math.min(...times), to: Math.max(...times) },
    measured: {
      failedConnections: failed.length,
      connections: asked.length,
      header: kind === "missing" ? "none" : headerVersion(subject, failed),
      siblingsWithHeader: siblings?.withHeader.length ?? 0,
      siblingsWithoutHeader: siblings?.without.length ?? 0,
    },
    connections: failed.map(({ id }) => id),
    evidence: failed.slice(0, 2).flatMap((connection) => {
      const ref = proxyLegs(connection)?.back ?? connection.back;
      const view = subject.leg(ref);
      return [
        subject.evidence(ref, view.up.dataFrame, `begins with ${sent[kind]}`),
        subject.evidence(ref, view.down.finFrame || view.lastFrame, "the backend ends it, no byte answered"),
      ];
    }),
    displayFilter: `${backend === null ? `tcp.port==${endpoints.port(first.backend ?? first.vip)}` : endpointFilter(subject, one.backend, "addr")} && (tcp.len>0 || tcp.flags.fin==1 || tcp.flags.reset==1)`,
    remedy:
      kind === "missing"
        ? [
            `HAProxy: \`send-proxy\` or \`send-proxy-v2\` on the \`server\` line of ${backend}, as on the others; nginx stream: \`proxy_protocol on\``,
          ]
        : kind === "doubled"
          ? [
              "let this proxy take the first header off (HAProxy: `accept-proxy` on its `bind` line), or not send its own",
            ]
          : [
              `on the backend: accept it (nginx \`listen … proxy_protocol\`, HAProxy \`bind … accept-proxy\`, Apache \`RemoteIPProxyProtocol On\`)`,
              "or do not send it: remove `send-proxy`/`send-proxy-v2` from the `server` line; mind that v1 and v2 are not the same to every server",
            ],
    explains: { cause: "backend-abort" },
  };
}

function headerVersion(subject: Case, connections: readonly Connection[]): string {
  const { set } = subject.connected;
  const legs = new Set(connections.flatMap(({ legs }) => legs));
  for (const track of set.tracks) {
    for (const { leg, source } of track.tracker.claims) {
      if (source !== "toa" && legs.has(set.ref(track.index, leg))) return source === "proxy-v1" ? "v1" : "v2";
    }
  }
  return "yes";
}

/** True where any leg carried a client's address: in a TCP option, or in a PROXY header. */
function hasClaims(subject: Case, isToa: boolean): boolean {
  return subject.connected.set.tracks.some(({ tracker }) =>
    tracker.claims.some(({ source }) => (source === "toa") === isToa),
  );
}

/** Some flows of one full NAT VIP tell the client's address (option kinds 254, 200 and others), some do not. */
function missingToa(subject: Case, group: VipGroup): Finding[] | null {
  if (!hasClaims(subject, true)) return null;
  if (
    group.protocol !== 6 ||
    !group.connections.some(({ joinKeys, mode }) => mode === "fullnat" || joinKeys.includes("toa"))
  ) {
    return null;
  }
  const having: { connection: Connection; ref: LegRef }[] = [];
  const lacking: { connection: Connection; ref: LegRef }[] = [];
  for (const connection of group.connections) {
    if (connection.mode !== "fullnat") continue;
    const ref = backLeg(connection.hops, connection.legs) ?? connection.back;
    const view = subject.leg(ref);
    // The option is in the SYN or, since DPVS 1.9.6, in the first ACK.
    if (!view.has(L.LEG_SYN) || !view.has(L.LEG_ESTABLISHED)) continue;
    (view.up.has(L.SIDE_TOA) ? having : lacking).push({ connection, ref });
  }
  const total = having.length + lacking.length;
  if (total < MIN_TOA_FLOWS || having.length < MIN_TOA_EACH || lacking.length < MIN_TOA_EACH) return null;
  const vip = subject.text(group.vip);
  const nodes = new Set(lacking.map(({ ref }) => subject.nodeOf(ref)));
  const backends = new Set(lacking.map(({ connection }) => connection.backend));
  const onlyBackend = backends.size === 1 ? [...backends][0]! : null;
  const times = lacking.map(({ connection }) => connection.start);
  return [
    {
      id: "proxy.toa-missing",
      severity: "warning",
      confidence: confidenceFrom(Math.min(having.length, lacking.length), 0.95),
      title: `${lacking.length} of ${total} connections to ${vip} do not tell backends their client's address (TOA option)`,
      explanation: `${count(having.length, "connection")} carried the client's address in a TCP option towards the backend, ${count(lacking.length, "connection")} did not: their backends see the balancer's address. ${nodes.size === 1 ? `All of those came through ${[...nodes][0]}. ` : ""}${onlyBackend === null ? "" : `All of them went to ${subject.text(onlyBackend)}. `}A SYN whose options are full, another version of the balancer, or one without the option switched on does that.`,
      where: {
        vip,
        ...(onlyBackend === null ? {} : { backend: subject.text(onlyBackend) }),
        ...(nodes.size === 1 ? { node: [...nodes][0]! } : {}),
      },
      window: { from: Math.min(...times), to: Math.max(...times) },
      measured: {
        withOption: having.length,
        withoutOption: lacking.length,
        share: Math.round((1000 * lacking.length) / total) / 1000,
      },
      connections: lacking.map(({ connection }) => connection.id),
      evidence: [
        ...lacking
          .slice(0, 2)
          .map(({ ref }) => subject.evidence(ref, subject.leg(ref).up.synFrame, "without the option")),
        ...having.slice(0, 1).map(({ ref }) => subject.evidence(ref, subject.leg(ref).up.synFrame, "with it")),
      ],
      displayFilter: "tcp.flags.syn==1 && tcp.flags.ack==0 && !(tcp.option_kind==254)",
      remedy: [
        "DPVS: the same version and `proto_to_tcp`/TOA settings on all balancers; 1.9.6 moved the option from the SYN to the first ACK, which older toa modules on backends do not read",
        "backends: load the toa (or uoa) module everywhere, in a version that reads both places",
      ],
    },
  ];
}

import { describe, expect, it } from "vitest";
import type { TcpConversation } from "../../fixtures/packets/conversation.ts";
import { lbQueueing } from "../../src/diagnose/lb-queueing.ts";
import { proxyHeader } from "../../src/diagnose/proxy-header.ts";
import { answer, backend, client, request, throughProxy } from "./balanced.ts";
import { examine, type Seen, times, together } from "./examine.ts";

const served = (front: TcpConversation, back: TcpConversation, index: number, serviceSeconds: number, wait: number) => {
  front.handshake().send("up", request(index));
  back
    .handshake()
    .silence(0.001)
    .send("up", request(index))
    .silence(serviceSeconds)
    .send("down", answer(index))
    .fin("up");
  front
    .silence(wait + serviceSeconds + 0.003)
    .send("down", answer(index))
    .fin("up");
};

/** Clients every 0.1 s; one backend that takes 0.3 s for each, one at a time or all at once. */
function arrivals(limited: boolean): Seen {
  return times(12, (index) => {
    const start = index * 0.1;
    const wait = limited ? Math.max(0.0005, index * 0.31 - start) : 0.0005;
    return throughProxy(index, start, (front, back) => served(front, back, index, 0.3, wait), { wait, to: backend(0) });
  });
}

describe("lb.queueing", () => {
  it("is a proxy that opens its side when another connection of the backend ends", () => {
    const [finding, ...others] = lbQueueing.find(examine(arrivals(true)));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      id: "lb.queueing",
      where: { node: "lb1" },
      measured: { connectionsPerBackend: 1 },
    });
  });

  it("is silent where the same clients are passed on at once", () => {
    expect(lbQueueing.find(examine(arrivals(false)))).toEqual([]);
  });

  it("is silent where the wait is a retry and no backend is full", () => {
    const retried = (index: number) =>
      throughProxy(index, index * 3, (front, back) => served(front, back, index, 0.05, index % 2), {
        wait: index % 2 === 0 ? 0.0005 : 1,
        to: backend(0),
      });
    expect(lbQueueing.find(examine(times(14, retried)))).toEqual([]);
  });
});

const header = (index: number) => `PROXY TCP4 ${client(index).replace(":", ` 192.0.2.10 `)} 443\r\n`;

/** A connection to a backend, with a PROXY header or without, that it answers or ends at its first bytes. */
const headed = (index: number, to: string, hasHeader: boolean, isAnswered: boolean): Seen =>
  throughProxy(
    index,
    index * 0.1,
    (front, back) => {
      front.handshake().send("up", request(index));
      back
        .handshake()
        .silence(0.001)
        .send("up", hasHeader ? header(index) + request(index) : request(index));
      if (isAnswered) {
        back.send("down", answer(index)).fin("up");
        front.silence(0.004).send("down", answer(index)).fin("up");
      } else {
        back.fin("down");
        front.silence(0.004).fin("down");
      }
    },
    { to },
  );

describe("proxy.header-mismatch", () => {
  const siblings = times(8, (index) => headed(index, backend(0), true, true));

  it("is a backend that gets none and closes, while its siblings get one and answer", () => {
    const seen = together(
      siblings,
      times(5, (index) => headed(20 + index, backend(1), false, false)),
    );
    expect(proxyHeader.find(examine(seen))).toMatchObject([
      {
        id: "proxy.header-mismatch",
        where: { backend: backend(1) },
        measured: { header: "none", failedConnections: 5 },
      },
    ]);
  });

  it("is a backend that closes at a header that its siblings understand", () => {
    const seen = together(
      siblings,
      times(5, (index) => headed(20 + index, backend(2), true, false)),
    );
    expect(proxyHeader.find(examine(seen))).toMatchObject([
      { id: "proxy.header-mismatch", where: { backend: backend(2) }, measured: { header: "v1" } },
    ]);
  });

  it("is silent where all understand it, and where only some connections fail", () => {
    const mixed = times(10, (index) => headed(20 + index, backend(1), true, index % 2 === 0));
    expect(proxyHeader.find(examine(siblings))).toEqual([]);
    expect(proxyHeader.find(examine(together(siblings, mixed)))).toEqual([]);
  });

  it("is silent where no header is in use and a backend closes at once", () => {
    const seen = together(
      times(8, (index) => headed(index, backend(0), false, true)),
      times(5, (index) => headed(20 + index, backend(1), false, false)),
    );
    expect(proxyHeader.find(examine(seen))).toEqual([]);
  });
});

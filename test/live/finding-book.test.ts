import { beforeEach, describe, expect, it } from "vitest";
import { FindingBook, keysOf, type SeenFinding } from "../../src/live/finding-book.ts";
import type { FindingDocument } from "../../src/report/analysis-contract.ts";

type Where = FindingDocument["where"];

function document(id: string, severity: FindingDocument["severity"], where: Where): FindingDocument {
  return {
    id,
    severity,
    confidence: 0.9,
    title: id,
    explanation: "",
    where,
    window: { from: null, to: null },
    measured: {},
    affected: { connections: 3, examples: [] },
    evidence: [],
    displayFilter: "",
    remedy: [],
    symptoms: [],
  };
}

function seen(
  id: string,
  lastSeenSeconds: number,
  {
    severity = "warning",
    where = { vip: "192.0.2.10:443" },
  }: { severity?: FindingDocument["severity"]; where?: Where } = {},
): SeenFinding {
  const one = document(id, severity, where);
  const [key] = keysOf([one]);
  return { key: key!, window: "15m", document: one, connections: [1], lastSeen: lastSeenSeconds * 1e9, text: id };
}

describe("the findings of a session", () => {
  let changes: string[];
  let book: FindingBook;
  const look = (seconds: number, ...found: SeenFinding[]) => book.update(found, seconds * 1e9);

  beforeEach(() => {
    changes = [];
    book = new FindingBook(({ finding, opened }, change) => changes.push(`${change} ${finding.id} ${opened / 1e9}`));
  });

  it("opens what persists, not what one look shows", () => {
    look(1, seen("path.loss", 1));
    look(2);
    look(13);
    expect([changes, book.list()]).toEqual([[], []]);
    look(20, seen("path.loss", 20));
    look(21, seen("path.loss", 21));
    expect(changes).toEqual([]);
    look(22, seen("path.loss", 22));
    expect(changes).toEqual(["opened path.loss 20"]);
  });

  it("opens a critical one at its second look", () => {
    look(1, seen("ecmp.rehash", 1, { severity: "critical" }));
    look(1.5, seen("ecmp.rehash", 1, { severity: "critical" }));
    expect(changes).toEqual(["opened ecmp.rehash 1"]);
  });

  it("does not flap: it stays open through looks that do not show it, and closes once", () => {
    for (let second = 1; second <= 60; second++) look(second, ...(second % 3 === 0 ? [] : [seen("path.loss", second)]));
    expect(changes).toEqual(["opened path.loss 1"]);
    for (let second = 61; second <= 120; second++) look(second);
    expect(changes).toEqual(["opened path.loss 1", "closed path.loss 1"]);
    expect(book.list().map(({ state, closed }) => [state, closed / 1e9])).toEqual([["over", 90]]);
  });

  it("is over when nothing new of it comes, although the window still shows it, and opens again when it goes on", () => {
    for (let second = 1; second <= 60; second++) look(second, seen("backend.refusing", Math.min(second, 10)));
    expect(changes).toEqual(["opened backend.refusing 1", "closed backend.refusing 1"]);
    look(61, seen("backend.refusing", 61));
    expect(changes.at(-1)).toBe("opened backend.refusing 1");
    expect(book.list().map(({ state }) => state)).toEqual(["open"]);
  });

  it("tells that it became worse, not that it became better", () => {
    look(1, seen("path.loss", 1));
    look(4, seen("path.loss", 4));
    look(5, seen("path.loss", 5, { severity: "critical" }));
    look(6, seen("path.loss", 6));
    look(7, seen("path.loss", 7, { severity: "critical" }));
    expect(changes).toEqual(["opened path.loss 1", "changed path.loss 1"]);
  });

  it("keeps its name when the member that shows it most is another", () => {
    const at = (member: string) => ({ where: { vip: "192.0.2.10:443", member } });
    look(1, seen("ecmp.skew", 1, at("lb1")));
    look(4, seen("ecmp.skew", 4, at("lb1")));
    look(5, seen("ecmp.skew", 5, at("lb2")));
    expect(book.list().map(({ key, finding }) => [key, finding.where.member])).toEqual([
      ["ecmp.skew 192.0.2.10:443 lb1", "lb2"],
    ]);
    // two at once are two
    look(6, seen("ecmp.skew", 6, at("lb1")), seen("ecmp.skew", 6, at("lb3")));
    look(9, seen("ecmp.skew", 9, at("lb1")), seen("ecmp.skew", 9, at("lb3")));
    expect(book.list()).toHaveLength(2);
  });

  it("takes what a short window shows at another node for the same cause", () => {
    const shorter = {
      ...seen("lb.failover", 4, { where: { vip: "192.0.2.10:443", node: "lb2" } }),
      window: "1m" as const,
    };
    look(1, seen("lb.failover", 1));
    look(4, seen("lb.failover", 4), shorter);
    look(7, seen("lb.failover", 7), shorter);
    expect(book.list().map(({ key, windows }) => [key, windows])).toEqual([
      ["lb.failover 192.0.2.10:443", ["15m", "1m"]],
    ]);
  });

  it("withdraws at the end what all packets together do not show, if all were seen", () => {
    for (const isWhole of [true, false]) {
      book = new FindingBook();
      look(1, seen("path.loss", 1));
      look(4, seen("path.loss", 4));
      book.update([seen("note.dsr", 5)], 5e9, { isFinal: true, isWhole });
      expect(book.list().map(({ finding, state }) => [finding.id, state])).toEqual(
        isWhole
          ? [
              ["note.dsr", "open"],
              ["path.loss", "withdrawn"],
            ]
          : expect.arrayContaining([
              ["note.dsr", "open"],
              ["path.loss", "open"],
            ]),
      );
    }
  });

  it("remembers a bounded number", () => {
    for (let i = 0; i < 3000; i++) {
      const where = { vip: `10.0.${i >> 8}.${i & 255}:80` };
      look(i * 5, seen("path.loss", i * 5, { where, severity: "critical" }));
      look(i * 5 + 1, seen("path.loss", i * 5 + 1, { where, severity: "critical" }));
    }
    expect(book.list().length).toBeLessThanOrEqual(500);
  });

  it("tells two of one place apart", () => {
    const one = document("lb.idle-timeout", "warning", { vip: "192.0.2.10:80" });
    expect(keysOf([one, one])).toEqual(["lb.idle-timeout 192.0.2.10:80", "lb.idle-timeout 192.0.2.10:80 #2"]);
  });
});

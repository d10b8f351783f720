import type { FindingDocument } from "../report/analysis-contract.ts";
import type { LiveFinding, WindowName } from "./live-model.ts";

/** One finding of a look, ready to be told. */
export interface SeenFinding {
  /** See `keysOf`. */
  key: string;
  window: WindowName;
  /** With the session's names for connections. */
  document: FindingDocument;
  /** Names of all its connections (`c17` is 17), at most some hundred. */
  connections: readonly number[];
  /** Time of the last thing it is about, ns. */
  lastSeen: number;
  /** In words, as `analyze` prints it. */
  text: string;
}

/** A finding that the session knows of. */
export interface BookEntry extends Omit<LiveFinding, "opened" | "lastSeen" | "closed"> {
  /** ns */
  opened: number;
  lastSeen: number;
  /** NaN while it is open. */
  closed: number;
  connections: readonly number[];
  text: string;
  /** Session time of the first look that showed it, and looks since: it opens when it is shown again. */
  firstLook: number;
  looks: number;
  isShown: boolean;
}

export type FindingChange = "opened" | "changed" | "closed" | "withdrawn";

/** Seen by two looks this far apart, a finding opens; a critical one at its second look. */
const OPENS_AFTER_NS = 2e9;
/** Nothing new of it for as long as this, and it is over. */
const CLOSES_AFTER_NS = 30e9;
/** Those that are over are told for so long, and this many at most. */
const KEEPS_NS = 900e9;
const MOST_ENTRIES = 500;
/** A candidate that is not seen again is dropped. */
const CANDIDATE_NS = 10e9;

const RANK = { critical: 2, warning: 1, info: 0 } as const;

/**
 * The findings of a session over time: each opens when it persists, keeps its name while its place or numbers change a
 * little, and closes when nothing new of it was seen for a while.
 */
export class FindingBook {
  private readonly entries = new Map<string, BookEntry>();
  private readonly changed: (entry: BookEntry, change: FindingChange) => void;

  constructor(changed: (entry: BookEntry, change: FindingChange) => void = () => {}) {
    this.changed = changed;
  }

  /**
   * Takes in what one look found, the widest window first.
   * @param isFinal true where `seen` is all that can be said: what is not in it, but was told, is withdrawn if `isWhole`
   * @param isWhole everything since the beginning was looked at
   */
  update(seen: readonly SeenFinding[], now: number, { isFinal = false, isWhole = false } = {}): void {
    for (const entry of this.entries.values()) {
      entry.isShown = false;
      if (entry.state !== "withdrawn") entry.windows = [];
    }
    // findings that stand where they stood, before those that may have moved
    const moved: SeenFinding[] = [];
    for (const one of seen) {
      const entry = this.entries.get(one.key);
      if (entry) this.show(entry, one, now);
      else moved.push(one);
    }
    for (const one of moved) {
      const wider = one.window === "15m" ? null : this.shownWider(one);
      if (wider) wider.windows = [...wider.windows, one.window];
      else this.show(this.entries.get(one.key) ?? this.neighbour(one) ?? this.create(one, now), one, now);
    }
    for (const [key, entry] of this.entries) {
      if (entry.isShown) this.settle(entry, now, isFinal);
      else if (entry.looks > 0 && !this.isTold(entry)) {
        if (now - entry.firstLook > CANDIDATE_NS || isFinal) this.entries.delete(key);
      } else if (isFinal && isWhole && entry.state !== "withdrawn") {
        entry.state = "withdrawn";
        entry.closed = now;
        this.changed(entry, "withdrawn");
      } else if (entry.state === "open" && now - entry.lastSeen > CLOSES_AFTER_NS) this.close(entry, now);
      else if (entry.state !== "open" && now - entry.closed > KEEPS_NS && !isFinal) this.entries.delete(key);
    }
    this.bound();
  }

  /** Those that were told: open ones first, then the most pressing. */
  list(): BookEntry[] {
    const order = { open: 0, over: 1, withdrawn: 2 } as const;
    return [...this.entries.values()]
      .filter((entry) => this.isTold(entry))
      .sort((a, b) => order[a.state] - order[b.state] || weight(b) - weight(a) || b.lastSeen - a.lastSeen);
  }

  get(key: string): BookEntry | null {
    const entry = this.entries.get(key);
    return entry && this.isTold(entry) ? entry : null;
  }

  private isTold({ opened }: BookEntry): boolean {
    return !Number.isNaN(opened);
  }

  private create(one: SeenFinding, now: number): BookEntry {
    const { key } = one;
    const entry: BookEntry = {
      key,
      state: "open",
      opened: Number.NaN,
      lastSeen: one.lastSeen,
      closed: Number.NaN,
      worst: one.document.severity,
      windows: [],
      finding: one.document,
      connections: one.connections,
      text: one.text,
      firstLook: now,
      looks: 0,
      isShown: false,
    };
    this.entries.set(key, entry);
    return entry;
  }

  /** What a short window shows at another member or node, and a wider one has shown at this look, is no other cause. */
  private shownWider({ document }: SeenFinding): BookEntry | null {
    return [...this.entries.values()].find((entry) => entry.isShown && isAlike(entry, document)) ?? null;
  }

  /** One of the same id and VIP that this look does not show where it was: it is the same, and has moved. */
  private neighbour({ document }: SeenFinding): BookEntry | null {
    const candidates = [...this.entries.values()].filter(
      (entry) => !entry.isShown && entry.state === "open" && isAlike(entry, document),
    );
    return candidates.length === 1 ? candidates[0]! : null;
  }

  private show(entry: BookEntry, one: SeenFinding, now: number): void {
    if (!entry.isShown) {
      entry.isShown = true;
      entry.looks++;
      entry.finding = one.document;
      entry.connections = one.connections;
      entry.text = one.text;
      if (!this.isTold(entry) && entry.looks === 1) entry.firstLook = now;
    }
    entry.windows = [...entry.windows, one.window];
    entry.lastSeen = Math.max(entry.lastSeen, one.lastSeen);
  }

  private settle(entry: BookEntry, now: number, isFinal: boolean): void {
    const { severity } = entry.finding;
    const isRecent = now - entry.lastSeen <= CLOSES_AFTER_NS;
    if (!this.isTold(entry)) {
      const persists = entry.looks >= 2 && (severity === "critical" || now - entry.firstLook >= OPENS_AFTER_NS);
      if (!persists && !isFinal) return;
      entry.opened = entry.firstLook;
      entry.worst = severity;
      this.changed(entry, "opened");
    } else if (entry.state !== "open" && isRecent) {
      entry.state = "open";
      entry.closed = Number.NaN;
      this.changed(entry, "opened");
    } else if (RANK[severity] > RANK[entry.worst]) {
      entry.worst = severity;
      this.changed(entry, "changed");
    }
    if (entry.state === "open" && !isRecent) this.close(entry, now);
  }

  private close(entry: BookEntry, now: number): void {
    entry.state = "over";
    entry.closed = now;
    this.changed(entry, "closed");
  }

  private bound(): void {
    if (this.entries.size <= MOST_ENTRIES) return;
    const oldest = [...this.entries.values()].sort(
      (a, b) => Number(a.state === "open") - Number(b.state === "open") || a.lastSeen - b.lastSeen,
    );
    for (const { key } of oldest.slice(0, this.entries.size - MOST_ENTRIES)) this.entries.delete(key);
  }
}

/** Of the same id, VIP and backend, wherever on the way. */
function isAlike({ finding: { id, where } }: BookEntry, other: FindingDocument): boolean {
  return id === other.id && where.vip === other.where.vip && where.backend === other.where.backend;
}

function weight({ finding: { id, severity, confidence, affected } }: BookEntry): number {
  const aboutCapture = id.startsWith("capture.") ? -10_000_000 : 0;
  return aboutCapture + RANK[severity] * 1_000_000 + confidence * Math.max(1, affected.connections);
}

/** Names for the findings of one look: id and place, numbered where several have the same. */
export function keysOf(findings: readonly Pick<FindingDocument, "id" | "where">[]): string[] {
  const seen = new Map<string, number>();
  return findings.map(({ id, where }) => {
    const place = [where.vip, where.backend, where.node, where.member].filter((part) => part !== undefined);
    const key = [id, ...place].join(" ");
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    return count === 1 ? key : `${key} #${count}`;
  });
}

import type { SelectionMethod } from "../../balance/selection/selection.ts";
import type { Page } from "../text/page.ts";
import { type ChangeWish, parseChange } from "./change-wish.ts";
import { parseEcmp } from "./ecmp-wish.ts";
import { explainText } from "./explain-text.ts";
import { growthText } from "./growth-text.ts";
import type { HashDocument } from "./hash-contract.ts";
import { explainDocument, growthDocument, shareDocument } from "./hash-document.ts";
import { explainReport, growthReport, shareReport } from "./hash-report.ts";
import { shareText } from "./hash-text.ts";
import { parseKey } from "./key-text.ts";
import { filledUp, parseGrowth } from "./made-up-backends.ts";
import type { ChosenMethod } from "./method-choice.ts";
import type { KeySet, Pool } from "./question.ts";
import { QuestionError } from "./question-error.ts";
import { type SyntheticWishes, syntheticKeySet } from "./synthetic-key-set.ts";

/** What is asked of a pool, as it was typed. */
export interface HashWish extends ChangeWish {
  /** Connections to make up where none are captured; as many as suit the question where `keys` is left out. */
  traffic: Omit<SyntheticWishes, "keys"> & { keys: number | undefined };
  /** `4..3`, and how the router spreads over them. */
  balancers: string | undefined;
  ecmp: string | undefined;
  /** `10..20` */
  grow: string | undefined;
  /** The client's end of the one connection to explain. */
  explain: string | undefined;
  /** Whether the pool's VIP stands for any. */
  isVipMadeUp: boolean;
}

export interface Answer {
  document(): HashDocument;
  text(page: Page): string;
}

/** Backends, and the connections captured where those are to be hashed. */
export interface Subject {
  pool: Pool;
  keys: KeySet | null;
}

const DEFAULT_KEYS = 100_000;
/** Of a set that grows every step hashes all connections again: so many hashes in all, but connections enough. */
const GROWTH_HASHES = 5_000_000;
const LEAST_GROWTH_KEYS = 20_000;

/**
 * Answers what `hash` is asked.
 *
 * @param all methods there are: the router's is one of them, too
 * @throws QuestionError where the question makes no sense, or no method can answer
 */
export function answer(
  all: readonly SelectionMethod[],
  methods: readonly ChosenMethod[],
  subject: Subject,
  wish: HashWish,
): Answer {
  refuseContradictions(wish);
  if (wish.grow !== undefined) return growthAnswer(methods, subject, wish, wish.grow);
  if (subject.pool.backends.length === 0) {
    throw new QuestionError("no backends: give --backend, --topology, --import or --capture (or --grow FROM..TO)");
  }
  if (wish.explain !== undefined) return explainAnswer(methods, subject, wish, wish.explain);
  return shareAnswer(all, methods, subject, wish);
}

function refuseContradictions(wish: HashWish): void {
  const { add, remove, drain, reweigh, grow, explain, balancers, traffic } = wish;
  const isChange = add.length + remove.length + drain.length + reweigh.length > 0 || balancers !== undefined;
  if (grow !== undefined && isChange) {
    throw new QuestionError("--grow adds one backend after another; ask for other changes without it");
  }
  if (explain === undefined) return;
  const other = { "--grow": grow, "--keys": traffic.keys, "--balancers": balancers };
  const [flag] = Object.entries(other).find(([, value]) => value !== undefined) ?? [];
  if (flag !== undefined) throw new QuestionError(`--explain is of one connection, and ${flag} is of many`);
}

function shareAnswer(
  all: readonly SelectionMethod[],
  methods: readonly ChosenMethod[],
  { pool, keys }: Subject,
  wish: HashWish,
): Answer {
  const change = parseChange(wish, pool.backends);
  if (change === null && wish.balancers !== undefined) {
    throw new QuestionError("--balancers goes with a change of backends: --add, --remove, --drain or --reweigh");
  }
  const ecmp = wish.balancers === undefined ? null : parseEcmp(all, wish.balancers, wish.ecmp);
  const report = shareReport({ pool, methods, change }, keys ?? madeUp(pool, wish, DEFAULT_KEYS), ecmp);
  return { document: () => shareDocument(report), text: (page) => shareText(report, page) };
}

function growthAnswer(
  methods: readonly ChosenMethod[],
  { pool: given, keys }: Subject,
  wish: HashWish,
  text: string,
): Answer {
  const range = parseGrowth(text);
  const pool = { ...given, backends: filledUp(given.backends, range.to) };
  const affordable = Math.floor(GROWTH_HASHES / (methods.length * (range.to - range.from + 1)));
  const byDefault = Math.max(LEAST_GROWTH_KEYS, Math.min(DEFAULT_KEYS, affordable));
  const report = growthReport({ pool, methods, change: null }, keys ?? madeUp(pool, wish, byDefault), range);
  return { document: () => growthDocument(report), text: (page) => growthText(report, page) };
}

function explainAnswer(methods: readonly ChosenMethod[], { pool }: Subject, wish: HashWish, client: string): Answer {
  if (wish.isVipMadeUp) {
    throw new QuestionError("whom does it call? --to ADDRESS:PORT says which VIP; some methods hash it");
  }
  const change = parseChange(wish, pool.backends);
  const report = explainReport({ pool, methods, change }, parseKey(client, pool.vip, pool.protocol));
  return { document: () => explainDocument(report), text: (page) => explainText(report, page) };
}

function madeUp(pool: Pool, { traffic }: HashWish, byDefault: number): KeySet {
  return syntheticKeySet(pool, { ...traffic, keys: traffic.keys ?? byDefault });
}

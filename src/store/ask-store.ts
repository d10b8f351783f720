import { canonicalEndpoint, canonicalMac } from "../topology/address.ts";
import type { Answer } from "./answer.ts";
import { flagsOf } from "./answer-document.ts";
import { limitedQuery } from "./limited-query.ts";
import type { Question } from "./questions/question.ts";
import { questionNamed, SCHEMA_QUESTION } from "./questions/questions.ts";
import { StoreError } from "./store-error.ts";
import { StoreReader } from "./store-reader.ts";
import { type WindowWords, windowOf } from "./store-window.ts";

/** What `query` narrows a question by, as the user said it. */
export interface AskOptions extends WindowWords {
  vip?: string | undefined;
  backend?: string | undefined;
  limit?: number | undefined;
  /** Seconds. */
  step?: number | undefined;
  /** Of SQL. */
  timeoutSeconds: number;
}

export interface Asked {
  /** Name of the question; null for SQL. */
  question: string | null;
  answer: Answer;
}

const NARROWING = ["from", "to", "last", "vip", "backend", "limit", "step"] as const;
const SQL_ROWS = 10_000;

/**
 * Answers a question with a name, `schema`, or SQL.
 *
 * @throws StoreError in a line: no such question, a flag it does not listen to, no store, SQL that does not read.
 */
export async function askStore(path: string, asked: string, options: AskOptions): Promise<Asked> {
  const name = asked.trim();
  if (!/^[a-z-]+$/.test(name)) {
    refuseUnheard(options, ["--limit"], "SQL");
    const { limit = SQL_ROWS, timeoutSeconds } = options;
    return { question: null, answer: await limitedQuery({ path, sql: asked, limit }, timeoutSeconds) };
  }
  const question = name === SCHEMA_QUESTION.id ? SCHEMA_QUESTION : questionNamed(name);
  if (question === null) throw new StoreError(`${name}: no such question; l4scope query --list shows them`, "input");
  refuseUnheard(options, flagsOf(question), question.id);
  const reader = await StoreReader.open(path);
  try {
    return { question: question.id, answer: answerOf(reader, question, options) };
  } finally {
    reader.close();
  }
}

function answerOf(reader: StoreReader, question: Question, options: AskOptions): Answer {
  const { limit, step, vip, backend } = options;
  return reader.ask(question, {
    window: windowOf(options, options.last === undefined ? null : reader.newest()),
    vip: endpointOf("--vip", vip),
    backend: endpointOf("--backend", backend),
    ...(limit === undefined ? {} : { limit }),
    ...(step === undefined ? {} : { stepSeconds: step }),
  });
}

/** As it stands in the store; `?` and `other` are names in it, too. */
function endpointOf(flag: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  const known = canonicalEndpoint(text) ?? canonicalMac(text) ?? (["?", "other"].includes(text) ? text : null);
  if (known === null)
    throw new StoreError(`${flag}: expected IP:PORT (192.0.2.10:443, [2001:db8::1]:443), got ${text}`, "input");
  return known;
}

function refuseUnheard(options: AskOptions, heard: readonly string[], what: string): void {
  const unheard = NARROWING.find((name) => options[name] !== undefined && !heard.includes(`--${name}`));
  if (unheard !== undefined) throw new StoreError(`--${unheard} says nothing to ${what}; leave it out`, "input");
}

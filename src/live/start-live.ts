import { Worker } from "node:worker_threads";
import { CaptureError } from "../capture/reader.ts";
import { ProbeError } from "../probe/probe-error.ts";
import { guardExit } from "../probe/tc-attach.ts";
import type { LiveHandle, LiveListener, LiveOptions } from "./live-handle.ts";
import type { FlowAnswer, FlowQuery, LiveEvidence, LiveModel } from "./live-model.ts";
import { ModelReceiver } from "./model-transfer.ts";
import type { FromSession, LiveWorkerData, QueryName, ToldError, ToSession } from "./worker-protocol.ts";

/**
 * Starts a live session in a thread of its own, so that whoever draws, serves or stores is never held up by it.
 *
 * @param listener told in this thread
 * @throws CaptureError, ProbeError: a source that cannot be opened, before anything is watched
 */
export async function startLive(options: LiveOptions, listener: LiveListener = {}): Promise<LiveHandle> {
  // its thread goes without a word where this one ends in a hurry
  if (options.sources.some(({ kind }) => kind === "interface")) guardExit();
  const worker = startWorker({
    // a stream of this thread cannot go to another
    options: { ...options, stdin: undefined } as LiveOptions,
    tells: {
      settled: listener.settled !== undefined,
      unsettled: listener.unsettled !== undefined,
      finding: listener.finding !== undefined,
    },
  });
  const session = new RemoteSession(worker, listener);
  await session.started;
  return session;
}

/** Unbuilt, the thread needs tsx to be registered in itself: neither hooks nor `--import tsx` reach into it. */
function startWorker(workerData: LiveWorkerData): Worker {
  if (!import.meta.url.endsWith(".ts")) {
    return new Worker(new URL("./live-worker.js", import.meta.url), { workerData });
  }
  const tsx = import.meta.resolve("tsx/esm/api");
  const script = new URL("./live-worker.ts", import.meta.url).href;
  const start = `import(${JSON.stringify(tsx)}).then((tsx) => (tsx.register(), import(${JSON.stringify(script)})))`;
  return new Worker(start, { eval: true, workerData });
}

/** A session in another thread. */
class RemoteSession implements LiveHandle {
  readonly started: Promise<void>;
  readonly ended: Promise<void>;
  private readonly worker: Worker;
  private readonly listener: LiveListener;
  private readonly models = new ModelReceiver();
  private newest: LiveModel | null = null;
  private readonly asked = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  private nextId = 1;
  /** The thread is gone. */
  private hasEnded = false;
  /** The session has come to its end; its thread still answers. */
  private isOver = false;
  private isStopped = false;
  private told: Promise<void> = Promise.resolve();

  constructor(worker: Worker, listener: LiveListener) {
    this.worker = worker;
    this.listener = listener;
    let started: () => void = () => {};
    let refused: (error: Error) => void = () => {};
    let ended: () => void = () => {};
    this.started = new Promise((resolve, reject) => {
      started = resolve;
      refused = reject;
    });
    this.ended = new Promise((resolve) => {
      ended = resolve;
    });
    const over = (failure: string | null) => {
      this.hasEnded = true;
      this.isOver = true;
      if (failure !== null) {
        if (this.newest) {
          this.newest = { ...this.newest, health: { ...this.newest.health, state: "failed", failure } };
          this.listener.model?.(this.newest);
        }
        refused(new Error(failure));
      }
      for (const { resolve } of this.asked.values()) resolve(null);
      this.asked.clear();
      ended();
    };
    worker.on("message", (message: FromSession) => {
      switch (message.kind) {
        case "started":
          started();
          break;
        case "refused":
          refused(errorOf(message.error));
          void worker.terminate();
          break;
        case "model":
          this.newest = this.models.model(message.message);
          this.listener.model?.(this.newest);
          break;
        case "finding":
          this.listener.finding?.(message.finding, message.change);
          break;
        case "settled":
          this.told = this.take(() => this.listener.settled?.(message.connections));
          break;
        case "unsettled":
          this.told = this.take(() => this.listener.unsettled?.(message.told));
          break;
        case "answer": {
          const asked = this.asked.get(message.id);
          this.asked.delete(message.id);
          this.holdThread();
          if (message.error) asked?.reject(errorOf(message.error));
          else asked?.resolve(message.value);
          break;
        }
        case "ended":
          // the thread stays to answer questions until it is stopped
          this.isOver = true;
          ended();
          if (this.isStopped) void worker.terminate();
          break;
      }
    });
    worker.on("error", (error) => over(error.message));
    worker.on("exit", () => over(null));
    void this.ended.then(() => this.holdThread());
  }

  /** A thread that only waits for questions must not keep the program from ending. */
  private holdThread(): void {
    if (this.isOver && this.asked.size === 0) this.worker.unref();
    else this.worker.ref();
  }

  model(): LiveModel {
    if (this.newest === null) throw new Error("a session has a model as soon as it is started");
    return this.newest;
  }

  flows(query: FlowQuery): Promise<FlowAnswer> {
    return this.ask("flows", [query], { matched: 0, flows: [] });
  }

  ladder(id: string, options: Parameters<LiveHandle["ladder"]>[1]): Promise<string | null> {
    return this.ask("ladder", [id, options], null);
  }

  evidence(key: string): Promise<LiveEvidence | null> {
    return this.ask("evidence", [key], null);
  }

  packets(id: string): Promise<Uint8Array | null> {
    return this.ask("packets", [id], null);
  }

  async stop(): Promise<void> {
    if (!this.isStopped) {
      this.isStopped = true;
      this.post({ kind: "stop" });
    }
    await this.ended;
    await this.told;
    await this.worker.terminate();
  }

  private async take(handOn: () => void | Promise<void>): Promise<void> {
    let failure: string | null = null;
    try {
      await handOn();
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    this.post({ kind: "took", failure });
  }

  /** @param otherwise the answer of a session that is no longer there */
  private async ask<Answer>(name: QueryName, args: readonly unknown[], otherwise: Answer): Promise<Answer> {
    if (this.hasEnded) return otherwise;
    const id = this.nextId++;
    const value = await new Promise<unknown>((resolve, reject) => {
      this.asked.set(id, { resolve, reject });
      this.holdThread();
      this.post({ kind: "query", id, name, args });
    });
    return (value ?? otherwise) as Answer;
  }

  private post(message: ToSession): void {
    if (!this.hasEnded) this.worker.postMessage(message);
  }
}

function errorOf({ name, message, ...rest }: ToldError): Error {
  if (name === "CaptureError") return new CaptureError(message);
  if (name === "ProbeError") return new ProbeError(message);
  return Object.assign(new Error(message), rest);
}

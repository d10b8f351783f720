import type { LiveHandle } from "../live/live-handle.ts";
import type { Exposition } from "./exposition.ts";

/** What is asked for, of what HTTP says. */
export interface Request {
  path: string;
  accept: string;
}

export interface Answer {
  status: number;
  contentType: string;
  body: string;
}

const TEXT = "text/plain; charset=utf-8";

/** Answers the exporter's requests; null for what there is none to. */
export async function answer(
  request: Request,
  handle: Pick<LiveHandle, "model">,
  exposition: Exposition,
): Promise<Answer | null> {
  switch (request.path) {
    case "/":
      return { status: 200, contentType: "text/html; charset=utf-8", body: LANDING };
    case "/metrics": {
      const { contentType, body } = await exposition.print(prefersOpenMetrics(request.accept));
      return { status: 200, contentType, body };
    }
    case "/healthz":
      return health(handle);
    case "/readyz":
      return readiness(handle);
    case "/findings":
      return { status: 200, contentType: "application/json", body: `${JSON.stringify(findingsDocument(handle))}\n` };
    default:
      return null;
  }
}

/** Broken is only what a restart would mend: a session that ended because its replay did is well. */
function health(handle: Pick<LiveHandle, "model">): Answer {
  const { state, failure } = handle.model().health;
  return state === "failed"
    ? { status: 503, contentType: TEXT, body: `failed: ${failure ?? "for a reason unknown"}\n` }
    : { status: 200, contentType: TEXT, body: "ok\n" };
}

/** Ready from the first look over the connections on: before, every metric would say 0. */
function readiness(handle: Pick<LiveHandle, "model">): Answer {
  const { health, sources } = handle.model();
  const opening = sources.filter(({ state }) => state === "opening").map(({ name }) => name);
  if (health.state === "failed") return { status: 503, contentType: TEXT, body: `failed: ${health.failure ?? ""}\n` };
  if (health.state === "starting" || opening.length > 0) {
    return { status: 503, contentType: TEXT, body: `waiting for ${opening.join(", ") || "the first packets"}\n` };
  }
  return { status: 200, contentType: TEXT, body: "ready\n" };
}

/** Findings that hold, and those that are over, as `analyze --json` prints findings, with when they began and ended. */
function findingsDocument(handle: Pick<LiveHandle, "model">): unknown {
  const { now, sequence, findings } = handle.model();
  const seconds = (value: number) => (Number.isFinite(value) ? value : null);
  return {
    schema: "l4scope.findings/1",
    now: seconds(now),
    sequence,
    findings: findings.map(({ state, opened, lastSeen, closed, worst, windows, finding }) => ({
      state,
      opened: seconds(opened),
      lastSeen: seconds(lastSeen),
      closed: seconds(closed),
      worst,
      windows,
      ...finding,
    })),
  };
}

/** True where the client names OpenMetrics before, or with more weight than, plain text (RFC 9110, 12.5.1). */
export function prefersOpenMetrics(accept: string): boolean {
  let open = 0;
  let plain = 0;
  for (const part of accept.split(",")) {
    const [type, ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const weight = Number(parameters.find((text) => text.startsWith("q="))?.slice(2) ?? 1);
    if (type === "application/openmetrics-text") open = Math.max(open, weight);
    else if (type === "text/plain") plain = Math.max(plain, weight);
  }
  return open > 0 && open >= plain;
}

const LANDING = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>l4scope</title></head>
<body><h1>l4scope</h1>
<ul>
<li><a href="/metrics">/metrics</a> for Prometheus</li>
<li><a href="/findings">/findings</a> that hold, as JSON</li>
<li><a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a></li>
</ul></body></html>
`;

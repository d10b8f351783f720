import type { TimeBase } from "../capture/time-base.ts";
import { UDP } from "../decode/packet.ts";
import type { TrackedCapture } from "../flow/tracked-capture.ts";
import type { Analysis } from "./analysis.ts";
import type {
  AnalysisDocument,
  CaptureDocument,
  FileDocument,
  SummaryDocument,
  VipDocument,
} from "./analysis-contract.ts";
import { pointsOf, problemsOf } from "./capture-facts.ts";
import { epochOf, LazyConnection } from "./connection-document.ts";
import { formatEndpoint } from "./format-address.ts";
import { LegList } from "./leg-list.ts";
import type { Destination } from "./survey/destinations.ts";
import { OK, OPEN, REFUSED, RESET, TIMEOUT } from "./survey/outcomes.ts";
import type { Survey } from "./survey/survey.ts";

export interface DocumentOptions {
  /** With a list of all connections. */
  connections: boolean;
}

/** The contract's document of an analysis. */
export function analysisDocument(analysis: Analysis, options: DocumentOptions): AnalysisDocument {
  const { captures, survey, timeBase } = analysis;
  return {
    schema: "l4scope.analysis/1",
    capture: captureDocument(captures, timeBase),
    topology: { vips: survey.destinations.calledByMany().map(vipDocument), nodes: [] },
    summary: summaryDocument(survey),
    findings: [],
    ...(options.connections ? { connections: lazyConnections(captures, timeBase) } : {}),
  };
}

function captureDocument(captures: readonly TrackedCapture[], timeBase: TimeBase): CaptureDocument {
  const sum = (of: (capture: TrackedCapture) => number) => captures.reduce((total, one) => total + of(one), 0);
  const timed = captures.filter(({ firstTime }) => !Number.isNaN(firstTime));
  return {
    packets: sum((one) => one.packets),
    bytes: sum((one) => one.bytes),
    // of nothing these are infinite, which no time is
    start: epochOf(Math.min(...timed.map(({ firstTime }) => firstTime)), timeBase),
    end: epochOf(Math.max(...timed.map(({ lastTime }) => lastTime)), timeBase),
    files: captures.map((one) => fileDocument(one, timeBase)),
  };
}

function fileDocument(capture: TrackedCapture, timeBase: TimeBase): FileDocument {
  const { path, format, packets, bytes } = capture;
  return {
    path,
    format,
    packets,
    bytes,
    start: epochOf(capture.firstTime, timeBase),
    end: epochOf(capture.lastTime, timeBase),
    observationPoints: pointsOf(capture),
    clockOffset: 0,
    problems: problemsOf(capture),
  };
}

/** What many call may be a VIP or a backend: the joined legs have to tell. */
function vipDocument({ address, port, protocol, legs }: Destination): VipDocument {
  return {
    vip: formatEndpoint(address, port),
    protocol: protocol === UDP ? "udp" : "tcp",
    mode: null,
    connections: legs,
    scheduler: { name: "unknown", confidence: 0 },
    backends: [],
  };
}

function summaryDocument({ legs, outcomes }: Survey): SummaryDocument {
  const of = (outcome: number) => outcomes[outcome] ?? 0;
  return {
    connections: legs,
    byOutcome: { ok: of(OK), refused: of(REFUSED), reset: of(RESET), timeout: of(TIMEOUT), open: of(OPEN) },
    healthChecks: 0,
    joined: 0,
    unjoined: legs,
  };
}

function lazyConnections(captures: readonly TrackedCapture[], timeBase: TimeBase): LazyConnection[] {
  const list = new LegList(captures);
  return Array.from({ length: list.count }, (_, index) => new LazyConnection(list, index, timeBase));
}

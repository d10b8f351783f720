import {
  type Exemplar,
  type HistogramSample,
  type LiveMetrics,
  type LiveModel,
  METRIC_LABELS,
  type MetricName,
  type MetricSample,
} from "./live-model.ts";
import { type LookFigures, lookFiguresOf, type Momentary, momentaryOf } from "./look-figures.ts";

/**
 * A model on its way to another thread. What only a look changes is sent when it did, and of metrics only what the other
 * side does not have: copying 90,000 series as they are takes both threads a tenth of a second.
 */
export interface ModelMessage {
  momentary: Momentary;
  /** Null: as in the message before. */
  figures: (Omit<LookFigures, "metrics"> & { metrics: MetricsPatch }) | null;
}

export interface MetricsPatch {
  families: readonly FamilyPatch[];
  connects: readonly HistogramSample[];
}

interface FamilyPatch {
  name: MetricName;
  /** So many series, from the first on, are those of the patch before. */
  kept: number;
  /** Labels of those that follow them. */
  labels: readonly (readonly string[])[];
  values: Float64Array;
  /** Those that changed, by their place. */
  exemplars: readonly (readonly [place: number, exemplar: Exemplar | undefined])[];
}

const NAMES = Object.keys(METRIC_LABELS) as MetricName[];

/** Makes messages of a session's models, in their order. */
export class ModelSender {
  private sent: LiveModel["metrics"] | null = null;

  message(model: LiveModel): ModelMessage {
    const momentary = momentaryOf(model);
    const { metrics } = model;
    if (metrics === this.sent) return { momentary, figures: null };
    const families = NAMES.map((name) => patchOf(name, this.sent?.[name] ?? [], metrics[name]));
    this.sent = metrics;
    const connects = metrics.connect_duration_seconds;
    return { momentary, figures: { ...lookFiguresOf(model), metrics: { families, connects } } };
  }
}

function patchOf(name: MetricName, before: readonly MetricSample[], samples: readonly MetricSample[]): FamilyPatch {
  let kept = 0;
  while (kept < before.length && kept < samples.length && before[kept]!.labels === samples[kept]!.labels) kept++;
  const values = new Float64Array(samples.length);
  const exemplars: (readonly [number, Exemplar | undefined])[] = [];
  samples.forEach(({ value, exemplar }, place) => {
    values[place] = value;
    if (exemplar !== (place < kept ? before[place]!.exemplar : undefined)) exemplars.push([place, exemplar]);
  });
  return { name, kept, labels: samples.slice(kept).map(({ labels }) => labels), values, exemplars };
}

/** Puts models together again from all messages of a session, in their order. */
export class ModelReceiver {
  private figures: LookFigures | null = null;

  /** @throws Error where the first message has no figures */
  model({ momentary, figures }: ModelMessage): LiveModel {
    if (figures !== null) this.figures = { ...figures, metrics: this.metrics(figures.metrics) };
    if (this.figures === null) throw new Error("the first message of a session has all of its model");
    return { ...momentary, ...this.figures };
  }

  private metrics({ families, connects }: MetricsPatch): LiveMetrics {
    const read = families.map(({ name, kept, labels, values, exemplars }) => {
      const before = this.figures?.metrics[name] ?? [];
      const changed = new Map(exemplars);
      return [
        name,
        Array.from(values, (value, place): MetricSample => {
          const known = place < kept ? before[place]! : null;
          const exemplar = changed.has(place) ? changed.get(place) : known?.exemplar;
          const own = known?.labels ?? labels[place - kept]!;
          return exemplar === undefined ? { labels: own, value } : { labels: own, value, exemplar };
        }),
      ] as const;
    });
    return {
      ...(Object.fromEntries(read) as unknown as Pick<LiveMetrics, MetricName>),
      connect_duration_seconds: connects,
    };
  }
}

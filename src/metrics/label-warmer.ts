import { type Metric, Registry } from "prom-client";
import type { LiveMetrics } from "../live/live-model.ts";
import type { CustomMetric, PrintedFamily } from "./printed-family.ts";
import type { PrintedValue } from "./printed-series.ts";

/** Series made at once, in a few milliseconds: whoever else waits for this thread has his turn between. */
const SLICE = 500;
const LOOK_MILLISECONDS = 250;

/**
 * Writes the labels of new series while nobody waits for them: at the first scrape of 10,000 backends that would be most
 * of the work. prom-client keeps the text with the object that has the labels, whichever registry prints it.
 */
export class LabelWarmer {
  private readonly families: readonly PrintedFamily[];
  private readonly metrics: () => LiveMetrics;
  private readonly registry = new Registry();
  private slice: PrintedValue[] = [];
  private warmed: LiveMetrics | null = null;
  private isAtWork = false;
  private timer: NodeJS.Timeout | null = null;

  /** @param metrics of the newest model: the same object until there are newer ones */
  constructor(families: readonly PrintedFamily[], metrics: () => LiveMetrics) {
    this.families = families;
    this.metrics = metrics;
    const metric: CustomMetric = {
      name: "warmed",
      type: "gauge",
      get: () => ({ name: "warmed", help: "", type: "gauge", values: this.slice }),
    };
    this.registry.registerMetric(metric as unknown as Metric);
  }

  /** Looks for new series from time to time, until it is stopped. */
  start(): void {
    this.timer = setInterval(() => void this.warm(), LOOK_MILLISECONDS).unref();
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
  }

  /** Makes what is missing now. */
  async warm(): Promise<void> {
    if (this.isAtWork || this.metrics() === this.warmed) return;
    this.isAtWork = true;
    try {
      const metrics = this.metrics();
      for (const family of this.families) {
        for (;;) {
          const made = family.grow(SLICE);
          if (made === null) break;
          this.slice = made;
          await this.registry.metrics();
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      this.slice = [];
      this.warmed = metrics;
    } finally {
      this.isAtWork = false;
    }
  }
}

import { writeFileSync } from "node:fs";
import { metricsPage } from "../src/metrics/metrics-page.ts";

/** Pages that are made from tables in the source, by their names here. The pages of commands are oclif's. */
const PAGES: Readonly<Record<string, () => string>> = {
  "metrics.md": metricsPage,
};

for (const [name, page] of Object.entries(PAGES)) writeFileSync(new URL(name, import.meta.url), page());

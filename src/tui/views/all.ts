import type { View } from "../view.ts";
import { backendsView } from "./backends.ts";
import { findingsView } from "./findings.ts";
import { flowsView } from "./flows.ts";
import { pathsView } from "./paths.ts";
import { probesView } from "./probes.ts";
import { resetsView } from "./resets.ts";
import { vipsView } from "./vips.ts";

/** The views in the order of their keys. */
export const VIEWS: readonly View[] = [
  vipsView,
  backendsView,
  resetsView,
  pathsView,
  flowsView,
  findingsView,
  probesView,
];

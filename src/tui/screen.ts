import { Box, Text, useInput } from "ink";
import { createElement, type ReactElement, useSyncExternalStore } from "react";
import type { Dashboard } from "./dashboard.ts";
import { keyName } from "./keys.ts";

/** The dashboard's lines in ink: one Text a row, for a Box per cell costs many times more. */
export function Screen({ dashboard }: { dashboard: Dashboard }): ReactElement {
  const lines = useSyncExternalStore(dashboard.subscribe, dashboard.lines);
  useInput((input, key) => dashboard.press(keyName(input, key)));
  return createElement(
    Box,
    { flexDirection: "column", height: lines.length },
    // a line's number is its place: there is nothing else to tell it by
    lines.map((line, row) => createElement(Text, { key: row, wrap: "truncate" }, line === "" ? " " : line)),
  );
}

/** What a key does. Handler, footer, help and docs all read the one table below. */
export type Action =
  | "up"
  | "down"
  | "page-up"
  | "page-down"
  | "first"
  | "last"
  | "next-view"
  | "previous-view"
  | `view-${1 | 2 | 3 | 4 | 5 | 6 | 7}`
  | "open"
  | "back"
  | "filter"
  | "sort"
  | "window"
  | "pause"
  | "earlier"
  | "later"
  | "write"
  | "help"
  | "quit";

export interface KeyBinding {
  action: Action;
  /** Names as `keyName` gives them; any of them. */
  keys: readonly string[];
  /** As shown to people. */
  shown: string;
  help: string;
  /** In the footer, in a word; left out where it is not shown there. */
  brief?: string;
}

export const KEYS: readonly KeyBinding[] = [
  { action: "up", keys: ["up", "k"], shown: "↑ k", help: "line up" },
  { action: "down", keys: ["down", "j"], shown: "↓ j", help: "line down" },
  { action: "page-up", keys: ["pageup", "ctrl+b"], shown: "PgUp", help: "page up" },
  { action: "page-down", keys: ["pagedown", "ctrl+f"], shown: "PgDn", help: "page down" },
  { action: "first", keys: ["home", "g"], shown: "Home g", help: "first line" },
  { action: "last", keys: ["end", "G"], shown: "End G", help: "last line" },
  { action: "next-view", keys: ["tab", "right", "l"], shown: "Tab → l", help: "next view" },
  { action: "previous-view", keys: ["shift+tab", "left", "h"], shown: "⇧Tab ← h", help: "view before" },
  ...([1, 2, 3, 4, 5, 6, 7] as const).map(
    (number): KeyBinding => ({
      action: `view-${number}`,
      keys: [String(number)],
      shown: String(number),
      help: `view ${number}`,
    }),
  ),
  {
    action: "open",
    keys: ["return"],
    shown: "Enter",
    help: "open: VIP → backends → flows → ladder, finding",
    brief: "open",
  },
  { action: "back", keys: ["escape", "backspace"], shown: "Esc", help: "back; clears the filter" },
  { action: "filter", keys: ["/"], shown: "/", help: "filter: words that must all be there", brief: "filter" },
  { action: "sort", keys: ["s"], shown: "s", help: "sort by the next column", brief: "sort" },
  { action: "window", keys: ["t"], shown: "t", help: "time window: 10 s, 1 min, 15 min", brief: "time" },
  { action: "pause", keys: ["space"], shown: "Space", help: "pause the picture; the session goes on", brief: "pause" },
  { action: "earlier", keys: ["["], shown: "[", help: "a minute back in a store" },
  { action: "later", keys: ["]"], shown: "]", help: "a minute on in a store" },
  {
    action: "write",
    keys: ["w"],
    shown: "w",
    help: "write the evidence of a finding, or a flow's packets, to files",
    brief: "write",
  },
  { action: "help", keys: ["?"], shown: "?", help: "this help", brief: "help" },
  { action: "quit", keys: ["q", "ctrl+c"], shown: "q", help: "quit", brief: "quit" },
];

const BY_KEY: ReadonlyMap<string, Action> = new Map(
  KEYS.flatMap(({ action, keys }) => keys.map((key): [string, Action] => [key, action])),
);

/** What ink tells of a key press, as far as keys are bound here. */
export interface PressedKey {
  upArrow: boolean;
  downArrow: boolean;
  leftArrow: boolean;
  rightArrow: boolean;
  pageUp: boolean;
  pageDown: boolean;
  home: boolean;
  end: boolean;
  return: boolean;
  escape: boolean;
  tab: boolean;
  shift: boolean;
  ctrl: boolean;
  backspace: boolean;
  delete: boolean;
}

/** `up`, `shift+tab`, `ctrl+c`, `j`: a name for a key press; empty for what has none. */
export function keyName(input: string, key: PressedKey): string {
  if (key.upArrow) return "up";
  if (key.downArrow) return "down";
  if (key.leftArrow) return "left";
  if (key.rightArrow) return "right";
  if (key.pageUp) return "pageup";
  if (key.pageDown) return "pagedown";
  if (key.home) return "home";
  if (key.end) return "end";
  if (key.return) return "return";
  if (key.escape) return "escape";
  if (key.tab) return key.shift ? "shift+tab" : "tab";
  // many terminals send DEL for the key above Enter
  if (key.backspace || key.delete) return "backspace";
  if (key.ctrl) return `ctrl+${input}`;
  return input === " " ? "space" : input;
}

export function actionOf(name: string): Action | null {
  return BY_KEY.get(name) ?? null;
}

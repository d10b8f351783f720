/** The page's only style: light and dark, for screens and paper. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --quiet: #60646c; --line: #d9dce1; --page: #fcfcfd; --card: #fff;
  --critical: #c62a2f; --warning: #ad5700; --info: #60646c; --good: #18794e; --bar: #3b6fd4; --band: #f7c5c5; }
@media (prefers-color-scheme: dark) { :root { --ink: #edeef0; --quiet: #b0b4ba; --line: #363a3f; --page: #111113;
  --card: #18191b; --critical: #ff6369; --warning: #ffa01c; --info: #b0b4ba; --good: #3dd68c; --bar: #7aa2f7; --band: #5a2a2c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1.05rem; margin: 0; line-height: 1.35; }
p { margin: .5rem 0; max-width: 52rem; } .facts, .quiet { color: var(--quiet); }
code, .mono, td.mono { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .875em; }
.verdict { border-left: 4px solid var(--good); padding: .25rem 0 .25rem 1rem; margin: 1.25rem 0; font-size: 1.15rem; }
.verdict.critical { border-color: var(--critical); } .verdict.warning { border-color: var(--warning); }
.verdict p { margin: 0; } .verdict .quiet { font-size: 1rem; }
article { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--info); border-radius: 4px;
  padding: 1rem 1.25rem; margin: 1rem 0; position: relative; }
article.critical { border-left-color: var(--critical); } article.warning { border-left-color: var(--warning); }
.tag { font-size: .875rem; color: var(--quiet); margin: .25rem 0 .75rem; }
.severity { font-weight: 600; color: var(--info); } .critical .severity { color: var(--critical); } .warning .severity { color: var(--warning); }
dl { display: grid; grid-template-columns: 7rem minmax(0, 1fr); gap: .4rem 1rem; margin: 1rem 0 0; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: break-word; } dd ul { margin: 0; padding-left: 1.1rem; }
.copy { user-select: all; -webkit-user-select: all; display: inline-block; max-width: 100%; padding: .15rem .5rem;
  border: 1px solid var(--line); border-radius: 4px; background: var(--page); white-space: pre-wrap; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .925rem; }
th { text-align: left; font-weight: 500; color: var(--quiet); white-space: nowrap; } th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); }
th.number, td.number { text-align: right; padding-right: 0; padding-left: 1rem; } td.bad { color: var(--critical); font-weight: 600; }
th.number, td.number, td.spark { white-space: nowrap; } th.spark, td.spark { padding-left: 1rem; } td.spark { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .75rem; }
dd table { font-size: .875rem; } dd td.mono { white-space: nowrap; } dd tr:last-child td { border-bottom: 0; } dd td:last-child { width: 100%; }
figure { margin: 1rem 0; } figcaption { color: var(--quiet); font-size: .875rem; } svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--quiet); font-size: 11px; font-family: inherit; } svg .bar { fill: var(--bar); } svg .bar.bad { fill: var(--critical); }
svg .bar.risk { fill: var(--warning); } svg .band { fill: var(--band); } svg .axis { stroke: var(--line); stroke-width: 1; }
details { margin-top: .75rem; } summary { cursor: pointer; } .hops { color: var(--quiet); overflow-wrap: anywhere; }
.ladder { overflow-x: auto; margin: .5rem 0; } .ladder:focus-visible, summary:focus-visible { outline: 2px solid var(--bar); outline-offset: 2px; }
.ladder svg { width: auto; max-width: none; } .ladder text { fill: var(--ink); font: 13px ui-monospace, "DejaVu Sans Mono", monospace; }
.ladder .time, .ladder .part { fill: var(--quiet); } .ladder .name { font-weight: 600; } .ladder .dull text { fill: var(--quiet); }
.ladder .lane { font-size: 12px; fill: var(--quiet); } .ladder .ground { fill: var(--card); }
.ladder .life { stroke: var(--quiet); } .ladder .unseen { stroke-dasharray: 3 4; } .ladder .way { stroke: var(--bar); stroke-width: 1.5; }
.ladder .tip { fill: var(--bar); } .ladder .cross { stroke: var(--bar); stroke-width: 2; fill: none; } .ladder .pause { fill: var(--card); }
.ladder .waiting { stroke: var(--quiet); stroke-width: 2; stroke-dasharray: 2 5; stroke-linecap: butt; }
.ladder .dull .way { stroke: var(--quiet); } .ladder .dull .tip { fill: var(--quiet); }
.ladder .bad .way, .ladder .bad .cross { stroke: var(--critical); } .ladder .bad .tip, .ladder .bad text { fill: var(--critical); }
.ladder .risk .way, .ladder .risk .cross { stroke: var(--warning); } .ladder .risk .tip, .ladder .risk text { fill: var(--warning); }
.unseen-list { position: absolute; width: 1px; height: 1px; margin: -1px; padding: 0; overflow: hidden; clip-path: inset(50%); white-space: nowrap; } footer { margin-top: 3rem; color: var(--quiet); font-size: .875rem; }
h3, .tag, dl, .journey, figure, .verdict { break-inside: avoid; } h2, h3, .tag, summary { break-after: avoid; }
@media (max-width: 40rem) { main { padding: 1rem .75rem 3rem; } article { padding: .75rem; } dl { grid-template-columns: minmax(0, 1fr); gap: .1rem; } dd { margin-bottom: .5rem; } }
@media print { :root { color-scheme: light; --ink: #000; --quiet: #555; --line: #bbb; --page: #fff; --card: #fff; --critical: #b00; --warning: #8a4500;
  --info: #555; --good: #075; --bar: #2a56b0; --band: #f7c5c5; } body { font-size: 11pt; } main { max-width: none; padding: 0; }
  .ladder { overflow: visible; } .ladder svg { width: 100%; height: auto; } .scroll { overflow: visible; } .scroll table { font-size: .75rem; } }
`;

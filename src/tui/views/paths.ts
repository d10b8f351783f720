import type { LiveMember, LivePath } from "../../live/live-model.ts";
import { short, shortShare } from "../quantities.ts";
import { tableView } from "../table-view.ts";
import { matches, type Scene } from "../view.ts";

type PathRow = { kind: "member"; member: LiveMember } | { kind: "path"; path: LivePath };

const BAR = 12;

/** What shares connections before the backends do, against what each should have; and the ways that they take. */
export const pathsView = tableView<PathRow>({
  id: "paths",
  title: "Paths",
  sortable: [2],
  rows: rowsOf,
  empty: ({ state }) =>
    state.filter === ""
      ? "no member or path seen yet: a point in front of the balancers shows them"
      : `nothing matches ${state.filter}`,
  columns: () => [
    {
      title: "member or path",
      width: 30,
      grows: true,
      cell: nameOf,
      paint: (row, page) => (isWrong(row) ? page.paint.bad : null),
    },
    { title: "VIP", width: 18, rank: 3, cell: (row) => (row.kind === "member" ? row.member.vip : row.path.vip) },
    {
      title: "conn",
      width: 6,
      align: "right",
      cell: (row) => short(row.kind === "member" ? row.member.connections : row.path.connections),
      sort: (a, b) => connectionsOf(b) - connectionsOf(a),
    },
    { title: "share", width: 6, align: "right", cell: (row) => shortShare(shareOf(row)) },
    // the mark stands where the share should end
    { title: "against expected", width: BAR + 4, rank: 2, cell: barOf },
    {
      title: "in/out",
      width: 9,
      align: "right",
      rank: 1,
      cell: (row) => (row.kind === "member" ? `${short(row.member.arrived)}/${short(row.member.left)}` : ""),
      paint: (row, page) => (row.kind === "member" && row.member.arrived > 0 ? page.paint.risk : null),
    },
    { title: "findings", width: 20, rank: 4, cell: (row) => (row.kind === "path" ? row.path.marks.join(" ") : "") },
  ],
  opens: (row) => ({ view: "flows", scope: { vip: row.kind === "member" ? row.member.vip : row.path.vip } }),
});

function rowsOf({ model, state }: Scene): PathRow[] {
  const members = model.members
    .filter(({ vip, tier, member }) => matches(state.filter, [vip, tier, member]))
    .map((member): PathRow => ({ kind: "member", member }));
  const paths = model.paths
    .filter(({ vip, up, down, marks }) => matches(state.filter, [vip, ...up, ...down, ...marks]))
    .map((path): PathRow => ({ kind: "path", path }));
  return [...members, ...paths];
}

function nameOf(row: PathRow): string {
  if (row.kind === "member") return `${row.member.tier}: ${row.member.member}`;
  const { up, down } = row.path;
  const isSame = down.length === up.length && down.every((node, i) => node === up[up.length - 1 - i]);
  return isSame || down.length === 0 ? up.join(" → ") : `${up.join(" → ")} ⇢ ${down.join(" → ")}`;
}

function isWrong(row: PathRow): boolean {
  return row.kind === "path" && !row.path.expected;
}

function connectionsOf(row: PathRow): number {
  return row.kind === "member" ? row.member.connections : row.path.connections;
}

function shareOf(row: PathRow): number {
  return row.kind === "member" ? row.member.share : row.path.share;
}

/** `██████│██`: a bar as long as the share, with a mark where it should end. */
function barOf(row: PathRow): string {
  const share = shareOf(row);
  if (!Number.isFinite(share)) return "";
  const columns = Math.round(Math.min(1, share) * BAR);
  const bar = [..."█".repeat(columns).padEnd(BAR)];
  if (row.kind === "member" && Number.isFinite(row.member.expectedShare)) {
    bar.splice(Math.round(Math.min(1, row.member.expectedShare) * BAR), 0, "│");
  }
  return bar.join("").trimEnd();
}

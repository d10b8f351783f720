import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectDir, requires, sharedDir } from "../support/requirement.ts";
import { type JoinScore, scoreJoins, type TrueJoins, trackEach, trueJoinsOf } from "../support/score-joins.ts";

/** Share of connections that must be joined where the capture points show both sides. */
const JOINED = { proxy: 0.99, other: 0.999 };

interface Folder {
  name: string;
  path: string;
  truth: TrueJoins;
}

function foldersOf(root: string): Folder[] {
  return readdirSync(root).flatMap((name) => {
    const path = join(root, name);
    const truth = trueJoinsOf(path);
    return truth === null ? [] : [{ name, path, truth }];
  });
}

const isBalancer = (file: string) => /^lb\d/.test(file);
const isServer = (file: string) => /^rs\d/.test(file);
const isClientSide = (file: string) => !isBalancer(file) && !isServer(file);

/** Some of the capture points of a scenario, by what they are called. */
function subsets(files: readonly string[]): Record<string, string[]> {
  const named: Record<string, string[]> = {
    "the balancers": files.filter(isBalancer),
    "the client side": files.filter(isClientSide),
    "the servers": files.filter(isServer),
    "both ends": files.filter((file) => !isBalancer(file)),
    "the balancers and the servers": files.filter((file) => !isClientSide(file)),
    "the client side and the balancers": files.filter((file) => !isServer(file)),
  };
  for (const file of files) named[file] = [file];
  return Object.fromEntries(Object.entries(named).filter(([, chosen]) => chosen.length > 0));
}

function expectNothingWrong(score: JoinScore, points: string): void {
  expect({ points, falseJoins: score.falseJoins, missing: score.missing, repeated: score.repeated }).toEqual({
    points,
    falseJoins: [],
    missing: [],
    repeated: [],
  });
}

function expectJoined(score: JoinScore, mode: string, points: string): void {
  const total = score.joined + score.unjoined.length;
  const share = total === 0 ? 1 : score.joined / total;
  expect(share, `share of ${total} connections joined at ${points}`).toBeGreaterThanOrEqual(
    mode === "proxy" ? JOINED.proxy : JOINED.other,
  );
}

function testFolders(folders: readonly Folder[]): void {
  it.each(folders.map((folder) => [folder.name, folder] as const))("%s", async (_, { path, truth }) => {
    const select = await trackEach(path, truth.files);
    const whole = scoreJoins(truth, select([...truth.files]));
    expectNothingWrong(whole, "all points");
    expectJoined(whole, truth.mode, "all points");
    expect(whole.wrongOutcomes).toEqual([]);
    for (const [points, files] of Object.entries(subsets(truth.files))) {
      const score = scoreJoins(truth, select(files));
      expectNothingWrong(score, points);
      // Where all of the balancers was captured, nothing is left to guess.
      if (truth.files.filter(isBalancer).every((file) => files.includes(file))) expectJoined(score, truth.mode, points);
    }
  });
}

describe("connections of the lab's scenarios are those that both ends logged", () => {
  testFolders(foldersOf(join(projectDir, "fixtures/scenarios")));
});

const labelled = requires({ path: "../shared/labelled" });

describe.skipIf(labelled.missing)("connections of the reference captures are the true ones", () => {
  testFolders(labelled.missing ? [] : foldersOf(join(sharedDir() ?? "", "labelled")));
});

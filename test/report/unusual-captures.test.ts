import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";
import { describeFailure } from "../../src/cli/failure.ts";
import { jsonChunks } from "../../src/cli/json-chunks.ts";
import { trackCaptures } from "../../src/offline/track-captures.ts";
import { analysisDocument } from "../../src/report/document/analysis-document.ts";
import { FlowList } from "../../src/report/flows/flow-list.ts";
import { SORT_KEYS } from "../../src/report/flows/leg-sort.ts";
import { analysisPage } from "../../src/report/html/analysis-page.ts";
import { analysisText } from "../../src/report/text/analysis-text.ts";
import { createPage } from "../../src/report/text/page.ts";
import { requires, sharedDir } from "../support/requirement.ts";
import { analysisSchema, connectionSchema } from "./analysis-schema.ts";
import { analyseTracked } from "./track-files.ts";

const need = requires({ path: "../shared/captures" });
const folders = need.missing === null ? subfolders(join(sharedDir() ?? "", "captures")) : [];

/** Odd and damaged captures of other projects' tests: each is reported, or refused in a line. */
describe.skipIf(need.missing)("odd and damaged captures", () => {
  test.each(folders.map((folder) => [basename(folder), folder]))("%s", async (_, folder) => {
    const files = readdirSync(folder);
    expect(files.length).toBeGreaterThan(0);
    let reported = 0;
    for (const file of files) {
      const failure = await report(join(folder, file)).then(
        () => null,
        (error: unknown) => ({ ...describeFailure(error), error }),
      );
      if (failure === null) reported++;
      else {
        expect(failure, `${file}: ${failure.message}`).toMatchObject({ exitCode: 2, tell: true });
        expect(failure.message, file).not.toMatch(/\n|internal error/);
      }
    }
    expect(reported).toBeGreaterThan(files.length * 0.9);
  });
});

/** Everything that the faces make of a capture. */
async function report(path: string): Promise<void> {
  const timeBase = new TimeBase();
  const captures = await trackCaptures([path], { timeBase });
  const analysis = analyseTracked({ captures, timeBase });
  const document = JSON.parse([...jsonChunks(analysisDocument(analysis, { connections: true }))].join(""));
  expect(analysisSchema.safeParse(document).error, path).toBeUndefined();
  expect(analysisPage(analysis), path).not.toMatch(/NaN|undefined|Infinity/);
  const text = analysisText(analysis, createPage(80, true, false));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be in it
  expect(text, path).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]|NaN|undefined|Infinity/);
  const flows = new FlowList(captures, timeBase);
  for (const sort of SORT_KEYS) {
    flows.select({ filter: {}, sort, reverse: true, limit: Number.POSITIVE_INFINITY });
    const legs = captures.reduce(
      (sum, { shards }) => sum + shards.reduce((live, { tracker }) => live + tracker.legs.live, 0),
      0,
    );
    expect(flows.document().connections).toHaveLength(legs);
  }
  connectionSchema.array().parse(JSON.parse(JSON.stringify(flows.document().connections)));
  expect(flows.table(createPage(120, true, false)), path).not.toMatch(/NaN|undefined|Infinity/);
  for (const lines of flows.csv()) expect(lines, path).not.toMatch(/NaN|undefined|Infinity/);
}

function subfolders(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isDirectory());
}

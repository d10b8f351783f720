import { string as stringArg } from "@oclif/core/args";
import { UsageError } from "../src/cli/exit-codes.ts";
import type { ExplanationDocument, ExplanationList } from "../src/report/explanations/explanation-document.ts";
import { BaseCommand } from "./base.ts";

export default class Explain extends BaseCommand {
  static override summary = "say what a finding means, how to make sure of it, and what to do";

  static override description =
    "Without an id it lists everything that analyze can find. A finding is a cause; the first word of its id is where to look.";

  static override examples = [
    { description: "All findings there are", command: "<%= config.bin %> <%= command.id %>" },
    { description: "One of them", command: "<%= config.bin %> <%= command.id %> ecmp.rehash" },
  ];

  static override args = {
    finding: stringArg({ description: "the id of a finding, such as ecmp.rehash" }),
  };

  override async run(): Promise<ExplanationDocument | ExplanationList | undefined> {
    const { args, flags } = await this.parse(Explain);
    const { EXPLANATIONS } = await import("../src/report/explanations/explanations.ts");
    const { explanationDocument, explanationList } = await import("../src/report/explanations/explanation-document.ts");
    const { explanationText, explanationListText } = await import("../src/report/text/explanation-text.ts");
    const { createPage } = await import("../src/report/text/page.ts");
    const page = createPage(process.stdout.columns, true);
    const id = args.finding;
    if (id === undefined) {
      if (flags.json) return explanationList();
      this.log(explanationListText(page));
      return undefined;
    }
    const explanation = Object.hasOwn(EXPLANATIONS, id) ? EXPLANATIONS[id] : undefined;
    if (explanation === undefined) {
      const { nearestIds } = await import("../src/report/explanations/nearest-ids.ts");
      const near = nearestIds(id);
      throw new UsageError(
        `no finding is called ${id}${near.length > 0 ? `; is it ${near.join(" or ")}?` : ""} (l4scope explain lists them)`,
      );
    }
    if (flags.json) return explanationDocument(id, explanation);
    this.log(explanationText(id, explanation, page));
    return undefined;
  }
}

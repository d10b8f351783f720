import { string as stringArg } from "@oclif/core/args";
import { boolean, integer, string as stringFlag } from "@oclif/core/flags";
import { UsageError } from "../src/cli/exit-codes.ts";
import { FLEET_FLAG, fleetPassword } from "../src/cli/fleet-flags.ts";
import type { AskFleetOptions } from "../src/fleet/ask-fleet.ts";
import type { Page } from "../src/report/text/page.ts";
import type { QueryDocument, QuestionsDocument } from "../src/store/answer-document.ts";
import type { Asked, AskOptions } from "../src/store/ask-store.ts";
import { BaseCommand } from "./base.ts";

export default class Query extends BaseCommand {
  static override summary = "ask a store, or a fleet's: questions with names, or SQL";

  static override description = [
    "Reads what analyze --store and record wrote. A question with a name (--list shows them) answers what is asked most often, out of counts per minute: it takes a moment, whatever the size of the store. Anything else is one SELECT of SQLite's SQL; --schema shows tables and columns, docs/store.md says what they mean. With --fleet the same is asked of all hosts that `ship` or `record --fleet` sends from: other questions (--list --fleet URL), ClickHouse's SQL, docs/fleet.md.",
    "A store is only read here: a statement that would change it is refused, and the store may be written meanwhile. SQL runs in a process of its own, which --timeout ends.",
    "TIME is in UTC: 2026-11-20T14:07:52, or seconds of the epoch. DURATION is 90s, 15m, 24h, 7d; it ends with the newest minute of the store.",
  ].join("\n\n");

  static override examples = [
    { description: "The questions that have names", command: "<%= config.bin %> <%= command.id %> --list" },
    {
      description: "Who resets connections of a VIP, the last hour",
      command: "<%= config.bin %> <%= command.id %> top-resets --store lb1.db --vip 192.0.2.10:443 --last 1h",
    },
    {
      description: "Around an incident, in steps of five minutes",
      command:
        "<%= config.bin %> <%= command.id %> timeline --store lb1.db --from 2026-11-20T13:30 --to 2026-11-20T15:00 --step 300",
    },
    {
      description: "One connection, as every host of the fleet saw it",
      command: "<%= config.bin %> <%= command.id %> journey --fleet http://ch1:8123 --flow 10.1.0.11:40001",
    },
    {
      description: "Anything else",
      command:
        "<%= config.bin %> <%= command.id %> --store lb1.db \"SELECT client, count(*) FROM connections WHERE reset_cause = 'no-state' GROUP BY client ORDER BY 2 DESC LIMIT 5\"",
    },
  ];

  static override args = {
    question: stringArg({ description: "a question's name, or a SELECT" }),
  };

  static override flags = {
    store: stringFlag({
      summary: "The store to ask; L4SCOPE_STORE names it too.",
      helpValue: "DB",
      env: "L4SCOPE_STORE",
    }),
    ...FLEET_FLAG,
    list: boolean({ summary: "Show the questions that have names.", exclusive: ["schema"] }),
    schema: boolean({ summary: "Show the tables and columns of the store." }),
    from: stringFlag({ summary: "From then on.", helpValue: "TIME", exclusive: ["last"] }),
    to: stringFlag({ summary: "Before then.", helpValue: "TIME" }),
    last: stringFlag({ summary: "The last part of the store.", helpValue: "DURATION" }),
    vip: stringFlag({ summary: "Of this VIP.", helpValue: "IP:PORT" }),
    backend: stringFlag({ summary: "Of this backend.", helpValue: "IP:PORT" }),
    host: stringFlag({ summary: "Of this host of the fleet.", helpValue: "NAME", dependsOn: ["fleet"] }),
    flow: stringFlag({
      summary: "The client's end of a connection, for the fleet's question journey.",
      helpValue: "IP:PORT",
      dependsOn: ["fleet"],
    }),
    limit: integer({ summary: "At most so many rows; of SQL, 10,000 unless told.", min: 1, helpValue: "N" }),
    step: integer({ summary: "Length of a line of the timeline, in seconds.", min: 60, helpValue: "SECONDS" }),
    timeout: integer({
      summary: "Seconds that SQL may take.",
      min: 1,
      max: 86_400,
      default: 60,
      helpValue: "SECONDS",
    }),
    csv: boolean({ summary: "Print CSV (RFC 4180, lines ended by LF).", exclusive: ["json"] }),
  };

  override async run(): Promise<QueryDocument | QuestionsDocument | undefined> {
    const { args, flags } = await this.parse(Query);
    const asked = flags.schema ? "schema" : args.question;
    if (flags.list || asked === undefined) return this.list(flags.json, flags.fleet !== undefined);
    const options = { ...flags, timeoutSeconds: flags.timeout };
    const { question, answer } = await (flags.fleet === undefined
      ? this.askStore(flags.store, asked, options)
      : this.askFleet(flags.fleet, asked, options));
    if (flags.json) {
      const { queryDocument } = await import("../src/store/answer-document.ts");
      return queryDocument(question, answer);
    }
    const { answerCsv, answerText } = await import("../src/store/answer-text.ts");
    this.log(flags.csv ? answerCsv(answer) : answerText(answer, await this.page()));
    if (answer.truncated) this.warn(`only the first ${answer.rows.length} rows; --limit gives more`);
    return undefined;
  }

  private async askStore(store: string | undefined, asked: string, options: AskOptions): Promise<Asked> {
    if (store === undefined)
      throw new UsageError("name the store to ask with --store DB, or a fleet's with --fleet URL");
    const { askStore } = await import("../src/store/ask-store.ts");
    return askStore(store, asked, options);
  }

  private async askFleet(fleet: string, asked: string, options: AskFleetOptions): Promise<Asked> {
    const { parseFleetAddress } = await import("../src/fleet/fleet-address.ts");
    const { askFleet } = await import("../src/fleet/ask-fleet.ts");
    return askFleet(parseFleetAddress(fleet, fleetPassword()), asked, options);
  }

  private async list(json: boolean, ofFleet: boolean): Promise<QuestionsDocument | undefined> {
    const questions = ofFleet
      ? (await import("../src/fleet/fleet-questions.ts")).listedFleetQuestions()
      : (await import("../src/store/questions/questions.ts")).QUESTIONS;
    if (json) return (await import("../src/store/answer-document.ts")).questionsDocument(questions);
    const { questionsText } = await import("../src/store/answer-text.ts");
    this.log(questionsText(questions, await this.page()));
    return undefined;
  }

  private async page(): Promise<Page> {
    const { createPage } = await import("../src/report/text/page.ts");
    // what reads a pipe can take lines of any length
    return createPage(process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY, true);
  }
}

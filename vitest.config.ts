import { defineConfig } from "vitest/config";

// .ci/run counts tests from a report in a file; people read the default one
const reportFile = process.env.L4SCOPE_TEST_REPORT;

export default defineConfig({
  test: {
    include: ["test/**/*.test.{ts,tsx}", "probes/**/*.test.ts"],
    // oclif's capture helpers replace the process streams themselves
    disableConsoleIntercept: true,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
    reporters: reportFile ? ["default", ["json", { outputFile: reportFile }]] : ["default"],
  },
});

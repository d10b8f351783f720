import { existsSync, readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import ts from "typescript";

export interface Import {
  /** As written; for a relative one, the file's path from the tree's root. */
  target: string;
  isRelative: boolean;
  /** `type` is gone at run time, `dynamic` is loaded when reached, `static` with the file. */
  kind: "static" | "dynamic" | "type";
  line: number;
}

export interface SourceFileFacts {
  imports: readonly Import[];
  /** Uses of the clock, timers, the process and chance, such as `Date.now` in line 7. */
  impurities: readonly { what: string; line: number }[];
}

/** Files by their path from the root, with forward slashes. */
export type Tree = ReadonlyMap<string, SourceFileFacts>;

/** The TypeScript files of the project that layers are about; tests and fixtures may import what they like. */
export function readTree(root: string): Tree {
  const tree = new Map<string, SourceFileFacts>();
  for (const folder of ["src", "commands", "probes"].filter((name) => existsSync(`${root}/${name}`))) {
    for (const name of readdirSync(`${root}/${folder}`, { recursive: true, encoding: "utf8" })) {
      const path = `${folder}/${name}`;
      if (!/\.tsx?$/.test(path) || path.endsWith(".test.ts")) continue;
      tree.set(path, factsOf(path, readFileSync(`${root}/${path}`, "utf8")));
    }
  }
  return tree;
}

/** The facts of one file, by TypeScript's own parser. */
export function factsOf(path: string, source: string): SourceFileFacts {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  const impurities: { what: string; line: number }[] = [];
  const declared = new Set<string>();
  const globals: { what: string; line: number }[] = [];
  const lineOf = (node: ts.Node) => file.getLineAndCharacterOfPosition(node.getStart()).line + 1;

  const found = (specifier: ts.Node | undefined, kind: Import["kind"]) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const isRelative = specifier.text.startsWith(".");
    const target = isRelative ? posix.join(posix.dirname(path), specifier.text) : specifier.text;
    imports.push({ target, isRelative, kind, line: lineOf(specifier) });
  };

  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      found(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? "type" : "static");
    } else if (ts.isExportDeclaration(node)) found(node.moduleSpecifier, node.isTypeOnly ? "type" : "static");
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) found(node.argument.literal, "type");
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      found(node.arguments[0], "dynamic");
    } else if (ts.isPropertyAccessExpression(node) && IMPURE_MEMBERS.has(node.getText())) {
      impurities.push({ what: node.getText(), line: lineOf(node) });
    } else if (ts.isNewExpression(node) && node.getText() === "new Date()") {
      impurities.push({ what: "new Date()", line: lineOf(node) });
    } else if (ts.isIdentifier(node) && IMPURE_GLOBALS.has(node.text)) {
      if (isDeclaration(node)) declared.add(node.text);
      else if (!isMemberName(node)) globals.push({ what: node.text, line: lineOf(node) });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  // a file that declares the name itself means its own
  impurities.push(...globals.filter(({ what }) => !declared.has(what)));
  return { imports, impurities };
}

const IMPURE_MEMBERS = new Set(["Date.now", "Math.random"]);
const IMPURE_GLOBALS = new Set([
  "process",
  "console",
  "performance",
  "fetch",
  "setTimeout",
  "setInterval",
  "setImmediate",
]);

function isDeclaration(name: ts.Identifier): boolean {
  const { parent } = name;
  return (
    (ts.isVariableDeclaration(parent) || ts.isParameter(parent) || ts.isFunctionDeclaration(parent)) &&
    parent.name === name
  );
}

/** The `process` of `engine.process`, `{ process: 1 }`, `process(packet) {}` in a class, or of a type's member. */
function isMemberName(name: ts.Identifier): boolean {
  const { parent } = name;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === name;
  return (
    (ts.isPropertyAssignment(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isPropertySignature(parent) ||
      ts.isMethodSignature(parent)) &&
    parent.name === name
  );
}

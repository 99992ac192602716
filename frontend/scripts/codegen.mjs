// Writes src/api/generated.ts: typed documents of every src/**/*.graphql, checked against ../schema.graphql.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { codegen } from "@graphql-codegen/core";
import * as documents from "@graphql-codegen/typed-document-node";
import * as operations from "@graphql-codegen/typescript-operations";
import { buildSchema, parse } from "graphql";

const root = fileURLToPath(new URL("..", import.meta.url));
const schemaText = readFileSync(join(root, "../schema.graphql"), "utf8");
const config = {
  enumsAsTypes: true,
  useTypeImports: true,
  skipTypename: true,
  scalars: { DateTime: "string", Long: "number", JSON: "unknown" },
};

const output = await codegen({
  filename: "src/api/generated.ts",
  schema: parse(schemaText),
  schemaAst: buildSchema(schemaText),
  documents: readdirSync(join(root, "src"), { recursive: true })
    .filter((name) => name.endsWith(".graphql"))
    .sort()
    .map((name) => ({ location: name, document: parse(readFileSync(join(root, "src", name), "utf8")) })),
  config,
  plugins: [{ operations: {} }, { documents: {} }],
  pluginMap: { operations, documents },
});
writeFileSync(join(root, "src/api/generated.ts"), output);

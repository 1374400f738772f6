// Prints what is wrong with an AsyncAPI document, as a list in JSON.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
const wrong = diagnostics
  // That there is a newer version of AsyncAPI is no fault.
  .filter((one) => one.code !== "asyncapi-latest-version")
  .map((one) => `${one.path.join("/")}: ${one.message}`);
if (document === undefined) wrong.push("there is no document");
console.log(JSON.stringify(wrong));

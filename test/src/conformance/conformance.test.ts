import { describeConformance } from "@posthorn/testing/conformance";
import { PROVIDERS } from "../vectors/providers.js";
import { YES } from "./answers.js";

for (const [name, { create, credentials }] of Object.entries(PROVIDERS)) {
  const yes = YES[name];
  if (!yes) throw new Error(`answers.ts does not know how ${name} says yes`);
  describeConformance({
    name,
    create,
    credentials,
    yes,
    mergeNeedsTemplate: name === "amazon-ses",
    readsNoAnswer: name === "sendgrid",
  });
}

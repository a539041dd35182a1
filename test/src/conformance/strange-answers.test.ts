import { PosthornError, type RecipientStatus } from "@posthorn/core";
import { seededRandom } from "@posthorn/testing/servers";
import { describe, expect, it } from "vitest";
import { PROVIDERS } from "../vectors/providers.js";
import { mutate } from "../webhooks/mutate.js";
import { YES } from "./answers.js";

const SENDS = 400;
const STATUSES = [200, 200, 200, 202, 400, 422, 429, 500];
const KNOWN: readonly RecipientStatus[] = ["queued", "sent", "invalid", "rejected", "failed", "unknown"];
const plain = { from: "a@example.com", to: ["b@example.org", "c@example.org"], subject: "S", text: "T" };
const batch = { ...plain, templateId: "t1", mergeData: { "b@example.org": { name: "B" } } };

/** Answers of a form that no page documents, made of one that the provider gives. */
describe("a strange answer gives a result or an error that says what is known", () => {
  for (const [name, { create, credentials }] of Object.entries(PROVIDERS)) {
    it(name, async () => {
      const random = seededRandom(20_261_125);
      for (let sends = 0; sends < SENDS; sends++) {
        const status = STATUSES[Math.floor(random() * STATUSES.length)] ?? 200;
        let answered = "";
        const backend = create({
          ...credentials,
          apiUrl: "https://api.example.com",
          unsupported: "drop",
          retry: false,
          fetch: async (_url, init) => {
            const { headers = {}, body } = YES[name]?.(parsed(init?.body)) ?? { body: "" };
            const yes = { url: "", headers: { ...headers, "x-odd": "1" }, body: Buffer.from(body ?? "") };
            const odd = mutate(yes as never, [yes as never], random);
            answered = odd.body.toString();
            return new Response(answered, { status, headers: clean(odd.headers) });
          },
        });
        const outcome = await backend.send(sends % 3 === 0 ? batch : plain).catch((error: unknown) => error);
        const story = `${status} ${answered}`;
        if (outcome instanceof Error) {
          expect(outcome, story).toBeInstanceOf(PosthornError);
          continue;
        }
        const { recipients } = outcome as Awaited<ReturnType<typeof backend.send>>;
        for (const result of Object.values(recipients)) {
          expect(KNOWN, story).toContain(result.status);
          expect(
            result.messageId === null || ["string", "number"].includes(typeof result.messageId),
            story,
          ).toBe(true);
        }
      }
    });
  }
});

function parsed(body: unknown): never {
  try {
    return JSON.parse(String(body)) as never;
  } catch {
    return {} as never;
  }
}

/** Header values as `Response` takes them. */
function clean(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.replace(/[^\x20-\x7e]/g, "?")]),
  );
}

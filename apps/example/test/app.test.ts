import { ApiError } from "@posthorn/core";
import { memory } from "@posthorn/testing";
import { describe, expect, it } from "vitest";
import { createApp } from "../src/app.js";

function post(message: unknown): RequestInit {
  return { method: "POST", body: JSON.stringify(message), headers: { "content-type": "application/json" } };
}
const mail = { from: "a@example.com", to: ["b@example.com"], subject: "<Hello>", text: "Hi" };

describe("the web app", () => {
  it("sends, and shows what became of it with HTML escaped", async () => {
    const backend = memory();
    const app = createApp({ memory: backend });
    const answer = await app.request("/send/memory", post(mail));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ status: "sent" });
    expect(backend.outbox[0]?.normalized.subject).toBe("<Hello>");
    expect(await (await app.request("/")).text()).toContain("<td>&lt;Hello&gt;</td>");
  });

  it("answers 400 to a bad message and 502 to a provider's no", async () => {
    const backend = memory();
    const app = createApp({ memory: backend });
    const bad = await app.request("/send/memory", post({ ...mail, to: "b@example.com" }));
    expect(bad.status).toBe(400);
    expect(await bad.json()).toMatchObject({ name: "InvalidMessageError", delivery: "not-sent" });
    backend.failNext(new ApiError("no", { status: 500, headers: {}, body: "", delivery: "unknown" }));
    expect((await app.request("/send/memory", post(mail))).status).toBe(502);
    expect((await app.request("/send/other", post(mail))).status).toBe(404);
    expect(backend.outbox).toEqual([]);
  });
});

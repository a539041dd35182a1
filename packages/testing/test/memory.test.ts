import { ApiError } from "@posthorn/core";
import { describe, expect, it } from "vitest";
import { memory } from "../src/index.js";

const mail = { from: "a@example.com", to: ["b@example.com"], subject: "S", text: "T" };

describe("memory", () => {
  it("keeps what is sent, fails when told to, and checks messages", async () => {
    const backend = memory();
    const failure = new ApiError("no", { status: 500, headers: {}, body: "" });
    backend.failNext(failure);
    await expect(backend.send(mail)).rejects.toBe(failure);
    const result = await backend.send(mail);
    expect(result.recipients).toEqual({ "b@example.com": { status: "sent", messageId: "memory-1" } });
    await expect(backend.send({ ...mail, to: [] })).rejects.toThrow("must have a recipient");
    expect(backend.outbox.map(({ normalized }) => normalized.to[0]?.email)).toEqual(["b@example.com"]);
    backend.clear();
    expect(backend.outbox).toEqual([]);
  });

  it("sends many", async () => {
    const backend = memory();
    const seen: boolean[] = [];
    for await (const { ok } of backend.sendMany([mail, { ...mail, from: "nobody" }, mail])) seen.push(ok);
    expect(seen).toEqual([true, false, true]);
  });
});

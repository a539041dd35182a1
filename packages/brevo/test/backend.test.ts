import { startFaultServer } from "@posthorn/testing/servers";
import { expect, it } from "vitest";
import { brevo } from "../src/index.js";

it("sends", async () => {
  const server = await startFaultServer({ respond: () => ({ kind: "answer", body: '{"id":"1"}' }) });
  try {
    const backend = brevo({ apiKey: "made-up", apiUrl: server.url });
    const result = await backend.send({
      from: "a@example.com",
      to: ["b@example.com"],
      subject: "S",
      text: "T",
    });
    expect(result.recipients).toEqual({ "b@example.com": { status: "queued", messageId: "1" } });
    expect(JSON.parse(server.requests[0]?.body.toString() ?? "")).toEqual({
      from: "a@example.com",
      to: ["b@example.com"],
      subject: "S",
      text: "T",
    });
  } finally {
    await server.close();
  }
});

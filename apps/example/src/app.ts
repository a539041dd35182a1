import { type Backend, InvalidMessageError, type Message, PosthornError } from "@posthorn/core";
import { Hono } from "hono";
import { html } from "hono/html";
import { errorRow, type Row, resultRows } from "./table.js";

/** The example's web app: `POST /send/:provider` takes a message as JSON, `GET /` shows what became of all. */
export function createApp(backends: Readonly<Record<string, Backend>>): Hono {
  const app = new Hono();
  const rows: Row[] = [];

  app.get("/", (context) =>
    context.html(html`<!doctype html>
      <title>Posthorn</title>
      <h1>Mails</h1>
      <table>
        ${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}
      </table>`),
  );

  app.post("/send/:provider", async (context) => {
    const backend = backends[context.req.param("provider")];
    if (!backend)
      return context.json({ error: `send through one of ${Object.keys(backends).join(", ")}` }, 404);
    const message = await context.req.json<Message>().catch(() => undefined);
    if (message === undefined) return context.json({ error: "the body is not JSON" }, 400);
    try {
      const result = await backend.send(message);
      rows.push(...resultRows(message.subject ?? "", result));
      return context.json({ status: result.status, recipients: result.recipients });
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error;
      rows.push(errorRow(backend.provider, message.subject ?? "", error));
      const { name, delivery, retryable } = error;
      const status = error instanceof InvalidMessageError ? 400 : 502;
      return context.json({ error: error.message, name, delivery, retryable }, status);
    }
  });
  return app;
}

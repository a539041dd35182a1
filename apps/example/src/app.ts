import { type Backend, InvalidMessageError, type Message, PosthornError } from "@posthorn/core";
import { Hono } from "hono";
import { csrf } from "hono/csrf";
import { NONCE, secureHeaders } from "hono/secure-headers";
import type { Activity } from "./activity.js";
import { followers } from "./live.js";
import { page } from "./page.js";
import { errorRow, resultRows } from "./table.js";
import { mountWebhooks, type WebhookKeys } from "./webhooks.js";

/** What the app is made of. */
export interface AppOptions {
  /** What mail can be sent through, by the name in the URL. */
  readonly backends: Readonly<Record<string, Backend>>;
  /** Where what happens is noted. */
  readonly activity: Activity;
  readonly webhookKeys?: WebhookKeys;
  /** What the page's button does; without it there is none. */
  readonly demo?: () => Promise<void>;
}

/**
 * The example's web app: `POST /send/:provider` takes a message as JSON, `/webhooks/…` hears from the providers, and
 * `GET /` shows what became of all, live through `GET /events`.
 */
export function createApp({ backends, activity, webhookKeys = {}, demo }: AppOptions): Hono {
  const app = new Hono();
  mountWebhooks(app, webhookKeys, activity);
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: [NONCE],
        styleSrc: [NONCE],
        connectSrc: ["'self'"],
        imgSrc: ["data:"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
      strictTransportSecurity: false,
    }),
  );

  app.get("/", (context) =>
    context.html(page(activity, context.get("secureHeadersNonce") ?? "", demo !== undefined)),
  );

  app.get("/events", followers(activity));

  // A page on another site must not send mail through the reader's browser.
  app.use(csrf());

  app.post("/demo", async (context) => {
    if (!demo) return context.notFound();
    await demo();
    return context.redirect("/", 303);
  });

  app.post("/send/:provider", async (context) => {
    const backend = backends[context.req.param("provider")];
    if (!backend)
      return context.json({ error: `send through one of ${Object.keys(backends).join(", ")}` }, 404);
    const message = await context.req.json<Message | null>().catch(() => null);
    if (typeof message !== "object" || message === null)
      return context.json({ error: "the body is not a message as JSON" }, 400);
    try {
      const result = await backend.send(message);
      activity.add("mail", ...resultRows(message.subject ?? "", result));
      return context.json({ status: result.status, recipients: result.recipients });
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error;
      activity.add("mail", errorRow(backend.provider, message.subject ?? "", error));
      const { name, delivery, retryable } = error;
      const status = error instanceof InvalidMessageError ? 400 : 502;
      return context.json({ error: error.message, name, delivery, retryable }, status);
    }
  });
  return app;
}

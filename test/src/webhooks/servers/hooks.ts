import { trackingWebhook } from "@posthorn/mailgun/webhooks";

export const SIGNING_KEY = "made-up-signing-key";
export const MAX_BODY_BYTES = 100_000;
/** The recipient whose events the app cannot handle. */
export const UNLUCKY = "throws@example.org";

/** A webhook as an app writes it, and the ids of the events that it saw. */
export function createHooks(): {
  readonly webhook: (request: Request) => Promise<Response>;
  readonly events: readonly unknown[];
} {
  const events: unknown[] = [];
  const webhook = trackingWebhook({
    signingKey: SIGNING_KEY,
    maxBodyBytes: MAX_BODY_BYTES,
    onEvent: ({ recipient, eventId }) => {
      if (recipient === UNLUCKY) throw new Error("made up");
      events.push(eventId);
    },
  });
  return { webhook, events };
}

/** The same as a whole app, which tells what it saw at `/events`. */
export function createHooksApp(): (request: Request) => Promise<Response> {
  const { webhook, events } = createHooks();
  return async (request) =>
    new URL(request.url).pathname === "/events" ? Response.json(events) : webhook(request);
}

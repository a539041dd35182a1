import type { Post } from "./posts.js";

/**
 * Events of Scaleway, as its documentation has them: there are no recorded ones.
 *
 * @see https://www.scaleway.com/en/docs/transactional-email/reference-content/webhook-events-payloads/
 */
const EVENTS: readonly Readonly<Record<string, unknown>>[] = [
  { type: "email_delivered", email_response_code: 250, email_response_message: "2.0.0 OK" },
  { type: "email_mailbox_not_found", email_response_code: 550, email_response_message: "5.1.1 unknown" },
  { type: "email_blocklisted", blocklist_type: "mailbox_full", blocklist_reason: "mailbox is full" },
];

/** Posts of Scaleway's own SNS, not yet signed. */
export const SCALEWAY_POSTS: readonly Post[] = EVENTS.map((event, index) => {
  const message = {
    id: `e${index}`,
    created_at: "2026-11-24T11:59:58Z",
    email_id: `m${index}`,
    email_from: "ada@example.com",
    email_to: "grace@example.org",
    email_headers: [
      { key: "X-Tags", value: '["welcome"]' },
      { key: "X-Metadata", value: '{"userId":42}' },
    ],
    ...event,
  };
  const envelope = { Type: "Notification", MessageId: `n${index}`, Message: JSON.stringify(message) };
  return {
    url: "https://hooks.example.com/scaleway",
    headers: { "content-type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": "Notification" },
    body: Buffer.from(JSON.stringify(envelope)),
  };
});

// Types alone: `npm run typecheck` reads it, nothing runs it.
import type { Backend, Supports } from "@posthorn/core";
import type { PostmarkBackend } from "@posthorn/postmark";
import type { ResendBackend } from "@posthorn/resend";

declare const resend: ResendBackend;
declare const postmark: PostmarkBackend;
declare const backend: Backend;

const message = { from: "a@example.com", to: ["b@example.org"], subject: "s", text: "t" };

// A provider's backend is a backend, and takes what any backend takes.
export const backends: readonly Backend[] = [resend, postmark];
export const sent = backend.send({ ...message, tags: ["a"], trackOpens: true });

// What a function asks for.
export const tracking: Backend<Supports<"tags" | "trackOpens">> = postmark;
// @ts-expect-error Resend has no trackOpens
export const untracked: Backend<Supports<"trackOpens">> = resend;
// @ts-expect-error any backend may lack it
export const any: Backend<Supports<"tags">> = backend;

// Fields that a provider lacks, and those that it takes once.
// @ts-expect-error NotSupportedBy<"Resend">
resend.send({ ...message, amp: "<html amp4email>" });
postmark.send({ ...message, tags: ["one"] });
// @ts-expect-error Postmark takes one tag
postmark.send({ ...message, tags: ["one", "two"] });

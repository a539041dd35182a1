import { PosthornError } from "../errors.js";

/** A post that cannot be taken: what it answers, and why. */
export class WebhookRequestError extends PosthornError {
  override readonly name: string = "WebhookRequestError";
  /** HTTP status of the answer. */
  readonly status: number;

  constructor(
    message: string,
    details: { readonly status: number; readonly provider?: string; readonly cause?: unknown },
  ) {
    super(message, details);
    this.status = details.status;
  }
}

import { ConfigurationError } from "@posthorn/core";
import type { Outbox, OutboxOptions } from "./types.js";

/**
 * Makes an outbox: a send queue in the application's own database.
 *
 * @throws ConfigurationError for an option that is malformed
 */
export function createOutbox<Tx>(options: OutboxOptions<Tx>): Outbox<Tx> {
  throw new ConfigurationError(`No outbox over ${options.store.dialect} yet`);
}

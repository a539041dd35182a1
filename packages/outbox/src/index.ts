/**
 * A durable send queue in the application's own database.
 *
 * @module
 */
export { type Cipher, type CipherContext, type CipherKeys, webCryptoCipher } from "./cipher.js";
export { outcomeOf, trackingIdOf } from "./core-gaps.js";
export { type Backoff, type Decision, decide, type SendState } from "./decide.js";
export type { Duration } from "./duration.js";
export { createOutbox } from "./outbox.js";
export type {
  Dialect,
  Executor,
  Row,
  SqlValue,
  Statement,
  Steps,
  Store,
  StoreNames,
  SyncExecutor,
  Work,
} from "./store.js";
export type * from "./types.js";

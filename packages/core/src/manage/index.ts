/**
 * What can be done about messages once they are sent: their status, cancelling, another time, and the addresses that a
 * provider does not send to. Providers offer it as `manage` of `@posthorn/NAME/manage`, an entry of its own, so that it costs
 * nothing to those who only send.
 *
 * @module
 */

export { isRecord } from "../message/json.js";
export type { SendTime } from "../message/send-at.js";
export { ownProperty } from "../message/text.js";
export type { RejectReason, TrackingEventType } from "../webhooks/event.js";
export {
  dateOf,
  dateOfSeconds,
  idOf,
  listOf,
  numberOf,
  recordOf,
  stringOf,
  stringsOf,
} from "../webhooks/values.js";
export {
  type CallOptions,
  createManager,
  type DefinedManageFeatures,
  defineManageFeatures,
  type ManageApi,
  type ManageFeatures,
  type ManageMethods,
  type ManageRequest,
  type ManageResponse,
  type Manager,
  type MessageEvent,
  type MessageStatus,
  messageEvent,
  pages,
  type RetrievedMessage,
  retrievedMessage,
  type Suppression,
  type SuppressionDetails,
  type SuppressionReason,
  suppression,
} from "./manager.js";

/**
 * A UUID of version 7 (RFC 9562 section 5.7): milliseconds first, so that rows made together lie together.
 *
 * @param now milliseconds since the epoch
 */
export function uuidv7(now: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  writeTime(bytes, now);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return format(bytes);
}

/** The smallest UUID of version 7 of a time: ids made before are below it. */
export function uuidBound(time: number): string {
  const bytes = new Uint8Array(16);
  writeTime(bytes, Math.max(0, time));
  return format(bytes);
}

function writeTime(bytes: Uint8Array, time: number): void {
  new DataView(bytes.buffer).setUint32(0, Math.floor(time / 65_536));
  new DataView(bytes.buffer).setUint16(4, Math.floor(time) % 65_536);
}

function format(bytes: Uint8Array): string {
  const hex = toHex(bytes);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Bytes as hex. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

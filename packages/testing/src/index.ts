export { MemoryBackend, type MemoryOptions, memory, type SentMail } from "./memory.js";

export { MemoryBackend, memory, type SentMail } from "./memory.js";

/** Arguments: `MEBIBYTES SECONDS`. Touches that much memory repeatedly in a busy loop for that time, then ends. */
const PAGE_BYTES = 4_096;
const CHUNK_BYTES = 1 << 20;

const [mebibytes = 0, seconds = 0] = process.argv.slice(2).map(Number);
const until = performance.now() + Math.min(seconds, 60) * 1_000;
const chunks = Array.from({ length: Math.min(mebibytes, 4_096) }, () => Buffer.alloc(CHUNK_BYTES));
for (let round = 1; performance.now() < until; round++) {
  for (const chunk of chunks) {
    for (let at = 0; at < CHUNK_BYTES; at += PAGE_BYTES) chunk[at] = round & 0xff;
    if (performance.now() >= until) break;
  }
}

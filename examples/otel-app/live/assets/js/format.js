// Numbers and times as people read them. Times are in microseconds.

// What rounds up to the next unit is said in that unit.
export function duration(us) {
  if (us < 999.5) return `${Math.round(us)} µs`;
  const ms = us / 1000;
  if (ms < 9.995) return `${ms.toFixed(2)} ms`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const s = Math.round(ms / 1000);
  if (s < 3600) return `${Math.floor(s / 60)} m ${pad(s % 60)} s`;
  const m = Math.round(s / 60);
  return `${Math.floor(m / 60)} h ${pad(m % 60)} m`;
}

// The label of an axis tick: as many digits as the step between ticks needs.
export function tick(us, step) {
  if (us === 0) return "0";
  if (step < 1000) return us < 1000 ? `${us} µs` : `${trim(us / 1000, step / 1000)} ms`;
  if (step < 1e6) return us < 1e6 ? `${us / 1000} ms` : `${trim(us / 1e6, step / 1e6)} s`;
  const s = Math.round(us / 1e6);
  if (s < 120) return `${s} s`;
  return s % 60 ? `${Math.floor(s / 60)} m ${pad(s % 60)} s` : `${s / 60} m`;
}

function trim(value, step) {
  return value.toFixed(Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
}

const pad = (n) => String(n).padStart(2, "0");

export const count = (n) => n.toLocaleString("en-US");

export function tokens(n) {
  if (n < 10_000) return count(n);
  if (n < 999_950) return `${(n / 1000).toFixed(1)}k`;
  return `${(n / 1e6).toFixed(2)}M`;
}

export function cost(usd) {
  if (usd >= 0.9995) return `$${usd.toFixed(2)}`;
  if (usd >= 0.01) return `$${usd.toFixed(3)}`;
  return `$${Number(usd.toPrecision(2))}`;
}

export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

export function clock(us) {
  return new Date(us / 1000).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
}

export function dateTime(us) {
  const date = new Date(us / 1000);
  const ms = String(date.getMilliseconds()).padStart(3, "0");
  return `${date.toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" })}, ${clock(us)}.${ms}`;
}

export function ago(us, now) {
  const s = Math.max(0, (now - us) / 1e6);
  if (s < 5) return "just now";
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  return clock(us);
}

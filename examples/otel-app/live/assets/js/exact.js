// JSON whose integers keep their digits: one beyond 2^53, the id of something in a tool's
// arguments say, becomes a bigint. A browser that does not tell a number's text rounds it.

export function parse(text) {
  return JSON.parse(text, (_, value, context) => {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    return /^-?\d+$/.test(context?.source ?? "") ? BigInt(context.source) : value;
  });
}

export function stringify(value) {
  return JSON.stringify(value, (_, v) => (typeof v === "bigint" ? JSON.rawJSON(String(v)) : v), 2);
}
